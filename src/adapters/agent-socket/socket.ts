import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Of the agent's socket in the state folder. */
export const SOCKET_NAME = 'agent.sock';

/** sun_path of unix(7) has 108 bytes, the last of them a zero; Node cuts a longer one off without a word. */
const LONGEST = 107;

/** A socket's path in a form that the kernel takes, and what keeps that form valid. */
export interface SocketPath {
  readonly path: string;
  readonly close: () => Promise<void>;
}

/** A path that is too long is gone around: through the open folder it has a short one (Linux). */
export async function socketPath(path: string): Promise<SocketPath> {
  if (Buffer.byteLength(path) <= LONGEST) return { path, close: () => Promise.resolve() };
  const folder: FileHandle = await open(dirname(path), 'r');
  return { path: join('/proc/self/fd', String(folder.fd), basename(path)), close: () => folder.close() };
}
