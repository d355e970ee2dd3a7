import type { Millis } from './observed.ts';
import type { Side, SideService } from './record.ts';

/** Times that a person gave for one command: they win over what the files said when a release was made (DESIGN section 4). */
export interface GivenTimes {
  /** `HEALTH_CHECK_TIMEOUT`: how long a replica of any service may take to be ready. */
  readonly progressDeadlineMs?: Millis;
  /** `DRAIN_TIMEOUT`: how long requests of any service may take to end. */
  readonly drainTimeoutMs?: Millis;
}

/** The side with the given times in the place of its own. */
export function withTimes<S extends Side | null>(side: S, times: GivenTimes): S {
  if (side === null) return side;
  const services = Object.entries(side.services).map(([name, each]): [string, SideService] => [
    name,
    { ...each, ...times },
  ]);
  return { ...side, services: Object.fromEntries(services) };
}
