import { withAny } from './signals.ts';
import type { Clock } from './ports.ts';

/** Wakes one who sleeps; a ring that nobody heard ends the next sleep before it begins. */
export class Bell {
  #rung = false;
  #wake: () => void = () => undefined;

  /** Something may have changed: look again. */
  readonly ring = (): void => {
    this.#rung = true;
    this.#wake();
  };

  /** Resolves when it rings, after a time, or when the signal fires. */
  async sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.#rung && signal?.aborted !== true) await this.#untilRung(clock, ms, signal);
    this.#rung = false;
  }

  async #untilRung(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const rung = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const ends = signal === undefined ? [ended.signal] : [ended.signal, signal];
    await withAny(ends, async (stop) => {
      await Promise.race([rung, clock.wait(ms, stop)]);
      ended.abort();
    });
    this.#wake = () => undefined;
  }
}
