import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere } from '../files.ts';
import type { States } from '../states.ts';
import { generationOf, type WrittenConfig } from './generation.ts';
import { HTTP_FILE, LIVE_LINK } from './render.ts';

/** The files that nginx would load now. */
export class LiveFiles {
  readonly #output: string;
  readonly #states: States;

  constructor(output: string, states: States) {
    this.#output = output;
    this.#states = states;
  }

  /** The content of a file as nginx would include it; null if that is none of ours. */
  async content(file: string): Promise<string | null> {
    const state = await this.#states.current();
    return state !== null && (await this.#isLinked(file)) ? readIfThere(join(this.#output, state, file)) : null;
  }

  /** Null where nothing of ours could be loaded. */
  async generation(): Promise<string | null> {
    const http = await this.content(HTTP_FILE);
    return http === null ? null : generationOf(http);
  }

  async are({ files }: WrittenConfig): Promise<boolean> {
    for (const { file, content } of files) if ((await this.content(file)) !== content) return false;
    return true;
  }

  /** What nginx includes leads to the present state. */
  async #isLinked(file: string): Promise<boolean> {
    return (await readlink(join(this.#output, file)).catch(() => null)) === join(LIVE_LINK, file);
  }
}
