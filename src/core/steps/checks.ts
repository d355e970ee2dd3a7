import { assess, type CheckResult, type Phase, worst } from '../assess.ts';
import { type Decision, stepDone, wait } from '../decision.ts';
import type { Millis } from '../observed.ts';
import type { StepOf } from '../plan.ts';
import { type CheckRun, type RolloutRecord, runKey } from '../record.ts';
import { candidateGetsRequests } from '../routing.ts';
import { isTogether } from '../sides.ts';
import { fail, type StepContext, turnAround } from './outcome.ts';

interface AssessedRun extends CheckResult {
  readonly run: CheckRun;
}

function assessed(run: CheckRun): AssessedRun {
  const { policy, step: question } = run.use;
  // The question of a pause has no end of its own either.
  const mode = run.step === null || question !== undefined ? 'watch' : 'inline';
  return { run, policy, phase: assess(policy, mode, run.tally, run.startedAt) };
}

/** The runs that belong to the record's present step. */
export function stepRuns({ runs, cursor }: RolloutRecord): readonly CheckRun[] {
  return runs.filter(({ step }) => step === cursor);
}

/** Ends when every check has; the worst of them decides, and a failed one is not outweighed by what still runs. */
export function check(context: StepContext, step: StepOf<'check'>): Decision {
  const { record, now } = context;
  if (record.ungated || step.checks.length === 0) return stepDone;
  const runs = stepRuns(record);
  if (runs.length === 0) return { kind: 'event', event: { kind: 'checks-begun', mode: 'inline', checks: step.checks } };
  const results = runs.map(assessed);
  const bad = badOf(results);
  if (bad?.kind === 'failed' || bad?.kind === 'error') return fail(context, bad.message);
  const running = results.filter(({ phase }) => phase.kind === 'running');
  if (running.length === 0) return bad === null ? stepDone : doubt(bad.message);
  const { due, next } = agenda(
    running.map(({ run }) => run),
    now,
  );
  const what = running.map(({ run }) => runText(run)).join(', ');
  return wait(what, next ?? now + longest(running), { measure: due });
}

type Ended = Extract<Phase, { readonly message: string }>;

/** What is to be acted on; null while nothing is. */
function badOf(results: readonly CheckResult[]): Ended | null {
  const phase = worst(results.filter((result) => isBad(result.phase)))?.phase;
  return phase !== undefined && isBad(phase) ? phase : null;
}

function isBad(phase: Phase): phase is Ended {
  return phase.kind !== 'running' && phase.kind !== 'passed';
}

function doubt(message: string): Decision {
  return { kind: 'event', event: { kind: 'state', trigger: 'pause', reason: 'inconclusive', message } };
}

/** `check smoke of web`, with what was seen last. */
function runText({ use, tally }: CheckRun): string {
  const last = tally.last === null ? '' : ` (${tally.last.text})`;
  return `check ${use.policy.name} of ${use.service}${last}`;
}

/** As long as a measurement may last. */
function longest(results: readonly CheckResult[]): Millis {
  return Math.max(1, ...results.map(({ policy }) => policy.timeoutMs));
}

/** Begins at once; nothing waits for a watch. */
export function watch({ record }: StepContext, { checks }: StepOf<'watch'>): Decision {
  if (record.ungated) return stepDone;
  const there = new Set(record.runs.map(runKey));
  const missing = checks.filter((use) => !there.has(runKey({ step: null, use })));
  if (missing.length === 0) return stepDone;
  return { kind: 'event', event: { kind: 'checks-begun', mode: 'watch', checks: missing } };
}

/** What the watches have seen so far: the worst decides, and all others are stopped with it (ORACLE A07). */
export function watched(context: StepContext): Decision | null {
  const { record } = context;
  const bad = badOf(watches(record).map(assessed));
  if (bad === null) return null;
  if (bad.kind !== 'inconclusive') return turnAround(context, bad.message);
  return record.pauseReason === 'inconclusive' ? null : doubt(bad.message);
}

/**
 * What the watches still have to say before a release is called good: a measurement that is due or under way, and a
 * failure or an error that was tolerated so far, until a pass follows it. Null if nothing. Limits bound the wait.
 */
export function unsettled({ record, now }: StepContext): Decision | null {
  const open = watches(record)
    .map(assessed)
    .filter((watch) => isUnsettled(watch, now));
  if (open.length === 0) return null;
  const { due, next } = agenda(
    open.map(({ run }) => run),
    now,
  );
  const what = open.map(({ run }) => runText(run)).join(', ');
  return wait(what, next ?? now + longest(open), { measure: due });
}

function isUnsettled({ run, policy, phase }: AssessedRun, now: Millis): boolean {
  if (policy.dryRun || phase.kind !== 'running') return false;
  const last = run.tally.last?.kind;
  return phase.nextAt <= now || last === 'fail' || last === 'error';
}

/** What has to be measured, by the keys of runs, and when something will be. */
export interface Agenda {
  readonly due: readonly string[];
  readonly next: Millis | null;
}

/**
 * What is still to be seen of a release that serves, as long as the one before it is held. Who could not be asked decides
 * nothing any more, however often: the release was good.
 */
export function heldAgenda({ runs }: RolloutRecord, now: Millis): Agenda {
  return agenda(heldWatches(runs), now);
}

/** A failure of a release that serves already; null while there is none. */
export function failedWhileHeld(context: StepContext): Decision | null {
  const bad = badOf(heldWatches(context.record.runs).map(assessed));
  return bad?.kind === 'failed' ? turnAround(context, bad.message) : null;
}

function heldWatches(runs: readonly CheckRun[]): readonly CheckRun[] {
  const patient = { errorLimit: Infinity, inconclusiveLimit: Infinity };
  return runs
    .filter(({ step, use }) => step === null && !use.policy.dryRun)
    .map((run) => ({ ...run, use: { ...run.use, policy: { ...run.use.policy, ...patient } } }));
}

function watches({ runs }: RolloutRecord): readonly CheckRun[] {
  return runs.filter(({ step }) => step === null);
}

/** While anything is waited for on the way forward, watches are made of a candidate that gets requests. */
export function makingChecks({ record, now }: StepContext, decision: Decision): Decision {
  if (decision.kind !== 'wait' || (record.state !== 'updating' && record.state !== 'paused')) return decision;
  const active = watches(record).filter(({ use }) => isTogether(record, use.service) || candidateGetsRequests(record));
  const { due, next } = agenda(active, now);
  const { wait: before } = decision;
  const until = Math.min(before.until, next ?? Infinity);
  return { kind: 'wait', wait: { ...before, until, measure: [...before.measure, ...due] } };
}

/** What is to be measured now, and when something else will be. */
export function agenda(runs: readonly CheckRun[], now: Millis): Agenda {
  const running = runs.flatMap((run) => {
    const { phase } = assessed(run);
    return phase.kind === 'running' ? [{ key: runKey(run), at: phase.nextAt }] : [];
  });
  const later = running.filter(({ at }) => at > now).map(({ at }) => at);
  return {
    due: running.filter(({ at }) => at <= now).map(({ key }) => key),
    next: later.length === 0 ? null : Math.min(...later),
  };
}

/** What did not pass and decided nothing, for people; null if there is nothing of that kind. */
export function dryRunText({ runs }: RolloutRecord): string | null {
  const phases = runs.filter(({ use }) => use.policy.dryRun).map((run) => assessed(run).phase);
  const bad = phases.filter(isBad).map(({ message }) => message);
  return bad.length === 0 ? null : `dry run: ${bad.join('; ')}`;
}
