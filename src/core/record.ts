import type { CheckMode, Measurement, Tally } from './assess.ts';
import type { Color } from './color.ts';
import type { Millis } from './observed.ts';
import type { HookStep, SideName, Step } from './plan.ts';
import type { Dependency, Route, ServiceSpec } from './project.ts';
import type { CheckUse } from './service-checks.ts';
import type { PauseReason, State, Trigger } from './state.ts';

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
  /** Since when nobody serves, because both releases must not run at once (recreate); null while somebody does. */
  readonly downSince: Millis | null;
  /** For how long nobody served; null if that did not happen. */
  readonly downMs: Millis | null;
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

/** A run by name: `watch web errors`, `12 web smoke`. */
export function runKey({ step, use }: Pick<CheckRun, 'step' | 'use'>): string {
  return `${step === null ? 'watch' : String(step)} ${use.service} ${use.policy.name}`;
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
  const rollout = { scale, strays: [], discarded: [], staleRoutes: false, downSince: null, downMs: null };
  const gates = { runs: [], hookEnd: null, hooks: NO_FAILURE_HOOKS, aside: [] };
  return { ...rollout, ...gates, ...record };
}
