import type { Clock } from '../../../app/ports.ts';
import { DeployError, messageOf } from '../../../core/errors.ts';
import type { Millis } from '../../../core/observed.ts';
import type { Answer } from '../answer.ts';
import { settled } from '../wait.ts';
import { loadedGeneration, type WrittenConfig } from './generation.ts';
import { KEEPALIVE_MIN_TIMEOUT_MS } from './features.ts';
import type { Workers } from './workers.ts';

const CONFIRMED_DEADLINE_MS = 10_000;
/** What takes long to be tested takes as long to be loaded, and may have to wait until the one before it is. */
const LOADS = 2;
const POLL_MS = 10;
/** While siblings end, the kernel may leave a child out of the list (proc_tid_children(5)). */
const CLEAN_LOOKS = 3;
/** Old and new workers accept side by side for a while: so many new connections in a row must meet new ones. */
const IN_A_ROW = 8;
/** Old workers were seen to accept for 120 ms where nobody can look at the processes. */
const UNSEEN_WORKERS_MS = 400;
/** For the last answers to idle clients to be under way. */
const MARGIN_MS = 100;

export interface SwitchDeps {
  readonly clock: Clock;
  /** What nginx shall work by. */
  readonly config: Pick<WrittenConfig, 'digest' | 'generation'>;
  /** What nginx answers on a new connection. */
  readonly ask: () => Promise<Answer>;
  /** The workers that accept now; null if that cannot be seen. */
  readonly workers: () => Promise<Workers | null>;
  readonly reload: () => Promise<void>;
  /**
   * Lets workers of all other configurations send what comes to them to those of this one; false if some of them
   * cannot.
   */
  readonly handOver: (before: Before) => Promise<boolean>;
  /** nginx has not loaded yet what it was told last. */
  readonly isBehind?: boolean;
  /** What people do about an nginx that passes its own test and does not change. */
  readonly next?: string | undefined;
}

/** How it was before a reload. */
export interface Before {
  /** The workers; null if they cannot be seen. */
  readonly workers: Workers | null;
  /** By which configuration nginx answered; null if it did not. */
  readonly digest: string | null;
}

/** One reload, from the signal until nobody is answered by the configuration before it. */
export class Switch {
  readonly #deps: SwitchDeps;
  #stopped = false;
  #testMs: Millis = Infinity;

  constructor(deps: SwitchDeps) {
    this.#deps = deps;
  }

  async run(): Promise<void> {
    const { clock, handOver, isBehind = false } = this.#deps;
    // Workers of a reload that was under way come after those who were there, and before ours: who accepts now is known then.
    if (isBehind) await this.#reload();
    const before = await this.#reload();
    if (this.#stopped) return;
    const { workers: old } = before;
    if (old === null) await clock.wait(UNSEEN_WORKERS_MS);
    if (await handOver(before)) return;
    if (old === null) await this.#settle(clock.now());
    else await this.#gone(clock.now(), old);
  }

  /** Until new connections are answered by the wanted configuration alone. */
  async #reload(): Promise<Before> {
    const { clock, reload, next } = this.#deps;
    const [workers, digest] = await Promise.all([this.#deps.workers(), this.#digest()]);
    if (!this.#stopped) await reload();
    const what = 'nginx to answer new connections by the new configuration';
    const deadlineMs = (): Millis => CONFIRMED_DEADLINE_MS + LOADS * this.#testMs;
    const wait = { clock, what, deadlineMs, everyMs: POLL_MS };
    const missing = await settled(wait, async () => (this.#stopped ? null : this.#oldOnes(workers)));
    if (missing !== null) throw new DeployError('proxy-unreachable', { what: missing, next });
    return { workers, digest };
  }

  /** Completes a switch whose process ended after the reload, at this time. */
  async resume(changedAt: Millis | null): Promise<void> {
    await this.#settle(changedAt);
    await this.#deps.handOver({ workers: null, digest: this.#deps.config.digest });
  }

  /** The test of the configuration took so long; until it has ended, which has a deadline of its own, nobody gives up. */
  tested(ms: Millis): void {
    this.#testMs = ms;
  }

  /** It is taken back: what it waits for will not be. */
  stop(): void {
    this.#stopped = true;
  }

  /** By which configuration nginx answers; null if it does not. */
  async #digest(): Promise<string | null> {
    return this.#deps.ask().then(
      (answer) => answer.digest,
      () => null,
    );
  }

  /** Waits until idle clients of workers that stopped accepting at this time have been let go. */
  async #settle(stoppedAt: Millis | null): Promise<void> {
    const { clock } = this.#deps;
    if (stoppedAt === null) return;
    const left = letGoAt(stoppedAt) - clock.now();
    if (left > 0) await clock.wait(left);
  }

  /** The same where workers can be seen: one that has no client left ends, which is sooner where there are none. */
  async #gone(stoppedAt: Millis, old: Workers): Promise<void> {
    const { clock, workers } = this.#deps;
    const deadlineMs = letGoAt(stoppedAt) - clock.now();
    let clean = 0;
    await settled({ clock, what: 'the old workers to end', deadlineMs, everyMs: POLL_MS }, async () => {
      const now = await workers();
      // More of them than before: those of a reload in between, which nobody has counted, are still there.
      const isClean = now?.leaving.size === 0 && now.accepting.size <= old.accepting.size;
      clean = isClean ? clean + 1 : 0;
      return clean >= CLEAN_LOOKS ? null : 'they have clients';
    });
  }

  /** Null if a new connection is answered by the wanted configuration. */
  async #missing(): Promise<string | null> {
    try {
      const { config, ask } = this.#deps;
      const answer = await ask();
      const isLoaded = answer.digest === config.digest && loadedGeneration(answer) === config.generation;
      return isLoaded ? null : 'it still answers by the one before';
    } catch (error) {
      return messageOf(error);
    }
  }

  async #oldOnes(old: Workers | null): Promise<string | null> {
    for (let answered = 0; answered < IN_A_ROW; answered += 1) {
      const missing = await this.#missing();
      if (missing !== null) return missing;
    }
    const now = await this.#deps.workers();
    if (old === null || now === null) return null;
    return [...old.accepting].some((pid) => now.accepting.has(pid)) ? 'old workers still accept' : null;
  }
}

function letGoAt(stoppedAt: Millis): Millis {
  return stoppedAt + KEEPALIVE_MIN_TIMEOUT_MS + MARGIN_MS;
}
