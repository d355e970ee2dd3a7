import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../../../app/ports.ts';
import type { Answer } from '../answer.ts';
import { readIfThere, writeWhole } from '../files.ts';
import { integrityFaults } from '../integrity.ts';
import { settled } from '../wait.ts';
import type { Folder } from '../wiring.ts';
import { askNginx, findsLog } from './ask.ts';
import { loadedGeneration, stamped } from './generation.ts';
import type { LiveFiles } from './live-files.ts';
import type { Nginx } from './nginx.ts';
import { answerName, configFiles, HTTP_FILE } from './render.ts';

const TOKEN_FILE = 'token';
/** For a reload that somebody is about to be done with. */
const LOADED_DEADLINE_MS = 2000;
const POLL_MS = 20;

export interface ReadBackDeps {
  readonly nginx: Nginx;
  readonly clock: Clock;
  readonly folder: Folder;
  readonly files: LiveFiles;
}

/** What nginx answers about itself, and how that fits to the files. */
export class ReadBack {
  readonly #deps: ReadBackDeps;

  constructor(deps: ReadBackDeps) {
    this.#deps = deps;
  }

  /** Asks on a new connection each time. Whoever only asks writes nothing. */
  async asker(): Promise<() => Promise<Answer>> {
    const where = await this.#where();
    return () => askNginx(...where);
  }

  /** False where its workers may not enter the folder of the log that it is to write for us. */
  async findsLog(): Promise<boolean> {
    return findsLog(...(await this.#where()));
  }

  async #where(): Promise<readonly [addresses: readonly string[], name: string, token: string]> {
    const { nginx, folder } = this.#deps;
    const [addresses, token] = await Promise.all([nginx.answersAt(), this.#knownToken()]);
    if (token === null) throw new Error('nothing of ours was written for it yet');
    return [addresses, answerName(folder.project, nginx.isShared), token];
  }

  async answer(): Promise<Answer> {
    const ask = await this.asker();
    return ask();
  }

  /** Null while nginx has not loaded the files as they are: those who answer may be about to be replaced. */
  async settled(): Promise<Answer | null> {
    const ask = await this.asker();
    let answer = await ask();
    const what = 'nginx to load its files';
    const wait = { clock: this.#deps.clock, what, deadlineMs: LOADED_DEADLINE_MS, everyMs: POLL_MS };
    const missing = await settled(wait, async () => {
      if (await this.isLoaded(answer)) return null;
      answer = await ask();
      return 'it answers by others';
    });
    return missing === null ? answer : null;
  }

  /** Files that are gone are nothing that could be loaded. */
  async isLoaded(answer: Answer): Promise<boolean> {
    const generation = await this.#deps.files.generation();
    return generation === null || generation === loadedGeneration(answer);
  }

  async faults(): Promise<readonly string[]> {
    const answer = await this.answer();
    const read = configFiles(answer.routes).map(async (file) => {
      const content = await this.#deps.files.content(file);
      return [file, file === HTTP_FILE && content !== null ? stamped(content, '') : content] as const;
    });
    const contents = Object.fromEntries(await Promise.all(read));
    const loaded = (await this.isLoaded(answer)) ? answer.digest : '';
    return integrityFaults({ contents, signed: HTTP_FILE, unsigned: '' }, 'nginx', loaded);
  }

  /** The secret part of the path that it answers at; there is one from now on. */
  async token(): Promise<string> {
    const known = await this.#knownToken();
    if (known !== null) return known;
    const token = randomBytes(16).toString('hex');
    await writeWhole(join(this.#deps.folder.output, TOKEN_FILE), token);
    return token;
  }

  async #knownToken(): Promise<string | null> {
    const known = (await readIfThere(join(this.#deps.folder.output, TOKEN_FILE)))?.trim();
    return known !== undefined && /^[0-9a-f]{32}$/.test(known) ? known : null;
  }
}
