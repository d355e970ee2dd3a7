import { formatBytes } from './bytes.ts';
import { formatDuration } from './duration.ts';
import type { Millis } from './observed.ts';

/** What a finding is about, in the order in which they are shown. */
export const AREAS = ['engine', 'command', 'project', 'proxy', 'services', 'disk', 'state', 'agent'] as const;
export type Area = (typeof AREAS)[number];

/** Something that `doctor` looked at. `doctor --json` prints exactly this. */
export interface Finding {
  readonly area: Area;
  /** `skipped`: it could not be looked at, which is no fault. */
  readonly level: 'ok' | 'warning' | 'error' | 'skipped';
  readonly what: string;
  /** What to do about it; null where there is nothing to do, or nothing known. */
  readonly cure: string | null;
}

/** How the first process of a container takes signals, by number (proc_pid_status(5): SigCgt, SigBlk). */
export interface Signals {
  readonly caught: bigint;
  /** Those that it waits for otherwise, as an init does. */
  readonly blocked: bigint;
}

/** The kernel throws away what the first process of a container does not ask for (pid_namespaces(7)). */
export function isHeard({ caught, blocked }: Signals, signal: number): boolean {
  return (((caught | blocked) >> BigInt(signal - 1)) & 1n) === 1n;
}

/** A service whose process does not hear that it is to stop; null if it does. */
export function stopFinding(
  { service, signal, graceMs }: { readonly service: string; readonly signal: string; readonly graceMs: Millis },
  heard: boolean,
): Finding | null {
  if (heard) return null;
  return {
    area: 'services',
    level: 'warning',
    what: `${service}: its process does not hear ${signal}: each stop takes ${formatDuration(graceMs)}, and ends by force`,
    cure: 'set init: true, or start it without a shell (command: [...] or exec), or set its stop_signal',
  };
}

const LITTLE_BYTES = 2 * 2 ** 30;

/** A disk that soon has no room for images and the journal; null if it has. */
export function diskFinding(path: string, freeBytes: number): Finding | null {
  if (freeBytes >= LITTLE_BYTES) return null;
  return {
    area: 'disk',
    level: 'warning',
    what: `${path} has ${formatBytes(freeBytes)} left`,
    cure: 'docker-deploy-bg cleanup, then docker image prune',
  };
}

/** True if nothing is wrong; strictly: if nothing is to be said at all. */
export function isWell(findings: readonly Finding[], isStrict: boolean): boolean {
  return !findings.some(({ level }) => level === 'error' || (isStrict && level === 'warning'));
}
