import { join } from 'node:path';
import { readIfThere, writeWhole } from '../files.ts';
import { signatureOf } from '../integrity.ts';
import type { States } from '../states.ts';
import { newGeneration, stamped } from './generation.ts';
import { Over } from './over.ts';
import { handsOver, HTTP_FILE, type NginxConfig } from './render.ts';
import type { Before } from './switch.ts';
import { DOOR } from './upstreams.ts';

/** Which workers of earlier configurations send what comes to them to those of the present one. */
export class HandOver {
  readonly #output: string;
  readonly #states: States;
  readonly #over: Over;

  constructor(output: string, states: States) {
    this.#output = output;
    this.#states = states;
    this.#over = new Over(output);
  }

  /** For a configuration that is present, or will be. */
  async take(digest: string): Promise<void> {
    await this.#over.unmark(digest);
  }

  /** Clients of workers before are answered by those of this configuration from now on; false if some of them will not be. */
  async to({ digest, files }: NginxConfig, before: Before): Promise<boolean> {
    const own = files.find(({ file }) => file === HTTP_FILE)?.content ?? '';
    if (!own.includes(DOOR.address)) {
      await this.#over.clear();
      return false;
    }
    const all = await this.contents();
    const isAlone = before.workers?.leaving.size === 0;
    const worked = isAlone ? all.filter((content) => signatureOf(content) === before.digest) : all;
    const others = worked.filter((content) => signatureOf(content) !== digest);
    const able = others.filter((content) => handsOver(content, own));
    await this.#over.mark(digestsOf(able));
    const isKnown = before.digest === digest || all.some((content) => signatureOf(content) === before.digest);
    return isKnown && able.length === others.length;
  }

  /**
   * Goes back to the configuration of a state: before nginx is told to, and when it was. If nginx may have loaded the
   * other one, or still be about to, the state gets a new generation, which it answers when it is back.
   */
  async back(state: string, hasStayed: boolean, reload: () => Promise<void>): Promise<void> {
    const [own = ''] = await this.#contents([state]);
    if (!hasStayed && own !== '') await writeWhole(join(this.#output, state, HTTP_FILE), stamped(own, newGeneration()));
    await this.#over.unmark(signatureOf(own));
    await this.#states.link(state);
    await reload();
    const all = await this.contents();
    const others = all.filter((content) => signatureOf(content) !== signatureOf(own));
    await this.#over.mark(digestsOf(others.filter((content) => handsOver(content, own))));
  }

  /** Our part in nginx's http context of every configuration that is kept. */
  async contents(): Promise<readonly string[]> {
    return this.#contents(await this.#states.all());
  }

  /** True if workers of every configuration that is kept ask those of the present one, also for whom they find nobody. */
  async isWhole(): Promise<boolean> {
    const present = await this.#states.current();
    const [own = ''] = present === null ? [] : await this.#contents([present]);
    const all = await this.contents();
    return all.every((content) => handsOver(content, own));
  }

  /** Our part in nginx's http context of some states; empty where it is gone. */
  async #contents(states: readonly string[]): Promise<readonly string[]> {
    const contents = states.map((state) => readIfThere(join(this.#output, state, HTTP_FILE)));
    return (await Promise.all(contents)).map((content) => content ?? '');
  }
}

function digestsOf(contents: readonly string[]): readonly string[] {
  return contents.flatMap((content) => signatureOf(content) ?? []);
}
