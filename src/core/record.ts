import { type CheckMode, type Measurement, NO_MEASUREMENTS, type Tally, tallied } from './assess.ts';
import type { Color } from './color.ts';
import type { Millis } from './observed.ts';
import type { HookStep, SideName, Step } from './plan.ts';
import type { Dependency, Route, ServiceSpec } from './project.ts';
import type { CheckUse } from './service-checks.ts';
import { isGoingBack, isTerminal, transition, type PauseReason, type State, type Trigger } from './state.ts';

/** One release of a rollout, with the place where its containers are. */
export interface Side {
  /** Null for adopted containers: they are no release. */
  readonly release: string | null;
  /** Null for adopted containers. */
  readonly version: string | null;
  /** Null for the user's own Compose project. */
  readonly color: Color | null;
  readonly services: Readonly<Record<string, SideService>>;
}

/** What the planner has to know about a service on one side. */
export type SideService = Pick<
  ServiceSpec,
  | 'name'
  | 'placement'
  | 'strategy'
  | 'replicas'
  | 'hasHealthcheck'
  | 'update'
  | 'rollback'
  | 'progressDeadlineMs'
  | 'drainTimeoutMs'
  | 'sticky'
  | 'stopGraceMs'
  | 'retireAfterMs'
> & { readonly route: Route | null; readonly dependsOn: readonly Dependency[] };

/** A container that failed: of the candidate, or on the way back of the stable side. A slot counts once. */
export interface Failure {
  readonly side: SideName;
  readonly service: string;
  /** For people. */
  readonly container: string;
  /** Container id; null if it could not even be created. */
  readonly id: string | null;
  readonly reason: string;
  readonly at: Millis;
}

/** A container of a service in place that was made by a rollout which never completed. */
export interface Stray {
  readonly id: string;
  /** The proxy sent requests to it when the rollout was compiled: it is known to be ready. */
  readonly serves: boolean;
}

/** When a replica became ready in a rollout. */
export interface ReadyReplica {
  readonly side: SideName;
  readonly service: string;
  readonly at: Millis;
}

/** One run of a check: its measurements so far, added up. It holds no secret. */
export interface CheckRun {
  readonly use: CheckUse;
  /** The step that it belongs to; null for a watch, which runs beside all steps. */
  readonly step: number | null;
  readonly startedAt: Millis;
  readonly tally: Tally;
}

/** How a hook ended. */
export interface HookEnd {
  readonly ok: boolean;
  /** For people: `exit code 3`. */
  readonly text: string;
}

/** The hooks of a rollout that is not to succeed. */
export type FailureHooks = Readonly<Record<'on_failure' | 'pre_rollback' | 'post_rollback', readonly HookStep[]>>;

export const NO_FAILURE_HOOKS: FailureHooks = { on_failure: [], pre_rollback: [], post_rollback: [] };

export type RolloutVerb = 'deploy' | 'rollback' | 'reset';

/** The persisted state of one rollout; the journal is the ordered list of its changes. */
export interface RolloutRecord {
  readonly format: 1;
  readonly id: string;
  readonly verb: RolloutVerb;
  readonly project: string;
  readonly acceptedAt: Millis;
  readonly endedAt: Millis | null;
  readonly stable: Side | null;
  readonly candidate: Side;
  readonly state: State;
  readonly pauseReason: PauseReason | null;
  /** For people: why it paused, went back or ended. */
  readonly message: string | null;
  readonly steps: readonly Step[];
  readonly cursor: number;
  readonly stepStartedAt: Millis;
  /** The candidate's share that the proxy confirmed last; null before the first confirmation. */
  readonly weight: number | null;
  readonly weightAt: Millis | null;
  /** When each container became ready in this rollout, by id, and of which service. */
  readonly ready: Readonly<Record<string, ReadyReplica>>;
  readonly failures: readonly Failure[];
  /** Only numbers of replicas change: the release is the stable one in another size. */
  readonly scale: boolean;
  /** What superseded rollouts left in place: replaced like the stable side, and never gone back to (ORACLE U27). */
  readonly strays: readonly Stray[];
  /** Ids of failed containers that a retry makes anew. */
  readonly discarded: readonly string[];
  /** A container that the proxy sends requests to has failed, and the rollout goes on without it. */
  readonly staleRoutes: boolean;
  /** A person asked for the way back. */
  readonly aborted: boolean;
  /** A later deploy takes the place of this one: the way back ends as superseded. */
  readonly replaced: boolean;
  /** When the gate that the rollout stands at opens by itself; null for a person's gate, or at none. */
  readonly gateUntil: Millis | null;
  /** A person asked to pass all remaining gates and checks. */
  readonly ungated: boolean;
  /** Checks that were begun on the way forward; the way back makes none. */
  readonly runs: readonly CheckRun[];
  /** How the hook of the present step ended; null until it has. */
  readonly hookEnd: HookEnd | null;
  readonly hooks: FailureHooks;
  /** Hooks of a failure that pauses, which have not run yet. */
  readonly aside: readonly HookStep[];
}

/** Everything that can change a record. */
export type RecordEvent =
  | {
      readonly kind: 'state';
      readonly trigger: Trigger;
      readonly reason?: PauseReason;
      readonly message?: string;
      readonly steps?: readonly Step[];
      readonly aside?: readonly HookStep[];
    }
  | { readonly kind: 'step-done' }
  /** Of the candidate, unless a side is given. */
  | { readonly kind: 'container-ready'; readonly side?: SideName; readonly service: string; readonly id: string }
  | { readonly kind: 'container-failed'; readonly failure: Failure }
  /** These replicas are about to be removed by the plan: their end is no failure. */
  | { readonly kind: 'containers-leave'; readonly ids: readonly string[] }
  | { readonly kind: 'weight-confirmed'; readonly weight: number }
  | { readonly kind: 'abort-requested'; readonly replaced?: boolean }
  /** Stands at a gate until a time, or until a person comes (null). */
  | { readonly kind: 'gate-entered'; readonly until: Millis | null; readonly message: string }
  /** The gate is over: its time came, or a person ended it; `all` ends the remaining ones too. */
  | { readonly kind: 'gate-ended'; readonly all: boolean }
  | { readonly kind: 'checks-begun'; readonly mode: CheckMode; readonly checks: readonly CheckUse[] }
  | { readonly kind: 'measured'; readonly run: string; readonly measurement: Measurement }
  | ({ readonly kind: 'hook-ended' } & HookEnd)
  | { readonly kind: 'user-paused' }
  | { readonly kind: 'user-resumed' }
  /** Failed slots are tried again first, and failures count from 0. */
  | { readonly kind: 'retried' };

/**
 * The record after an event at a time. Pure; the record is the fold of its journal.
 * @throws if the event's trigger is not possible in the record's state: that is a defect of the planner.
 */
export function apply(record: RolloutRecord, event: RecordEvent, at: Millis): RolloutRecord {
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

/** A run by name: `watch web errors`, `12 web smoke`. */
export function runKey({ step, use }: Pick<CheckRun, 'step' | 'use'>): string {
  return `${step === null ? 'watch' : String(step)} ${use.service} ${use.policy.name}`;
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
    message: event.message ?? record.message,
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

/** The side by its name. */
export function sideOf(record: RolloutRecord, name: SideName): Side | null {
  return name === 'stable' ? record.stable : record.candidate;
}

/** The step the record stands at; undefined after the last one. */
export function currentStep(record: RolloutRecord): Step | undefined {
  return record.steps[record.cursor];
}

/** A record as an earlier version of this program may have written it, with what that version did not know. */
export function upgraded(record: RolloutRecord): RolloutRecord {
  const scale = record.stable !== null && record.stable.color === record.candidate.color;
  const rollout = { scale, strays: [], discarded: [], staleRoutes: false };
  const gates = { runs: [], hookEnd: null, hooks: NO_FAILURE_HOOKS, aside: [] };
  return { ...rollout, ...gates, ...record };
}
