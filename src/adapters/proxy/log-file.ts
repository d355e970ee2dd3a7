import { constants } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { openOwn } from '../system/own-files.ts';
import { isAbsent, namesIn } from './files.ts';

/** No proxy writes more than this between two readings, but one that was left alone for long. */
const LONGEST_READING = 32 * 1024 * 1024;

/** A growing file, read bit by bit; it may be rotated or truncated meanwhile. */
export class LogFile {
  readonly #folder: string;
  readonly #name: string;
  #inode: number | null = null;
  #offset = 0;
  /** A line that was not written to its end when it was read. */
  #begun = '';

  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  /** Whole lines that were added since the last call; all there are at the first one. Null if there is no file. */
  async newLines(): Promise<readonly string[] | null> {
    const current = await inodeAndSize(join(this.#folder, this.#name));
    if (current === null) return null;
    const text = (await this.#restOfRotated(current.inode)) + (await this.#follow(current));
    const lines = (this.#begun + text).split('\n');
    this.#begun = lines.pop() ?? '';
    return lines;
  }

  /** Empties the file, whose lines have been read; its writer goes on at the beginning. */
  async truncate(): Promise<void> {
    const handle = await openOwn(join(this.#folder, this.#name), constants.O_RDWR);
    try {
      await handle.truncate(0);
    } finally {
      await handle.close();
    }
    this.#offset = 0;
  }

  /** Bytes read of the present file. */
  get size(): number {
    return this.#offset;
  }

  async #follow({ inode, size }: InodeAndSize): Promise<string> {
    if (inode !== this.#inode || size < this.#offset) this.#offset = 0;
    this.#inode = inode;
    const text = await readFrom(join(this.#folder, this.#name), this.#offset, size);
    this.#offset = size;
    return text;
  }

  /** What was still written to the file that is rotated away now. */
  async #restOfRotated(inode: number): Promise<string> {
    if (this.#inode === null || this.#inode === inode) return '';
    for (const name of await namesIn(this.#folder)) {
      const found = await inodeAndSize(join(this.#folder, name));
      if (found?.inode === this.#inode) return readFrom(join(this.#folder, name), this.#offset, found.size);
    }
    return '';
  }
}

interface InodeAndSize {
  readonly inode: number;
  readonly size: number;
}

async function inodeAndSize(path: string): Promise<InodeAndSize | null> {
  return lstat(path).then(
    ({ ino, size }) => ({ inode: ino, size }),
    (error: unknown) => {
      if (isAbsent(error)) return null;
      throw error;
    },
  );
}

async function readFrom(path: string, from: number, to: number): Promise<string> {
  const begin = Math.max(from, to - LONGEST_READING);
  const handle = await openOwn(path, constants.O_RDONLY);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(to - begin), 0, to - begin, begin);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
