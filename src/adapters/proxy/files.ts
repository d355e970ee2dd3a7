import { open, readlink, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DeployError, messageOf } from '../../core/errors.ts';
import { statusCode } from '../docker/status-code.ts';
import { createOwn, isMissing, makeOwnFolder, namesInOwn, ownStats, readOwn } from '../system/own-files.ts';

/** A file that a template was rendered to; `file` is relative to the folder of the proxy's generated files. */
export interface RenderedFile {
  readonly file: string;
  readonly content: string;
}

/** The proxy may run as any user: it must be able to read, whatever our umask is. */
const FILE_MODE = 0o644;
const FOLDER_MODE = 0o755;

/** Writes a file so that a reader sees the old or the new content whole, also after a power cut. */
export async function writeWhole(path: string, content: string): Promise<void> {
  const temporary = `${path}.new`;
  await writeNew(temporary, content);
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/** Writes a file that nobody reads yet; its folder is not synced. */
export async function writeNew(path: string, content: string): Promise<void> {
  const handle = await createOwn(path, FILE_MODE);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes what was created or renamed in a folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A folder that everyone may enter, whatever our umask is. */
export function makeFolder(path: string): Promise<void> {
  return makeOwnFolder(path, FOLDER_MODE);
}

/** The content of a file; null if it is absent. @throws state-unreadable */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readOwn(path);
  } catch (error) {
    throw new DeployError('state-unreadable', { what: `${path} cannot be read: ${messageOf(error)}`, cause: error });
  }
}

/** The previous content of files, to be put back when the proxy refuses the new one. */
export type Snapshot = readonly { readonly file: string; readonly content: string | null }[];

export async function snapshot(folder: string, files: readonly string[]): Promise<Snapshot> {
  return Promise.all(files.map(async (file) => ({ file, content: await readIfThere(join(folder, file)) })));
}

export async function restore(folder: string, previous: Snapshot): Promise<void> {
  for (const { file, content } of previous) {
    if (content === null) await rm(join(folder, file), { force: true });
    else await writeWhole(join(folder, file), content);
  }
}

/** Writes those files that differ; true if there was one. */
export async function writeChanged(folder: string, files: readonly RenderedFile[]): Promise<boolean> {
  let changed = false;
  for (const { file, content } of files) {
    if ((await readIfThere(join(folder, file))) === content) continue;
    await writeWhole(join(folder, file), content);
    changed = true;
  }
  return changed;
}

/** Names in a folder; none if it is absent. */
export const namesIn = namesInOwn;

export const isAbsent = isMissing;

/** Runs file work; what the file system refuses becomes an error for people. */
export async function onDisk<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    await ownStats(folder);
    return await work();
  } catch (error) {
    if (error instanceof DeployError) throw error;
    // The work asks the proxy as well, by the engine.
    if (statusCode(error) !== null)
      throw new DeployError('proxy-unreachable', {
        what: `the proxy cannot be asked: ${messageOf(error)}`,
        cause: error,
      });
    throw new DeployError('state-unwritable', {
      what: `the proxy’s generated files in ${folder} cannot be written: ${messageOf(error)}`,
      next: 'make the folder writable for you, with no links in it but ours, then run the command again',
      cause: error,
    });
  }
}

/** Makes a link in a folder unless it is there; `target` is relative to the folder. */
export async function linkInto(folder: string, name: string, target: string): Promise<void> {
  const path = join(folder, name);
  if ((await readlink(path).catch(() => null)) === target) return;
  await rm(`${path}.new`, { force: true });
  await symlink(target, `${path}.new`);
  await rename(`${path}.new`, path);
  await syncFolder(folder);
}
