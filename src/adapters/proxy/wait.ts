import type { Clock } from '../../app/ports.ts';
import { formatDuration } from '../../core/duration.ts';

/** A wait that says what it waits for. */
export interface Wait {
  readonly clock: Clock;
  readonly what: string;
  /** By a function where it is known only later. */
  readonly deadlineMs: number | (() => number);
  readonly everyMs: number;
}

/** Asks until the answer is null, which means done; other answers say what is still missing. Null, or the last answer. */
export async function settled(wait: Wait, ask: () => Promise<string | null>): Promise<string | null> {
  const begun = wait.clock.now();
  for (;;) {
    const missing = await ask();
    if (missing === null) return null;
    const deadlineMs = typeof wait.deadlineMs === 'number' ? wait.deadlineMs : wait.deadlineMs();
    if (wait.clock.now() >= begun + deadlineMs) {
      return `waited ${formatDuration(deadlineMs)} for ${wait.what}: ${missing}`;
    }
    await wait.clock.wait(wait.everyMs);
  }
}
