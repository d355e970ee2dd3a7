import type { ComposeOptions } from '../adapters/compose/options.ts';
import { composeCommand, withoutPluginVariables } from './compose-program.ts';
import { requireDocker } from './docker-binary.ts';
import { configFolder, resolveEndpoint, type Endpoint } from './endpoint.ts';
import type { GlobalOptions } from './globals.ts';
import type { Io } from './io.ts';

/** The real docker, and the engine that it is to talk to. @throws compose-missing, invalid-usage */
export async function dockerEndpoint(
  globals: GlobalOptions,
  io: Io,
): Promise<{ readonly docker: string; readonly endpoint: Endpoint }> {
  const docker = requireDocker(io.env);
  const endpoint = await resolveEndpoint(globals.docker, io.env, async (args) => {
    const { execa } = await import('execa');
    const { stdout } = await execa(docker, args, { stdin: 'ignore' });
    return stdout;
  });
  return { docker, endpoint };
}

/** How Compose is called for the project that the flags mean. */
export function composeOptions(of: {
  readonly globals: GlobalOptions;
  readonly io: Io;
  readonly endpoint: Endpoint;
  readonly docker: string;
}): ComposeOptions {
  const { globals, io, endpoint, docker } = of;
  const { files, projectName, envFiles, profiles, projectDirectory } = globals.compose;
  return {
    docker: [docker, ...endpoint.dockerArgs],
    compose: composeCommand(docker, endpoint.dockerArgs, configFolder(globals.docker, io.env)),
    files,
    envFiles,
    profiles,
    cwd: io.cwd,
    env: withoutPluginVariables(io.env),
    ...(projectName === null ? {} : { projectName }),
    ...(projectDirectory === null ? {} : { projectDirectory }),
  };
}
