import { isAbsolute, resolve } from 'node:path';
import { DeployError } from '../core/errors.ts';
import type { GivenTimes } from '../core/times.ts';
import { secondsOrDuration } from './arguments.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What the environment says (DESIGN section 4). What is not set `x-deploy-bg` or the default decides. */
export interface Settings {
  /** HEALTH_CHECK_TIMEOUT and DRAIN_TIMEOUT, where they are set. */
  readonly times: GivenTimes;
  /** HEALTH_CHECK_INTERVAL: the fallback poll. */
  readonly pollMs: number;
  /** DEPLOY_BG_STATE_DIR, absolute. */
  readonly stateDir: string | null;
}

const POLL_MS = 3000;

/** @throws invalid-config with every variable that is wrong */
export function readSettings(env: Env, cwd: string): Settings {
  const wrong: string[] = [];
  const read = (name: string, zero: 'zero is fine' | 'more than zero'): number | null => {
    const text = env[name]?.trim() ?? '';
    if (text === '') return null;
    const ms = secondsOrDuration(text);
    if (ms !== null && (ms > 0 || zero === 'zero is fine')) return ms;
    wrong.push(`${name}=${JSON.stringify(text)} is no duration${ms === 0 ? ' of more than zero' : ''}`);
    return null;
  };
  const progressDeadlineMs = read('HEALTH_CHECK_TIMEOUT', 'more than zero');
  const drainTimeoutMs = read('DRAIN_TIMEOUT', 'zero is fine');
  const settings = {
    times: {
      ...(progressDeadlineMs === null ? {} : { progressDeadlineMs }),
      ...(drainTimeoutMs === null ? {} : { drainTimeoutMs }),
    },
    pollMs: read('HEALTH_CHECK_INTERVAL', 'more than zero') ?? POLL_MS,
    stateDir: stateDir(env, cwd),
  };
  if (wrong.length === 0) return settings;
  throw new DeployError('invalid-config', {
    what: wrong.join('; '),
    next: 'give seconds (90) or a duration (1m30s), or unset it',
  });
}

function stateDir(env: Env, cwd: string): string | null {
  const folder = env['DEPLOY_BG_STATE_DIR'] ?? '';
  if (folder === '') return null;
  return isAbsolute(folder) ? folder : resolve(cwd, folder);
}
