import { constants, type Stats } from 'node:fs';
import { chmod, type FileHandle, lchown, lstat, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Files that this program writes where others may write as well: the state in the project folder, and the proxy's
 * files in a folder that the proxy's container has too. A link that stands in the place of one of them would have us
 * read or write something else with our rights, so that none is followed.
 */

function linkAt(path: string): Error {
  return new Error(`${path} is a symbolic link, which is not followed`);
}

/** Opens a file that is no link, and no pipe either, whose other end nobody may ever open. */
export async function openOwn(path: string, flags: number, mode?: number): Promise<FileHandle> {
  const file = await open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, mode).catch((error: unknown) => {
    throw notAFile(path, error);
  });
  const stats = await file.stat();
  if (stats.isFile()) {
    if ((flags & constants.O_CREAT) !== 0 && stats.nlink === 1) await giveToOwner(file, path, stats);
    return file;
  }
  await file.close();
  throw new Error(`${path} is not a file`);
}

/** ENXIO is a pipe that nobody reads. */
function notAFile(path: string, error: unknown): unknown {
  if (codeOf(error) === 'ELOOP') return linkAt(path);
  return codeOf(error) === 'ENXIO' ? new Error(`${path} is not a file`) : error;
}

/** The content of a file that is no link; null if there is none. */
export async function readOwn(path: string): Promise<string | null> {
  try {
    const file = await openOwn(path, constants.O_RDONLY);
    try {
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** A new file, whatever stood at its path before: a crash leaves temporary files behind, and others may plant links. */
export async function createOwn(path: string, mode: number): Promise<FileHandle> {
  await rm(path, { force: true });
  const file = await open(path, 'wx', mode);
  await file.chmod(mode);
  await giveToOwner(file, path, await file.stat());
  return file;
}

/** What root makes belongs to whoever the folder belongs to: it is their project, and their agent has to read it. */
async function giveToOwner(file: FileHandle, path: string, { uid }: Stats): Promise<void> {
  const owner = await ownerOfFolder(path);
  // Root in a container may be one that cannot.
  if (owner !== null && owner.uid !== uid) await file.chown(owner.uid, owner.gid).catch(() => undefined);
}

/** Null for everybody but root, who alone can give something away. */
async function ownerOfFolder(path: string): Promise<Pick<Stats, 'uid' | 'gid'> | null> {
  return process.geteuid?.() === 0 ? stat(dirname(path)) : null;
}

/** Makes a folder with exactly this mode, whatever the umask is, or gives it to one that is there. */
export async function makeOwnFolder(path: string, mode: number): Promise<void> {
  if ((await ownStats(path)) === null) {
    await mkdir(path, { recursive: true, mode });
    const owner = await ownerOfFolder(path);
    if (owner !== null) await lchown(path, owner.uid, owner.gid).catch(() => undefined);
  }
  const made = await ownStats(path);
  if (made !== null && (made.mode & 0o7777) !== mode) await chmod(path, mode);
}

/** Names in a folder that is no link; none if there is no folder. */
export async function namesInOwn(path: string): Promise<readonly string[]> {
  return (await ownStats(path)) === null ? [] : readdir(path);
}

/** What is known of a file or folder that is no link; null if there is none. */
export async function ownStats(path: string): Promise<Stats | null> {
  const stats = await lstat(path).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (stats?.isSymbolicLink() === true) throw linkAt(path);
  return stats;
}

export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null;
}
