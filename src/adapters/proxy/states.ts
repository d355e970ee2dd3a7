import { lstat, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbsent, makeFolder, namesIn, syncFolder } from './files.ts';

/**
 * A folder of files that changes as a whole: each state is a folder of its own, and a link names the one that counts.
 * Its atomic rename is the change, and going back is linking the state before, which is kept.
 */
export class States {
  readonly #output: string;
  readonly #link: string;
  readonly #folder: string;

  constructor(output: string, link: string) {
    this.#output = output;
    this.#link = link;
    this.#folder = `${link}-states`;
  }

  /** The state that is linked now, to go back to; null before the first. */
  async current(): Promise<string | null> {
    return readlink(join(this.#output, this.#link)).catch((error: unknown) => {
      if (isAbsent(error)) return null;
      throw error;
    });
  }

  /** When the link was last changed, in milliseconds since the epoch; null before the first state. */
  async changedAt(): Promise<number | null> {
    return lstat(join(this.#output, this.#link)).then(
      ({ mtimeMs }) => mtimeMs,
      () => null,
    );
  }

  /** Makes a state by `write` and links it, in one rename. */
  async change(write: (folder: string) => Promise<void>): Promise<void> {
    const before = await this.current();
    const states = join(this.#output, this.#folder);
    await makeFolder(states);
    const state = join(this.#folder, next(await namesIn(states)));
    const folder = join(this.#output, state);
    await makeFolder(folder);
    await write(folder);
    await Promise.all([syncFolder(folder), syncFolder(states)]);
    await this.link(state);
    await this.#removeAllBut([before, state]);
  }

  /** Points the link at a state, atomically. */
  async link(state: string): Promise<void> {
    const temporary = join(this.#output, `${this.#link}.new`);
    await rm(temporary, { force: true });
    await symlink(state, temporary);
    await rename(temporary, join(this.#output, this.#link));
    await syncFolder(this.#output);
  }

  async #removeAllBut(kept: readonly (string | null)[]): Promise<void> {
    const names = await namesIn(join(this.#output, this.#folder));
    const stale = names.map((name) => join(this.#folder, name)).filter((state) => !kept.includes(state));
    await Promise.all(stale.map((state) => rm(join(this.#output, state), { recursive: true, force: true })));
  }
}

function next(names: readonly string[]): string {
  const highest = names
    .map(Number)
    .filter(Number.isInteger)
    .reduce((a, b) => Math.max(a, b), 0);
  return String(highest + 1);
}
