import type { Clock } from '../../src/app/ports.ts';
import type { Millis } from '../../src/core/observed.ts';

/** So many simulated milliseconds pass in one of ours: ten seconds are a quarter of a second. */
const SPEED = 40;
/** The most of our time that passes at once: who had no turn for longer has not waited for longer. */
const TURN_MS = 2;

interface Waiting {
  readonly until: Millis;
  readonly end: () => void;
}

/** Time that runs fast, and stands while somebody is at work: a busy machine brings no deadline nearer. */
export class FastClock implements Clock {
  readonly #waiting = new Set<Waiting>();
  readonly #ticking: NodeJS.Timeout;
  #now: Millis;
  #tickedAt = performance.now();

  constructor(start: Millis) {
    this.#now = start;
    this.#ticking = setInterval(this.#tick, 1).unref();
  }

  /** Whoever looks again looks later. */
  readonly now = (): Millis => Math.round((this.#now += 1));

  readonly wait = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const end = (): void => {
        this.#waiting.delete(waiting);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const waiting = { until: this.#now + ms, end };
      this.#waiting.add(waiting);
      signal?.addEventListener('abort', end);
    });

  stop(): void {
    clearInterval(this.#ticking);
  }

  readonly #tick = (): void => {
    const at = performance.now();
    if (!isAtWork()) this.#now += Math.min(at - this.#tickedAt, TURN_MS) * SPEED;
    this.#tickedAt = at;
    for (const { until, end } of this.#waiting) if (until <= this.#now) end();
  };
}

/** Files are read or written. */
function isAtWork(): boolean {
  return process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'));
}
