import type { CheckPolicy, Outcome } from './checks.ts';
import type { Millis } from './observed.ts';

/** What a check is used for: it has to pass once (`before`, `after`, a step), or must not fail while it runs. */
export type CheckMode = 'inline' | 'watch';

/** A judged measurement with the time when it ended. */
export interface Measurement extends Outcome {
  readonly at: Millis;
}

/** The measurements of one run of a check, added up: a watch over days must not make a record grow. */
export interface Tally {
  readonly passes: number;
  readonly failures: number;
  readonly inconclusives: number;
  /** In a row; any other measurement ends the row. */
  readonly errors: number;
  readonly last: Measurement | null;
}

export const NO_MEASUREMENTS: Tally = { passes: 0, failures: 0, inconclusives: 0, errors: 0, last: null };

/** The tally with one measurement more. Pure. */
export function tallied(tally: Tally, measurement: Measurement): Tally {
  const next = { ...tally, errors: 0, last: measurement };
  switch (measurement.kind) {
    case 'pass':
      return { ...next, passes: tally.passes + 1 };
    case 'fail':
      return { ...next, failures: tally.failures + 1 };
    case 'inconclusive':
      return { ...next, inconclusives: tally.inconclusives + 1 };
    case 'error':
      return { ...next, errors: tally.errors + 1 };
  }
}

/** Where a run of a check stands. */
export type Phase =
  /** The next measurement is due at that moment. */
  | { readonly kind: 'running'; readonly nextAt: Millis }
  | { readonly kind: 'passed' | 'failed' | 'error' | 'inconclusive'; readonly message: string };

/** An error is tried again after this time where the check has no interval (Argo Rollouts does the same). */
const RETRY_MS = 10_000;

/**
 * What the measurements so far mean. A limit acts when it is exceeded; errors use up nothing of `count`. An inline
 * check without `count` takes one measurement; a watch runs until it is stopped (ORACLE A01 to A05, A12). Pure.
 */
export function assess(policy: CheckPolicy, mode: CheckMode, tally: Tally, startedAt: Millis): Phase {
  const bad = exceeded(policy, tally);
  if (bad !== null) return bad;
  const { last } = tally;
  if (last === null) return { kind: 'running', nextAt: startedAt + policy.initialDelayMs };
  const counted = tally.passes + tally.failures + tally.inconclusives;
  if (mode === 'inline' && counted >= (policy.count ?? 1)) return { kind: 'passed', message: said(policy, last) };
  return { kind: 'running', nextAt: last.at + (policy.intervalMs ?? RETRY_MS) };
}

/** As long as a check may take that has to pass once: between two measurements that count there may be errors. */
export function longestInline({ count, initialDelayMs, ...policy }: CheckPolicy): Millis {
  const most = (count ?? 1) * (policy.errorLimit + 1);
  return initialDelayMs + inARow(policy, most);
}

/** As long as a watch may stay undecided: a measurement that is due, then failures and errors until one is too many. */
export function longestUnsettled(policy: CheckPolicy): Millis {
  return inARow(policy, (policy.failureLimit + 1) * (policy.errorLimit + 1));
}

function inARow({ timeoutMs, intervalMs }: Pick<CheckPolicy, 'timeoutMs' | 'intervalMs'>, most: number): Millis {
  return most * timeoutMs + (most - 1) * (intervalMs ?? RETRY_MS);
}

function exceeded(policy: CheckPolicy, { failures, inconclusives, errors, last }: Tally): Phase | null {
  if (last === null) return null;
  const message = (count: number, what: string): string =>
    said(policy, last) + (count > 1 ? ` (${String(count)} ${what})` : '');
  if (failures > policy.failureLimit) return { kind: 'failed', message: message(failures, 'failures') };
  if (errors > policy.errorLimit) return { kind: 'error', message: message(errors, 'errors in a row') };
  if (inconclusives > policy.inconclusiveLimit)
    return { kind: 'inconclusive', message: message(inconclusives, 'inconclusive') };
  return null;
}

function said({ name }: CheckPolicy, last: Measurement): string {
  return `check ${name}: ${last.text}`;
}

/** A run of a check with where it stands. */
export interface CheckResult {
  readonly policy: CheckPolicy;
  readonly phase: Phase;
}

/** From good to bad (Argo Rollouts, analysis.IsWorse). */
const SEVERITY: readonly Phase['kind'][] = ['passed', 'running', 'inconclusive', 'error', 'failed'];

/** The worst of several results, the first of equals; null where none of them decides anything (ORACLE A07, A08). */
export function worst(results: readonly CheckResult[]): CheckResult | null {
  const deciding = results.filter(({ policy }) => !policy.dryRun);
  return deciding.reduce<CheckResult | null>(
    (bad, each) => (bad === null || severity(each) > severity(bad) ? each : bad),
    null,
  );
}

function severity({ phase }: CheckResult): number {
  return SEVERITY.indexOf(phase.kind);
}

/** The earliest moment at which one of several runs has to measure; null if none is running. */
export function nextMeasurement(results: readonly CheckResult[]): Millis | null {
  const due = results.flatMap(({ phase }) => (phase.kind === 'running' ? [phase.nextAt] : []));
  return due.length === 0 ? null : Math.min(...due);
}
