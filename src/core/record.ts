import type { Color } from './color.ts';
import type { Millis } from './observed.ts';
import type { SideName, Step } from './plan.ts';
import type { Dependency, Route, ServiceSpec } from './project.ts';
import { isTerminal, transition, type PauseReason, type State, type Trigger } from './state.ts';

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
  | 'replicas'
  | 'hasHealthcheck'
  | 'update'
  | 'progressDeadlineMs'
  | 'drainTimeoutMs'
  | 'stopGraceMs'
  | 'retireAfterMs'
> & { readonly route: Route | null; readonly dependsOn: readonly Dependency[] };

/** A candidate container that failed; a slot counts once. */
export interface Failure {
  readonly service: string;
  /** For people. */
  readonly container: string;
  /** Container id; null if it could not even be created. */
  readonly id: string | null;
  readonly reason: string;
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
  readonly ready: Readonly<Record<string, { readonly service: string; readonly at: Millis }>>;
  readonly failures: readonly Failure[];
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
  | { readonly kind: 'container-ready'; readonly service: string; readonly id: string }
  | { readonly kind: 'container-failed'; readonly failure: Failure }
  | { readonly kind: 'weight-confirmed'; readonly weight: number }
  | { readonly kind: 'abort-requested'; readonly replaced?: boolean }
  /** Stands at a gate until a time, or until a person comes (null). */
  | { readonly kind: 'gate-entered'; readonly until: Millis | null; readonly message: string }
  /** The gate is over: its time came, or a person ended it; `all` ends the remaining ones too. */
  | { readonly kind: 'gate-ended'; readonly all: boolean }
  | { readonly kind: 'user-paused' }
  | { readonly kind: 'user-resumed' };

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
      return { ...record, ready: { ...record.ready, [event.id]: { service: event.service, at } } };
    case 'container-failed':
      return { ...record, failures: [...record.failures, event.failure] };
    case 'weight-confirmed':
      return { ...record, weight: event.weight, weightAt: at };
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
  }
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
