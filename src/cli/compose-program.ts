import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstBytes, isExecutable } from './docker-binary.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** After the folders of Docker's configuration, and in Docker's order (docker/cli, cli-plugins/manager, getPluginDirs). */
const SYSTEM_FOLDERS = [
  '/usr/local/lib/docker/cli-plugins',
  '/usr/local/libexec/docker/cli-plugins',
  '/usr/lib/docker/cli-plugins',
  '/usr/libexec/docker/cli-plugins',
];

const ELF = '\x7fELF';

/**
 * The words that Compose is called by: its own program, which is half the time of `docker compose` (docker starts it
 * twice, once to ask who it is). A docker that is a script of somebody's is asked as it is, and so is one with a
 * configuration folder of its own on the command line, a flag that the program does not know.
 */
export function composeCommand(docker: string, dockerArgs: readonly string[], folder: string): readonly string[] {
  const through = [docker, ...dockerArgs, 'compose'];
  if (dockerArgs.includes('--config') || !isProgram(docker)) return through;
  const program = [...pluginFolders(folder), ...SYSTEM_FOLDERS]
    .map((each) => join(each, 'docker-compose'))
    .find((file) => isExecutable(file));
  return program === undefined || !isProgram(program) ? through : [program, ...dockerArgs];
}

/** A Compose that is told that docker started it expects docker's words. */
export function withoutPluginVariables(env: Env): Env {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('DOCKER_CLI_PLUGIN_')));
}

function pluginFolders(folder: string): readonly string[] {
  return [...extraFolders(join(folder, 'config.json')), join(folder, 'cli-plugins')];
}

function extraFolders(config: string): readonly string[] {
  try {
    const { cliPluginsExtraDirs: extra } = JSON.parse(readFileSync(config, 'utf8')) as {
      cliPluginsExtraDirs?: unknown;
    };
    return Array.isArray(extra) ? extra.filter((each) => typeof each === 'string') : [];
  } catch {
    return [];
  }
}

function isProgram(file: string): boolean {
  try {
    return firstBytes(file, ELF.length) === ELF;
  } catch {
    return false;
  }
}
