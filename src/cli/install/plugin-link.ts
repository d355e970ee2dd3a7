import { lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DeployError } from '../../core/errors.ts';

/** Docker accepts plugins whose name matches `[a-z][a-z0-9]*` and no others. */
export function pluginFile(configFolder: string): string {
  return join(configFolder, 'cli-plugins', 'docker-deploybg');
}

/** Links the executable as a plugin; a link of an earlier version is replaced. @throws not-possible */
export function linkPlugin(file: string, executable: string): void {
  if (exists(file) && !isOurs(file)) throw foreign(file);
  mkdirSync(dirname(file), { recursive: true });
  rmSync(file, { force: true });
  symlinkSync(executable, file);
}

/** True if there was a link of ours to remove. */
export function unlinkPlugin(file: string): boolean {
  if (!exists(file) || !isOurs(file)) return false;
  rmSync(file);
  return true;
}

function exists(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

/** A link to any docker-deploy-bg, also to one that is gone. */
function isOurs(file: string): boolean {
  return lstatSync(file).isSymbolicLink() && basename(readlinkSync(file)).startsWith('docker-deploy-bg');
}

/** A file that somebody else put where one of ours should be. */
export function foreign(file: string): DeployError {
  return new DeployError('not-possible', {
    what: `${file} exists and is not ours`,
    next: 'move it away, then run this again',
  });
}
