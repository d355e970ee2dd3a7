import { setTimeout as timeout } from 'node:timers/promises';
import type { Clock } from '../../app/ports.ts';

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  wait: (ms, signal) => timeout(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined),
};
