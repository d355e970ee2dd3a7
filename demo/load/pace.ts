import { setImmediate, setTimeout } from 'node:timers/promises';

/**
 * Bounds how often a worker starts a request: at most every `everyMs`, never making up for time lost. Waits end early
 * when `stopped` is aborted.
 */
export class Pace {
  private readonly everyMs: number;
  private readonly stopped: AbortSignal;
  private next: number;

  /** The first turn comes after `offsetMs`, so that workers of one kind do not all start at once. */
  constructor(everyMs: number, offsetMs: number, stopped: AbortSignal) {
    this.everyMs = everyMs;
    this.stopped = stopped;
    this.next = performance.now() + offsetMs;
  }

  /** Resolves to true when it is time for the next request, to false when there shall be none. */
  async turn(): Promise<boolean> {
    const wait = this.next - performance.now();
    if (wait > 0) await setTimeout(wait, undefined, { signal: this.stopped }).catch(() => undefined);
    // Timers run before the sockets are polled, immediates after: what a server has said by now (a FIN above all) has
    // been read when the request is written.
    await setImmediate();
    this.next = performance.now() + this.everyMs;
    return !this.stopped.aborted;
  }
}
