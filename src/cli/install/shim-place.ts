import { accessSync, constants, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { findDocker, pathFolders } from '../docker-binary.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface ShimPlace {
  readonly folder: string;
  /** True if a shell finds this folder's docker before the real one. */
  readonly wins: boolean;
}

/** Folders that other tools fill and empty as they like. */
const OF_OTHER_TOOLS = /node_modules|\/shims$|\/\.cargo\/|\/\.pyenv\//;

/**
 * Where the launcher goes: the folder asked for; else a writable one of PATH before the real docker, a usual one
 * first; else one of our own, that PATH has to be told of.
 */
export function shimPlace(env: Env, asked: string | null, cwd: string): ShimPlace {
  const before = foldersBefore(env);
  if (asked !== null) {
    const folder = resolve(cwd, asked);
    return { folder, wins: before.includes(folder) };
  }
  const usual = usualFolders(env).filter((folder) => before.includes(folder));
  const others = before.filter((folder) => folder.startsWith('/') && !OF_OTHER_TOOLS.test(folder));
  const folder = [...usual, ...others].find(isWritableFolder);
  return folder === undefined ? { folder: ownFolder(env), wins: false } : { folder, wins: true };
}

/** A folder that nobody else uses. */
export function ownFolder(env: Env): string {
  const data = env['XDG_DATA_HOME'] || join(env['HOME'] ?? '/', '.local', 'share');
  return join(data, 'docker-deploy-bg', 'bin');
}

function foldersBefore(env: Env): readonly string[] {
  const folders = pathFolders(env);
  const docker = findDocker(env);
  return docker === null ? folders : folders.slice(0, folders.indexOf(dirname(docker)));
}

function usualFolders({ HOME: home }: Env): readonly string[] {
  const own = home ? [join(home, '.local', 'bin'), join(home, 'bin')] : [];
  return ['/usr/local/bin', '/usr/local/sbin', ...own];
}

function isWritableFolder(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return statSync(folder).isDirectory();
  } catch {
    return false;
  }
}
