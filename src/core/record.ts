import type { Color } from './color.ts';
import type { Millis } from './observed.ts';
import type { SideName, Step } from './plan.ts';
import type { Dependency, Route, ServiceSpec } from './project.ts';
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
  /** A person asked to pass all remaining gates. */
  readonly ungated: boolean;
}

/** Everything that can change a record. */
export type RecordEvent =
  | {
      readonly kind: 'state';
      readonly trigger: Trigger;
      readonly reason?: PauseReason;
      readonly message?: string;
      readonly steps?: readonly Step[];
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
      return { ...record, cursor: record.cursor + 1, stepStartedAt: at, gateUntil: null };
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
    case 'user-paused':
      return { ...moved(record, 'pause', at), pauseReason: 'user', message: 'paused by a person' };
    case 'user-resumed':
      return moved(record, 'resume', at);
    case 'retried':
      return retry(record, at);
  }
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
  return {
    ...moved(record, 'resume', at),
    failures: record.failures.filter((failure) => failure.side !== side),
    discarded: [...record.discarded, ...discarded],
    ready: without(record.ready, discarded),
    cursor: Math.min(record.cursor, ...again.map(({ service }) => lastCreated(record, side, service))),
    gateUntil: null,
  };
}

/** The step that created replicas of a service last; the present one if none did. */
function lastCreated(record: RolloutRecord, side: SideName, service: string): number {
  const index = record.steps
    .slice(0, record.cursor + 1)
    .findLastIndex((step) => step.kind === 'create' && step.side === side && step.service === service);
  return index < 0 ? record.cursor : index;
}

function endGate(record: RolloutRecord, all: boolean, at: Millis): RolloutRecord {
  const going = record.state === 'paused' ? moved(record, 'resume', at) : record;
  return { ...going, cursor: record.cursor + 1, stepStartedAt: at, gateUntil: null, ungated: record.ungated || all };
}

function applyState(record: RolloutRecord, event: Extract<RecordEvent, { kind: 'state' }>, at: Millis): RolloutRecord {
  return {
    ...moved(record, event.trigger, at),
    pauseReason: event.reason ?? null,
    message: event.message ?? record.message,
    ...(event.steps === undefined ? {} : { steps: event.steps, cursor: 0, gateUntil: null }),
  };
}

/** In the state after a trigger. @throws if the trigger is not possible: that is a defect of the planner */
function moved(record: RolloutRecord, trigger: Trigger, at: Millis): RolloutRecord {
  const state = transition(record.state, trigger);
  if (state === null) throw new Error(`a rollout that is ${record.state} cannot ${trigger}`);
  return { ...record, state, pauseReason: null, endedAt: isTerminal(state) ? at : null, stepStartedAt: at };
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
  return { ...{ scale, strays: [], discarded: [], staleRoutes: false }, ...record };
}
