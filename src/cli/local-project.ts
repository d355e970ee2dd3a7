import { join, resolve } from 'node:path';
import { DockerCompose } from '../adapters/compose/compose.ts';
import { userFiles } from '../adapters/compose/files.ts';
import { readModels } from '../adapters/compose/read.ts';
import type { SourceFile } from '../config/sources.ts';
import type { Color } from '../core/color.ts';
import type { ComposeModel, Project } from '../core/project.ts';
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
  /** The same before anybody looks at our keys, and the texts that it is made from; paths absolute. */
  readonly resolve: (version: string) => Promise<ResolvedFiles>;
}

/** The compose files, and what Compose makes of them. */
export interface ResolvedFiles {
  readonly model: ComposeModel;
  /** Services whose definition changes with the version. */
  readonly versioned: ReadonlySet<string>;
  readonly files: readonly SourceFile[];
  readonly overlays: Readonly<Record<Color, SourceFile | null>>;
}

/** Finds a project. @throws invalid-usage, compose-missing */
export async function localProject(globals: GlobalOptions, io: Io): Promise<LocalProject> {
  const { docker, endpoint } = await dockerEndpoint(globals, io);
  const options = composeOptions({ globals, io, endpoint, docker });
  const found = await userFiles(options);
  const { directory, sources, overlays } = found;
  const named = globals.compose.envFiles.length > 0 ? globals.compose.envFiles : [join(directory, '.env')];
  const painted = [overlays.blue, overlays.green].flatMap((overlay) => overlay?.path ?? []);
  const absolute = (path: string): string => resolve(io.cwd, path);
  const placed = (file: SourceFile | null) => (file === null ? null : { ...file, path: absolute(file.path) });
  return {
    directory,
    files: sources.map(({ path }) => absolute(path)),
    overlays: painted.map(absolute),
    envFiles: named.map(absolute),
    endpoint,
    docker,
    resolve: async (version) => ({
      ...(await readModels(options, found, version)),
      files: sources.map((file) => ({ ...file, path: absolute(file.path) })),
      overlays: { blue: placed(overlays.blue), green: placed(overlays.green) },
    }),
    read: (version) => new DockerCompose(options, () => Promise.resolve(null)).read(version),
  };
}
