import { withAny } from './signals.ts';
import { DeployError, type ErrorParts } from '../core/errors.ts';
import type { Clock } from './ports.ts';

/** Runs work with a signal that also fires when its time is over; a timeout is an abort with another exit code. */
export async function withTimeout<T>(
  clock: Clock,
  timeoutMs: number | null,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (timeoutMs === null) return work(signal);
  const timeout = new AbortController();
  const ended = new AbortController();
  void clock.wait(timeoutMs, ended.signal).then(() => {
    if (!ended.signal.aborted) timeout.abort('timeout');
  });
  try {
    return await withAny([signal, timeout.signal], work);
  } finally {
    ended.abort();
  }
}

/** Who stopped it; null if nobody did. */
export function stopReason(signal: AbortSignal): 'interrupt' | 'timeout' | null {
  if (!signal.aborted) return null;
  return signal.reason === 'timeout' ? 'timeout' : 'interrupt';
}

/** The error of a command that stopped to wait and changed nothing. */
export function stoppedError(signal: AbortSignal, parts: ErrorParts): DeployError {
  return new DeployError(stopReason(signal) === 'timeout' ? 'timeout' : 'interrupted', parts);
}
