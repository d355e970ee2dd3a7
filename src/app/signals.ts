/**
 * Signals that are made of others. Node's own `AbortSignal.any` and `AbortSignal.timeout` are not used together: garbage
 * collection may take the timer away, and the deadline never comes (nodejs/node #57736, #65995); nor with signals that live
 * long, whose followers pile up (#62363).
 */

/** Runs work with a signal that fires as soon as one of several does, for its reason. */
export async function withAny<T>(
  signals: readonly AbortSignal[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const any = new AbortController();
  const listeners = signals.map((signal) => {
    const fire = (): void => {
      any.abort(signal.reason);
    };
    if (signal.aborted) fire();
    else signal.addEventListener('abort', fire, { once: true });
    return { signal, fire };
  });
  try {
    return await work(any.signal);
  } finally {
    for (const { signal, fire } of listeners) signal.removeEventListener('abort', fire);
  }
}

/** Runs work with a signal that fires with another one, or after a time; `isLate` says that the time was first. */
export async function withDeadline<T>(
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal, isLate: () => boolean) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort(new DOMException(`not done within ${String(ms)} ms`, 'TimeoutError'));
  }, ms);
  try {
    return await withAny([signal, late.signal], (stop) =>
      work(stop, () => stop.aborted && stop.reason === late.signal.reason),
    );
  } finally {
    clearTimeout(timer);
  }
}
