import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { DeployError } from '../core/errors.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Identifies the launchers that we wrote: only these are skipped, replaced and removed. */
export const SHIM_MARKER = 'launcher of docker-deploy-bg';

/** The folders of PATH, in its order, each once. */
export function pathFolders(env: Env): readonly string[] {
  return [...new Set((env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''))];
}

/** The real docker: the first one of PATH that is no launcher of ours; null if there is none. */
export function findDocker(env: Env): string | null {
  const files = pathFolders(env).map((folder) => join(folder, 'docker'));
  return files.find((file) => isExecutable(file) && !isShim(file)) ?? null;
}

/** @throws compose-missing where there is no docker */
export function requireDocker(env: Env): string {
  const docker = findDocker(env);
  if (docker !== null) return docker;
  throw new DeployError('compose-missing', {
    what: 'there is no docker command in PATH',
    next: 'install the Docker CLI and Docker Compose 2.27 or later',
  });
}

/** True for a `docker` that we wrote; false for any other file and where there is none. */
export function isShim(file: string): boolean {
  try {
    return firstBytes(file, 256).includes(SHIM_MARKER);
  } catch {
    return false;
  }
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** The docker that is looked at is a program of 40 MB: only its beginning is read. @throws if it cannot be read */
export function firstBytes(file: string, count: number): string {
  const descriptor = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(count);
    return buffer.toString('latin1', 0, readSync(descriptor, buffer, 0, count, 0));
  } finally {
    closeSync(descriptor);
  }
}
