import type { Color } from './color.ts';
import type { Millis } from './observed.ts';
import type { SideName, Step } from './plan.ts';
import type { Dependency, Route, ServiceSpec } from './project.ts';
import { transition, type PauseReason, type State, type Trigger } from './state.ts';

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
  | { readonly kind: 'abort-requested' };

/**
 * The record after an event at a time. Pure; the record is the fold of its journal.
 * @throws if the event's trigger is not possible in the record's state: that is a defect of the planner.
 */
export function apply(record: RolloutRecord, event: RecordEvent, at: Millis): RolloutRecord {
  switch (event.kind) {
    case 'state':
      return applyState(record, event, at);
    case 'step-done':
      return { ...record, cursor: record.cursor + 1, stepStartedAt: at };
    case 'container-ready':
      return { ...record, ready: { ...record.ready, [event.id]: { service: event.service, at } } };
    case 'container-failed':
      return { ...record, failures: [...record.failures, event.failure] };
    case 'weight-confirmed':
      return { ...record, weight: event.weight, weightAt: at };
    case 'abort-requested':
      return { ...record, aborted: true };
  }
}

function applyState(record: RolloutRecord, event: Extract<RecordEvent, { kind: 'state' }>, at: Millis): RolloutRecord {
  const state = transition(record.state, event.trigger);
  if (state === null) throw new Error(`a rollout that is ${record.state} cannot ${event.trigger}`);
  const ended = state === 'completed' || state === 'rollback_completed' || state === 'superseded';
  return {
    ...record,
    state,
    pauseReason: event.reason ?? null,
    message: event.message ?? record.message,
    endedAt: ended ? at : null,
    ...(event.steps === undefined ? {} : { steps: event.steps, cursor: 0 }),
    stepStartedAt: at,
  };
}

/** The side by its name. */
export function sideOf(record: RolloutRecord, name: SideName): Side | null {
  return name === 'stable' ? record.stable : record.candidate;
}

/** The step the record stands at; undefined after the last one. */
export function currentStep(record: RolloutRecord): Step | undefined {
  return record.steps[record.cursor];
}
