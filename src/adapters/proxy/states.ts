import { lstat, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbsent, makeFolder, namesIn, syncFolder } from './files.ts';

/** How many states there are: the one that counts, the one before it, and one to be written anew. */
const KEPT = 3;

/**
 * A folder of files that changes as a whole: each state is a folder of its own, and a link names the one that counts.
 * Its atomic rename is the change, and going back is linking the state before, which is kept. The one before that is
 * handed out to be written anew, with all that is in it.
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

  /** The state that is linked now, to go back to; null before the first, and where the link leads elsewhere. */
  async current(): Promise<string | null> {
    const target = await readlink(join(this.#output, this.#link)).catch((error: unknown) => {
      if (isAbsent(error)) return null;
      throw error;
    });
    const [folder, number = '', ...more] = target?.split('/') ?? [];
    return folder === this.#folder && /^\d+$/.test(number) && more.length === 0 ? target : null;
  }

  /** All states that are kept: the one that counts, and some of those before it. */
  async all(): Promise<readonly string[]> {
    return (await namesIn(join(this.#output, this.#folder))).map((name) => join(this.#folder, name));
  }

  /** When the link was last changed, in milliseconds since the epoch; null before the first state. */
  async changedAt(): Promise<number | null> {
    return lstat(join(this.#output, this.#link)).then(
      ({ mtimeMs }) => mtimeMs,
      () => null,
    );
  }

  /** Makes a state by `write`, whose folder may hold an old one, and links it, in one rename. */
  async change(write: (folder: string) => Promise<void>): Promise<void> {
    const before = await this.current();
    const states = join(this.#output, this.#folder);
    await makeFolder(states);
    const state = join(this.#folder, await this.#spare(states, before));
    const folder = join(this.#output, state);
    await makeFolder(folder);
    await write(folder);
    await Promise.all([syncFolder(folder), syncFolder(states)]);
    await this.link(state);
  }

  /** A new name, given to the oldest state where there are enough of them. Names count upwards. */
  async #spare(states: string, current: string | null): Promise<string> {
    const numbers = (await namesIn(states)).map(Number).filter(Number.isInteger);
    const fresh = String(Math.max(0, ...numbers) + 1);
    const others = numbers.filter((number) => current !== join(this.#folder, String(number)));
    if (others.length >= KEPT - 1) await rename(join(states, String(Math.min(...others))), join(states, fresh));
    return fresh;
  }

  /** Points the link at a state, atomically. */
  async link(state: string): Promise<void> {
    const temporary = join(this.#output, `${this.#link}.new`);
    await rm(temporary, { force: true });
    await symlink(state, temporary);
    await rename(temporary, join(this.#output, this.#link));
    await syncFolder(this.#output);
  }
}
