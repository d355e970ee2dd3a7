import { NO_MEASUREMENTS, tallied } from './assess.ts';
import { timed } from './downtime.ts';
import type { Millis } from './observed.ts';
import type { SideName } from './plan.ts';
import {
  type CheckRun,
  currentStep,
  type Failure,
  type HookEnd,
  type RecordEvent,
  type RolloutRecord,
  runKey,
} from './record.ts';
import { isGoingBack, isTerminal, transition, type Trigger } from './state.ts';

/**
 * The record after an event at a time. Pure; the record is the fold of its journal.
 * @throws if the event's trigger is not possible in the record's state: that is a defect of the planner.
 */
export function apply(record: RolloutRecord, event: RecordEvent, at: Millis): RolloutRecord {
  return timed(record, changed(record, event, at), event, at);
}

function changed(record: RolloutRecord, event: RecordEvent, at: Millis): RolloutRecord {
  switch (event.kind) {
    case 'state':
      return applyState(record, event, at);
    case 'step-done':
      return { ...record, ...nextStep(record, at) };
    case 'container-ready':
      return withReady(record, event, at);
    case 'container-failed':
      return withFailure(record, event.failure);
    case 'containers-leave':
      return { ...record, ready: without(record.ready, event.ids) };
    case 'weight-confirmed':
      return { ...record, weight: event.weight, weightAt: at, staleRoutes: false };
    case 'abort-requested':
      return { ...record, aborted: true, replaced: event.replaced ?? false };
    case 'gate-entered':
      return { ...moved(record, 'pause', at), pauseReason: 'step', message: event.message, gateUntil: event.until };
    case 'gate-ended':
      return endGate(record, event.all, at);
    case 'checks-begun':
      return { ...record, runs: [...record.runs, ...begunRuns(record, event, at)] };
    case 'measured':
      return { ...record, runs: record.runs.map((run) => measuredRun(run, event)) };
    case 'hook-ended':
      return endHook(record, { ok: event.ok, text: event.text });
    case 'user-paused':
      return { ...moved(record, 'pause', at), pauseReason: 'user', message: 'paused by a person' };
    case 'user-resumed':
      return moved(record, 'resume', at);
    case 'retried':
      return retry(record, at);
  }
}

function nextStep({ cursor }: RolloutRecord, at: Millis) {
  return { cursor: cursor + 1, stepStartedAt: at, gateUntil: null, hookEnd: null };
}

function begunRuns(
  { cursor }: RolloutRecord,
  { mode, checks }: Extract<RecordEvent, { kind: 'checks-begun' }>,
  at: Millis,
): CheckRun[] {
  const step = mode === 'watch' ? null : cursor;
  return checks.map((use) => ({ use, step, startedAt: at, tally: NO_MEASUREMENTS }));
}

function measuredRun(run: CheckRun, event: Extract<RecordEvent, { kind: 'measured' }>): CheckRun {
  return runKey(run) === event.run ? { ...run, tally: tallied(run.tally, event.measurement) } : run;
}

/** A rollout that rests has hooks beside its steps only. */
function endHook(record: RolloutRecord, hookEnd: HookEnd): RolloutRecord {
  return record.aside.length > 0 ? { ...record, aside: record.aside.slice(1) } : { ...record, hookEnd };
}

function withReady(
  record: RolloutRecord,
  { id, service, side = 'candidate' }: Extract<RecordEvent, { kind: 'container-ready' }>,
  at: Millis,
): RolloutRecord {
  return { ...record, ready: { ...record.ready, [id]: { side, service, at } } };
}

function withFailure(record: RolloutRecord, failure: Failure): RolloutRecord {
  const routed = failure.id !== null && record.ready[failure.id] !== undefined;
  return { ...record, failures: [...record.failures, failure], staleRoutes: record.staleRoutes || routed };
}

function without<T>(map: Readonly<Record<string, T>>, keys: readonly string[]): Readonly<Record<string, T>> {
  const gone = new Set(keys);
  return Object.fromEntries(Object.entries(map).filter(([key]) => !gone.has(key)));
}

/** Goes on where the failed slots were last created; what they left is to be removed first. */
function retry(record: RolloutRecord, at: Millis): RolloutRecord {
  const side: SideName = isGoingBack(record.state) ? 'stable' : 'candidate';
  const again = record.failures.filter((failure) => failure.side === side);
  const discarded = again.flatMap(({ id }) => (id === null ? [] : [id]));
  const cursor = Math.min(record.cursor, ...again.map(({ service }) => lastCreated(record, side, service)));
  return {
    ...moved(record, 'resume', at),
    failures: record.failures.filter((failure) => failure.side !== side),
    discarded: [...record.discarded, ...discarded],
    ready: without(record.ready, discarded),
    cursor,
    gateUntil: null,
    hookEnd: null,
    // A step that comes again makes its checks again, and what a watch saw of failed replicas is over.
    runs: record.runs.flatMap((run) => (run.step === null ? [restarted(run, at)] : run.step < cursor ? [run] : [])),
  };
}

function restarted(run: CheckRun, at: Millis): CheckRun {
  return { ...run, startedAt: at, tally: NO_MEASUREMENTS };
}

/** The step that created replicas of a service last; the present one if none did. */
function lastCreated(record: RolloutRecord, side: SideName, service: string): number {
  const index = record.steps
    .slice(0, record.cursor + 1)
    .findLastIndex((step) => step.kind === 'create' && step.side === side && step.service === service);
  return index < 0 ? record.cursor : index;
}

/** A gate, a check, or the doubts of a watch: one of them at a time, unless all are to end. */
function endGate(record: RolloutRecord, all: boolean, at: Millis): RolloutRecord {
  const going = record.state === 'paused' ? moved(record, 'resume', at) : record;
  const doubted = record.pauseReason === 'inconclusive';
  const kind = currentStep(record)?.kind;
  const passed = kind === 'check' || (kind === 'pause' && (all || !doubted));
  return {
    ...going,
    ...(passed ? nextStep(record, at) : {}),
    ungated: record.ungated || all,
    runs: all ? [] : doubted ? record.runs.map(withoutDoubts) : record.runs,
  };
}

function withoutDoubts(run: CheckRun): CheckRun {
  return run.step === null ? { ...run, tally: { ...run.tally, inconclusives: 0 } } : run;
}

function applyState(record: RolloutRecord, event: Extract<RecordEvent, { kind: 'state' }>, at: Millis): RolloutRecord {
  return {
    ...moved(record, event.trigger, at),
    pauseReason: event.reason ?? null,
    message: event.message ?? (event.trigger === 'complete' ? null : record.message),
    aside: event.aside ?? [],
    // A hook that a pause caught at its end has ended all the same; after any other turn it is to run again.
    hookEnd: event.trigger === 'pause' ? record.hookEnd : null,
    // Other steps are those of the way back, which makes no checks.
    ...(event.steps === undefined ? {} : { steps: event.steps, cursor: 0, gateUntil: null, runs: [] }),
  };
}

/** In the state after a trigger. @throws if the trigger is not possible: that is a defect of the planner */
function moved(record: RolloutRecord, trigger: Trigger, at: Millis): RolloutRecord {
  const state = transition(record.state, trigger);
  if (state === null) throw new Error(`a rollout that is ${record.state} cannot ${trigger}`);
  const endedAt = isTerminal(state) ? at : null;
  return { ...record, state, pauseReason: null, endedAt, stepStartedAt: at, aside: [] };
}
