import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, namesIn, syncFolder, writeNew } from '../files.ts';

/** In the folder of the generated files. */
export const OVER_FOLDER = 'over';

/**
 * Which configurations are not the present one any more: an empty file each, by digest. nginx keeps a connection for
 * another request although its worker was told to end, also after a response that lasted for hours; by its file the
 * worker sees that others are to answer now.
 */
export class Over {
  readonly #folder: string;

  constructor(output: string) {
    this.#folder = join(output, OVER_FOLDER);
  }

  async mark(digests: readonly string[]): Promise<void> {
    await makeFolder(this.#folder);
    const marked = new Set(await namesIn(this.#folder));
    const others = [...new Set(digests)].filter((digest) => !marked.has(digest));
    await Promise.all(others.map((digest) => writeNew(join(this.#folder, digest), '')));
    await syncFolder(this.#folder);
  }

  /** For a configuration that will be the present one. */
  async unmark(digest: string | null): Promise<void> {
    if (digest !== null) await rm(join(this.#folder, digest), { force: true });
  }

  /** Where nobody would answer those who ask. */
  async clear(): Promise<void> {
    for (const digest of await namesIn(this.#folder)) await this.unmark(digest);
  }
}
