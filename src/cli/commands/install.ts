import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findDocker, isShim, pathFolders } from '../docker-binary.ts';
import { configFolder } from '../endpoint.ts';
import { foreign, linkPlugin, pluginFile, unlinkPlugin } from '../install/plugin-link.ts';
import { shellWord } from '../install/shell-words.ts';
import { ownFolder, shimPlace } from '../install/shim-place.ts';
import { shimScript } from '../install/shim.ts';
import type { CommandOptions } from '../invocation.ts';
import { print, type Io } from '../io.ts';
import type { Command } from '../session.ts';

/** `install [--shim] [--dir DIR] [--uninstall]`. */
export const run: Command<'install'> = (options, { io, globals }) => {
  const plugin = pluginFile(configFolder(globals.docker, io.env));
  const said = options.uninstall ? uninstall(plugin, options, io) : install(plugin, options, io);
  if (globals.progress !== 'quiet') print(io.stdout, said);
  return Promise.resolve(0);
};

type Options = CommandOptions['install'];

function install(plugin: string, { shim, dir }: Options, io: Io): readonly string[] {
  const executable = realpathSync(io.executable);
  linkPlugin(plugin, executable);
  return [`docker deploybg works: ${plugin}`, ...(shim ? installShim(executable, dir, io) : withoutShim(io))];
}

function installShim(executable: string, dir: string | null, { env, cwd }: Io): readonly string[] {
  const { folder, wins } = shimPlace(env, dir, cwd);
  const file = join(folder, 'docker');
  if (existsSync(file) && !isShim(file)) throw foreign(file);
  mkdirSync(folder, { recursive: true });
  replaceFile(file, shimScript(executable));
  if (wins) return [`docker deploy-bg works: ${file}`, 'in shells that are open, type once: hash -r'];
  return [`launcher: ${file}`, 'docker deploy-bg works after:', `  export PATH=${shellWord(folder)}:"$PATH"`];
}

/** A shell may be reading the launcher that is there: it keeps the file it has opened. */
function replaceFile(file: string, content: string): void {
  const next = `${file}.${String(process.pid)}`;
  writeFileSync(next, content, { mode: 0o755 });
  renameSync(next, file);
}

/** The literal command is what people are promised: say how they get it. */
function withoutShim({ env }: Io): readonly string[] {
  if (pathFolders(env).some((folder) => isShim(join(folder, 'docker')))) return [];
  return ['for the literal docker deploy-bg: docker-deploy-bg install --shim'];
}

function uninstall(plugin: string, { dir }: Options, io: Io): readonly string[] {
  const shims = shimFiles(dir, io).filter(isShim);
  for (const file of shims) rmSync(file);
  const removed = [...(unlinkPlugin(plugin) ? [plugin] : []), ...shims];
  const said = removed.map((file) => `removed ${file}`);
  return [...(said.length === 0 ? ['nothing of ours was installed'] : said), ...startUpFiles(io)];
}

function shimFiles(dir: string | null, { env, cwd }: Io): readonly string[] {
  const folders = [...pathFolders(env), ownFolder(env), ...(dir === null ? [] : [resolve(cwd, dir)])];
  return [...new Set(folders)].map((folder) => join(folder, 'docker')).filter((file) => file !== findDocker(env));
}

/** Files of the user are not ours to edit. */
function startUpFiles({ env }: Io): readonly string[] {
  const files = ['.bashrc', '.bash_profile', '.profile', '.zshrc', '.config/fish/config.fish'];
  return files
    .map((name) => join(env['HOME'] ?? '/', name))
    .filter((file) => existsSync(file) && readFileSync(file, 'utf8').includes('docker-deploy-bg shell-init'))
    .map((file) => `take the line with "docker-deploy-bg shell-init" out of ${file}`);
}
