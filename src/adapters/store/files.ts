import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DeployError, messageOf } from '../../core/errors.ts';
import { createOwn, makeOwnFolder, namesInOwn, ownStats, readOwn } from '../system/own-files.ts';

/** The state is for its owner alone, whatever the umask. */
export const FILE_MODE = 0o600;
export const FOLDER_MODE = 0o700;

/** Content of a file, or null if it does not exist. Unreadable is not absent. @throws state-unreadable */
export function readIfThere(path: string): Promise<string | null> {
  return reading(path, () => readOwn(path));
}

/** Names in a folder; none if it does not exist. @throws state-unreadable */
export function namesIn(folder: string): Promise<readonly string[]> {
  return reading(folder, () => namesInOwn(folder));
}

/** Looks whether folders on the way to a file are folders. @throws state-unreadable */
export async function requireFolders(...folders: readonly string[]): Promise<void> {
  for (const folder of folders) await reading(folder, () => ownStats(folder));
}

/** Replaces a file so that after a crash it is the old one or the new one, whole, and durable when this resolves. */
export async function writeDurably(path: string, content: string, mode = FILE_MODE): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  await writing(path, async () => {
    try {
      const file = await createOwn(temporary, mode);
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await syncFolder(dirname(path));
  });
}

/** Makes names in a folder durable: a rename or a removal counts only after this. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export async function makeFolder(path: string): Promise<void> {
  await writing(path, () => makeOwnFolder(path, FOLDER_MODE));
}

/**
 * The folder of the whole state. One that is open to others is closed, since that is what a person wants who made it
 * with their usual umask; but not where it holds what is not ours: that is /tmp, say, or somebody's home.
 */
export async function makeStateFolder(path: string, ours: ReadonlySet<string>): Promise<void> {
  await writing(path, async () => {
    const there = await ownStats(path);
    const names = there === null || (there.mode & 0o077) === 0 ? [] : await namesInOwn(path);
    const [foreign] = names.filter((name) => !ours.has(name) && !name.endsWith('.tmp'));
    if (foreign !== undefined)
      throw new Error(
        `others may enter it, and it holds ${foreign}, which is not ours: give the state a folder of its own`,
      );
    await makeOwnFolder(path, FOLDER_MODE);
  });
}

async function reading<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw unreadable(path, messageOf(error), error);
  }
}

/** Runs a write; a failure says which file and what the system says. @throws state-unwritable */
export async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DeployError) throw error;
    throw new DeployError('state-unwritable', { what: `${path} cannot be written: ${messageOf(error)}`, cause: error });
  }
}

export function unreadable(path: string, why: string, cause?: unknown): DeployError {
  return new DeployError('state-unreadable', { what: `${path} cannot be read: ${why}`, cause });
}
