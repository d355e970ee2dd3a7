import type { Clock } from '../../app/ports.ts';
import { formatDuration } from '../../core/duration.ts';

/** A wait that says what it waits for. */
export interface Wait {
  readonly clock: Clock;
  readonly what: string;
  readonly deadlineMs: number;
  readonly everyMs: number;
}

/** Asks until the answer is null, which means done; other answers say what is still missing. Null, or the last answer. */
export async function settled(wait: Wait, ask: () => Promise<string | null>): Promise<string | null> {
  const until = wait.clock.now() + wait.deadlineMs;
  for (;;) {
    const missing = await ask();
    if (missing === null) return null;
    if (wait.clock.now() >= until) {
      return `waited ${formatDuration(wait.deadlineMs)} for ${wait.what}: ${missing}`;
    }
    await wait.clock.wait(wait.everyMs);
  }
}
