import { longestInline, longestUnsettled } from './assess.ts';
import type { Stage } from './forecast.ts';
import { HOOK_GRACE_MS, hookAt } from './hooks.ts';
import type { Millis, ObservedContainer } from './observed.ts';
import type { SideName, Step, StepKind, StepOf } from './plan.ts';
import { sideOf } from './record.ts';
import type { Release } from './release.ts';
import { hasRoutes } from './routing.ts';
import type { CheckUse } from './service-checks.ts';
import { replicasOn, requireSide } from './sides.ts';
import { goingReplicas } from './slots.ts';
import { configOf } from './failure.ts';
import { clearedBy, isUp, SHARED_DEADLINE_MS } from './steps/containers.ts';
import { longest } from './strategies/bring-in.ts';

/** How long a step may last before the planner ends it, or the rollout. */
export type Bound =
  | { readonly kind: 'at-most'; readonly ms: Millis }
  /** Nobody knows: it lasts until something happens. */
  | { readonly kind: 'open'; readonly until: string };

/** The releases of both sides, as far as they are known. */
export type Releases = Readonly<Record<SideName, Release | null>>;

interface Context {
  readonly stage: Stage;
  readonly releases: Releases;
  /** Services that a step before has waited for, by side. */
  readonly waited: ReadonlySet<string>;
}

/**
 * The longest that each step of a plan may take on its way forward. What the engine itself takes for its work (images,
 * a start, a removal) has no bound, and a way back comes on top.
 */
export function timeBounds(stages: readonly Stage[], releases: Releases): readonly Bound[] {
  const waited = new Set<string>();
  return stages.map((stage) => {
    const bound = boundOf({ stage, releases, waited }, stage.step);
    note(waited, stage.step);
    return bound;
  });
}

/** All of them together, and what has no end of its own. */
export function totalBound(bounds: readonly Bound[]): { readonly ms: Millis; readonly until: readonly string[] } {
  return {
    ms: bounds.reduce((sum, bound) => sum + (bound.kind === 'at-most' ? bound.ms : 0), 0),
    until: [...new Set(bounds.flatMap((bound) => (bound.kind === 'open' ? [bound.until] : [])))],
  };
}

/** A replica is waited for once: what is created anew is waited for again. */
function note(waited: Set<string>, step: Step): void {
  if (step.kind === 'create') waited.delete(`${step.side} ${step.service}`);
  if (step.kind === 'ready') for (const service of step.services) waited.add(`${step.side} ${service}`);
}

type Bounds = { readonly [K in StepKind]: (context: Context, step: StepOf<K>) => Bound };

/** One function a kind of step: a missing one does not compile. */
const BOUNDS: Bounds = {
  clear: cleared,
  prepare: atOnce,
  shared,
  wire: confirmed,
  run: (_, { service }) => open(`${service} exits`),
  create: atOnce,
  ready,
  weight: confirmed,
  routes: confirmed,
  match: confirmed,
  preview: confirmed,
  mirror: confirmed,
  pause: (_, { ms, until }) => {
    if (until !== undefined) return open('its URL says so');
    return ms === null ? open('somebody promotes') : atMost(ms);
  },
  check: (_, { checks }) => atMost(most(checks, longestInline)),
  watch: atOnce,
  hook: ({ releases }, step) => {
    const release = releases[step.of];
    const hook = release === null ? undefined : hookAt(release, step);
    return hook === undefined ? open('the hook ends') : atMost(hook.timeoutMs + HOOK_GRACE_MS);
  },
  delay: (_, { ms }) => atMost(ms),
  monitor: (_, { ms }) => atMost(ms),
  windows: ({ stage }, { side, services }) => {
    const specs = Object.values(requireSide(stage.record, side).services);
    const watched = specs.filter(({ name }) => services.includes(name));
    return atMost(Math.max(0, ...watched.map((spec) => configOf(side, spec).monitorMs)));
  },
  complete: ({ stage }) => {
    const watches = stage.record.steps.flatMap((step) => (step.kind === 'watch' ? step.checks : []));
    const deciding = watches.filter(({ policy }) => !policy.dryRun);
    return atMost(most(deciding, longestUnsettled));
  },
  hold: (_, { ms }) => atMost(ms),
  drain: ({ stage }, { side, services }) => {
    const { services: specs } = requireSide(stage.record, side);
    return atMost(Math.max(0, ...services.map((name) => specs[name]?.drainTimeoutMs ?? 0)));
  },
  remove: (context, { side, services }) => inTurn(context, side, services),
  stop: (context, { side, services }) => inTurn(context, side, services),
  shrink: (context, step) => {
    const { record, before } = context.stage;
    return stopping(context, step.side, goingReplicas(record, before, step));
  },
};

function boundOf<K extends StepKind>(context: Context, step: StepOf<K>): Bound {
  const bound: (context: Context, step: StepOf<K>) => Bound = BOUNDS[step.kind];
  return bound(context, step);
}

function atMost(ms: Millis): Bound {
  return { kind: 'at-most', ms };
}

function open(until: string): Bound {
  return { kind: 'open', until };
}

/** It waits for nothing. */
function atOnce(): Bound {
  return atMost(0);
}

function most(checks: readonly CheckUse[], longestOf: (policy: CheckUse['policy']) => Millis): Millis {
  return Math.max(0, ...checks.map(({ policy }) => longestOf(policy)));
}

/** What runs already is not waited for. */
function shared({ stage }: Context, { services, jobs = [] }: StepOf<'shared'>): Bound {
  const waiting = services.filter((service) => !isUp(stage.before, service, jobs.includes(service)));
  return atMost(waiting.length * SHARED_DEADLINE_MS);
}

/** The proxy has to confirm what it was told. */
function confirmed({ stage: { record } }: Context): Bound {
  if (!hasRoutes(record.stable) && !hasRoutes(record.candidate)) return atOnce();
  return atMost(longest(record.candidate, ({ progressDeadlineMs }) => progressDeadlineMs));
}

function ready({ stage, waited }: Context, { side, services }: StepOf<'ready'>): Bound {
  const { services: specs } = requireSide(stage.record, side);
  const fresh = services.filter((name) => !waited.has(`${side} ${name}`));
  return atMost(Math.max(0, ...fresh.map((name) => specs[name]?.progressDeadlineMs ?? 0)));
}

function cleared(context: Context): Bound {
  const { record, before } = context.stage;
  return stopping(context, 'candidate', clearedBy(record, before));
}

/** One service after the other, each with all its replicas at once. */
function inTurn(context: Context, side: SideName, services: readonly string[]): Bound {
  const { record, before } = context.stage;
  const each = services.map((name) => stopping(context, side, replicasOn(record, before, side, name)));
  return each.find(({ kind }) => kind === 'open') ?? atMost(totalBound(each).ms);
}

/** All at once: pre_stop hooks, which have no limit, then the signal and the grace period. */
function stopping({ stage, releases }: Context, side: SideName, going: readonly ObservedContainer[]): Bound {
  const names = new Set(going.map(({ service }) => service));
  const specs = Object.values(sideOf(stage.record, side)?.services ?? {}).filter(({ name }) => names.has(name));
  const own = releases[side] ?? releases.candidate;
  if ([...names].some((name) => (own?.services[name]?.preStop ?? []).length > 0)) return open('its pre_stop hooks end');
  return atMost(Math.max(0, ...specs.map(({ stopGraceMs }) => stopGraceMs)));
}
