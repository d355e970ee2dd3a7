import { join, resolve } from 'node:path';
import { DockerCompose } from '../adapters/compose/compose.ts';
import { userFiles } from '../adapters/compose/files.ts';
import type { Project } from '../core/project.ts';
import { composeOptions, dockerEndpoint } from './compose-options.ts';
import type { Endpoint } from './endpoint.ts';
import type { GlobalOptions } from './globals.ts';
import type { Io } from './io.ts';

/** A project as its files here say it: no engine is asked. */
export interface LocalProject {
  /** The project's folder, absolute. */
  readonly directory: string;
  /** The compose files, absolute, in the order in which Compose reads them. */
  readonly files: readonly string[];
  /** What the colors of the project are given beside them, absolute. */
  readonly overlays: readonly string[];
  /** Absolute, whether they are there or not. */
  readonly envFiles: readonly string[];
  readonly endpoint: Endpoint;
  /** The real docker. */
  readonly docker: string;
  /** What Compose makes of the files for a version. @throws what is wrong with them */
  readonly read: (version: string) => Promise<Project>;
}

/** Finds a project. @throws invalid-usage, compose-missing */
export async function localProject(globals: GlobalOptions, io: Io): Promise<LocalProject> {
  const { docker, endpoint } = await dockerEndpoint(globals, io);
  const options = composeOptions({ globals, io, endpoint, docker });
  const { directory, sources, overlays } = await userFiles(options);
  const named = globals.compose.envFiles.length > 0 ? globals.compose.envFiles : [join(directory, '.env')];
  const painted = [overlays.blue, overlays.green].flatMap((overlay) => overlay?.path ?? []);
  const absolute = (path: string): string => resolve(io.cwd, path);
  return {
    directory,
    files: sources.map(({ path }) => absolute(path)),
    overlays: painted.map(absolute),
    envFiles: named.map(absolute),
    endpoint,
    docker,
    read: (version) => new DockerCompose(options, () => Promise.resolve(null)).read(version),
  };
}
