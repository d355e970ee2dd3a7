import { parseDuration } from '../core/duration.ts';
import { DeployError } from '../core/errors.ts';

/** What a person typed for one command: it wins over the compose files (DESIGN section 4, precedence). */
export interface Overrides {
  /** `HEALTH_CHECK_TIMEOUT`: the progress deadline of every service, milliseconds. */
  readonly healthCheckTimeoutMs?: number;
  /** `DRAIN_TIMEOUT`: the drain timeout of every service, milliseconds. */
  readonly drainTimeoutMs?: number;
}

/** The three environment variables that take a time. */
export interface EnvironmentTimes extends Overrides {
  /** `HEALTH_CHECK_INTERVAL`: the fallback poll, milliseconds. */
  readonly healthCheckIntervalMs?: number;
}

/** Milliseconds of a Compose duration or of bare seconds; null for anything else. */
export function parseSeconds(value: string): number | null {
  return /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : parseDuration(value);
}

/**
 * The times given by environment variables; an absent or empty one is left out.
 * @throws invalid-usage naming the variable
 */
export function environmentTimes(env: Readonly<Record<string, string | undefined>>): EnvironmentTimes {
  return {
    ...time(env, 'HEALTH_CHECK_TIMEOUT', (healthCheckTimeoutMs) => ({ healthCheckTimeoutMs })),
    ...time(env, 'HEALTH_CHECK_INTERVAL', (healthCheckIntervalMs) => ({ healthCheckIntervalMs })),
    ...time(env, 'DRAIN_TIMEOUT', (drainTimeoutMs) => ({ drainTimeoutMs })),
  };
}

function time<T>(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  put: (ms: number) => T,
): T | undefined {
  const value = env[name];
  if (value === undefined || value === '') return undefined;
  const ms = parseSeconds(value);
  if (ms !== null) return put(ms);
  throw new DeployError('invalid-usage', {
    what: `${name} is ${JSON.stringify(value)}, which is no time`,
    next: `give seconds (${name}=30) or a duration (${name}=1m30s)`,
  });
}
