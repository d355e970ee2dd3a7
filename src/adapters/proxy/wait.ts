import type { Clock } from '../../app/ports.ts';
import { DeployError, type ErrorCode } from '../../core/errors.ts';
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

/** The result of work that ends in time. @throws the code, if it does not */
export async function inTime<T>(ms: number, what: string, code: ErrorCode, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new DeployError(code, { what: `${what} did not end within ${formatDuration(ms)}` }));
    }, ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
