import { parseDuration } from '../core/duration.ts';
import { DeployError } from '../core/errors.ts';
import type { Since } from './invocation.ts';

/** What follows the colon of an image reference (the OCI distribution specification's `tag`). */
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const SERVICE = /^[a-zA-Z0-9._-]+$/;

/** A version is used as an image tag, so it has to be one. @throws invalid-version */
export function parseVersion(text: string): string {
  if (TAG.test(text)) return text;
  throw new DeployError('invalid-version', { what: `${JSON.stringify(text)} cannot be a version` });
}

/** Adds the services of one `--services a,b` to those before it. @throws invalid-usage */
export function parseServices(text: string, before: readonly string[]): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !SERVICE.test(name));
  if (wrong === undefined) return [...new Set([...before, ...names])];
  throw new DeployError('invalid-usage', { what: `--services: ${JSON.stringify(wrong)} is no name of a service` });
}

/** How many lines. @throws invalid-usage */
export function parseTail(text: string): number | 'all' {
  if (text === 'all') return 'all';
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new DeployError('invalid-usage', {
    what: `--tail: ${JSON.stringify(text)} is no number of lines`,
    next: 'give it like 100, or all',
  });
}

/** Milliseconds of a `--timeout`. @throws invalid-usage */
export function parseTimeout(text: string): number {
  const ms = secondsOrDuration(text);
  if (ms !== null && ms > 0) return ms;
  throw new DeployError('invalid-usage', {
    what: `--timeout: ${JSON.stringify(text)} is no duration`,
    next: 'give it like 90s, 5m or 1h30m',
  });
}

/** Milliseconds of a `--wait=5m`. @throws invalid-usage */
export function parseWait(text: string): number {
  const ms = secondsOrDuration(text);
  if (ms !== null && ms > 0) return ms;
  throw new DeployError('invalid-usage', {
    what: `--wait: ${JSON.stringify(text)} is no duration`,
    next: 'give it like --wait=5m, or a bare --wait behind the version',
  });
}

/** A duration before now (`10m`), or a date with or without a time (`2026-01-02T14:03`). @throws invalid-usage */
export function parseSince(text: string): Since {
  const agoMs = parseDuration(text);
  if (agoMs !== null) return { agoMs };
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(at)) return { at };
  throw new DeployError('invalid-usage', {
    what: `--since: ${JSON.stringify(text)} is neither a duration nor a date`,
    next: 'give it like 10m, 2h, 2026-01-02 or 2026-01-02T14:03:07',
  });
}

/** Milliseconds of bare seconds (`90`) or of a Compose duration (`1m30s`); null for anything else. */
export function secondsOrDuration(text: string): number | null {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : parseDuration(text);
}
