import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DeployError, messageOf } from '../../core/errors.ts';

/** The state is for its owner alone, whatever the umask. */
export const FILE_MODE = 0o600;
export const FOLDER_MODE = 0o700;

/** Content of a file, or null if it does not exist. Unreadable is not absent. @throws state-unreadable */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw unreadable(path, messageOf(error), error);
  }
}

/** Replaces a file so that after a crash it is the old one or the new one, whole, and durable when this resolves. */
export async function writeDurably(path: string, content: string, mode = FILE_MODE): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  await writing(path, async () => {
    try {
      const file = await open(temporary, 'wx', mode);
      try {
        await file.chmod(mode);
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
  await writing(path, async () => {
    await mkdir(path, { recursive: true, mode: FOLDER_MODE });
  });
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

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
