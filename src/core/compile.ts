import { aroundRollout, failureHooks, leavesStable, NOTHING_AROUND, type Around } from './around.ts';
import { changesOf, type ChangeInput, type Changes, isFull } from './changes.ts';
import { groupPlan } from './group-plan.ts';
import type { Live } from './live.ts';
import { releaseSide } from './live.ts';
import type { Millis, Observed } from './observed.ts';
import type { Step } from './plan.ts';
import {
  type FailureHooks,
  NO_FAILURE_HOOKS,
  type RolloutRecord,
  type RolloutVerb,
  type Side,
  type SideService,
  type Stray,
} from './record.ts';
import type { Release } from './release.ts';
import { hasRoutes } from './routing.ts';
import { containersOf, isTogether, replicasIn } from './sides.ts';
import { canaryInPlace } from './strategies/canary.ts';
import { bringIn, longest, longRunning, only } from './strategies/bring-in.ts';
import { gatedInPlace, insertBefore } from './strategies/gates.ts';
import { held, retire } from './strategies/group.ts';
import { leave } from './strategies/resize.ts';
import { type InPlace, rolling, sweep } from './strategies/rolling.ts';
import { scale } from './strategies/scale.ts';

/** What has to happen for a release to serve. */
export type Compiled =
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'rollout';
      readonly stable: Side | null;
      readonly candidate: Side;
      readonly steps: readonly Step[];
      readonly strays: readonly Stray[];
      /** Only numbers of replicas change. */
      readonly scale: boolean;
      readonly hooks: FailureHooks;
    };

export interface CompileInput extends ChangeInput {
  readonly verb: RolloutVerb;
  /** All rollouts so far, oldest first. */
  readonly records: readonly RolloutRecord[];
  /** Shared services in dependency order, to be started if they do not run. */
  readonly shared: readonly string[];
  /** Those of them that nobody requires. */
  readonly optional?: readonly string[];
  /** Those of them that do not run on. */
  readonly jobs?: readonly string[];
}

/** Compiles the way from what serves to a release (DESIGN sections 2 and 5). Pure. */
export function compile(input: CompileInput): Compiled {
  const changes = paced(input, changesOf(input));
  const { stable, candidate, switched, added, replaced, scaled, removed, oneShots } = changes;
  const made = switched.size + added.size + replaced.size + removed.size + oneShots.size;
  if (made + scaled.size === 0) return { kind: 'nothing' };
  const kept = input.verb === 'rollback' && switched.size > 0 && isHeld(input, changes);
  const strays = straysOf(input, changes);
  const around = made === 0 ? NOTHING_AROUND : aroundRollout(input, changes);
  const first = made === 0 ? [] : [...prelude(input, changes, kept), ...around.begins];
  const steps = [...first, ...forward(input, changes, around, kept)];
  return {
    kind: 'rollout',
    stable,
    candidate,
    strays,
    scale: made === 0,
    steps: steps.some(leavesStable) ? insertBefore(steps, leavesStable, around.hooks('pre_drain')) : steps,
    hooks: made === 0 ? NO_FAILURE_HOOKS : failureHooks(input, changes),
  };
}

/** A rollback in place goes at the pace of `rollback_config`; what a failure means stays as `update_config` says. */
function paced({ verb }: CompileInput, changes: Changes): Changes {
  if (verb !== 'rollback') return changes;
  const services = Object.values(changes.candidate.services).map((service): [string, SideService] => {
    const { failureAction } = service.update;
    const update = service.placement === 'in-place' ? { ...service.rollback, failureAction } : service.update;
    return [service.name, { ...service, update }];
  });
  return { ...changes, candidate: { ...changes.candidate, services: Object.fromEntries(services) } };
}

/** What must be so before anything of the release is created. */
function prelude(input: CompileInput, { stable, candidate, switched }: Changes, kept: boolean): Step[] {
  if (kept) return [];
  const routed = hasRoutes(stable) || hasRoutes(candidate);
  const first: Step[] = switched.size > 0 ? [{ kind: 'clear' }] : [];
  return [
    ...first,
    ...(routed || switched.size > 0 ? [{ kind: 'prepare' } as const] : []),
    ...sharedStep(input),
    ...(routed || switched.size > 0 ? [{ kind: 'wire' } as const] : []),
  ];
}

function sharedStep({ shared: services, optional = [], jobs = [] }: CompileInput): Step[] {
  if (services.length === 0) return [];
  const named = { ...(optional.length > 0 ? { optional } : {}), ...(jobs.length > 0 ? { jobs } : {}) };
  return [{ kind: 'shared', services, ...named }];
}

function forward(input: CompileInput, changes: Changes, around: Around, kept: boolean): Step[] {
  const { stable, candidate, switched, added, replaced, scaled, removed } = changes;
  const group = kept ? held(only(candidate, in_(switched)), around.gates(switched)) : groupPlan(input, changes, around);
  const scales = [...scaled].map((name) => scale(situation(input, changes, name)));
  const gone = [...removed].flatMap((name) => retireInPlace(stable, name));
  const routesLate = [...added, ...scaled, ...removed].some((name) => isRouted(stable, candidate, name));
  const steps: Step[] = [
    ...(switched.size === 0 ? around.hooks('pre_switch') : []),
    ...bringIn({
      candidate,
      created: new Set([...switched, ...added]),
      size: (service) => (switched.has(service.name) ? group.size(service) : service.replicas),
      before: group.before,
      inPlace: ({ name }) =>
        replaced.has(name)
          ? gatedInPlace(inPlace(input, situation(input, changes, name), around), around.gates(new Set([name])))
          : [],
      oneShots: runsOneShots(input, changes),
    }),
    ...scales.flatMap(({ before }) => before),
    ...(switched.size > 0 ? group.after : []),
    ...(routesLate && switched.size === 0 ? [{ kind: 'routes' } as const] : []),
    ...(switched.size === 0 ? around.hooks('post_switch') : []),
    ...windows(candidate, [...added, ...replaced]),
    { kind: 'complete' },
    ...around.ends,
    ...scales.flatMap(({ after }) => after),
    ...gone,
    ...[...replaced].flatMap((name) => sweep(situation(input, changes, name))),
  ];
  const old = stable === null ? null : only(stable, ({ name }) => !isTogether({ stable, candidate }, name));
  return old === null ? steps : [...steps, ...retire('stable', old, holdOf(input, changes))];
}

/** How long the old release stays, as the file says that was read last: on a rollback that of the release that is left. */
function holdOf({ verb }: CompileInput, { stable, candidate }: Changes): Millis {
  const latest = verb === 'rollback' ? (stable ?? candidate) : candidate;
  return longest(latest, ({ retireAfterMs }) => retireAfterMs);
}

/** Once a release: they ran for the one that a rollback brings back, and may not know what the database has become since. */
function runsOneShots({ verb }: CompileInput, { switched, added, replaced, oneShots }: Changes): boolean {
  return verb !== 'rollback' && switched.size + added.size + replaced.size + oneShots.size > 0;
}

function in_(names: ReadonlySet<string>): (service: SideService) => boolean {
  return ({ name }) => names.has(name);
}

function isRouted(stable: Side | null, candidate: Side, name: string): boolean {
  return (candidate.services[name] ?? stable?.services[name])?.route != null;
}

/** Out of the routes it went before completion; its last word is said after that. */
function retireInPlace(stable: Side | null, service: string): Step[] {
  const routed = stable?.services[service]?.route != null;
  const steps = leave({ side: 'stable', service, replicas: 0, routed, sparing: false, first: 'highest' });
  return steps.filter((step) => step.kind !== 'routes');
}

/** How many replicas of each side are there now. */
function situation({ observed, release }: CompileInput, { candidate }: Changes, name: string): InPlace {
  const service = candidate.services[name];
  if (service === undefined) throw new Error(`${name} is no service of the candidate`);
  const running = replicasIn(observed, candidate, name).filter((c) => c.state === 'running');
  const ours = running.filter((c) => c.release === release.id).length;
  const unhealthy = running.filter((c) => c.release !== release.id && c.health === 'unhealthy').length;
  return { service, stable: running.length - ours, candidate: ours, unhealthy };
}

/** A rollback by hand has no steps and no pauses. */
function inPlace({ release, liveRelease, verb }: CompileInput, there: InPlace, around: Around): Step[] {
  const spec = release.services[there.service.name];
  const stableKnown = liveRelease !== null;
  return spec?.strategy === 'canary' && verb === 'deploy'
    ? canaryInPlace({ ...there, stableKnown }, spec.steps, around.questions([spec]))
    : rolling(there);
}

function windows(candidate: Side, services: readonly string[]): Step[] {
  const watched = services.filter((name) => (candidate.services[name]?.update.monitorMs ?? 0) > 0);
  return watched.length > 0 ? [{ kind: 'windows', side: 'candidate', services: watched }] : [];
}

/** All containers of the release are still there and run: only weight has to move. */
function isHeld({ observed }: CompileInput, { candidate, switched }: Changes): boolean {
  const group = only(candidate, in_(switched));
  return (
    longRunning(group).every((name) => isFull(observed, group, name)) &&
    containersOf(observed, group).every((c) => c.release === candidate.release)
  );
}

/** Containers in place of a release that never served: rollouts that were superseded left them. */
function straysOf({ observed, records, liveRelease }: CompileInput, { candidate, replaced, scaled }: Changes): Stray[] {
  if (liveRelease === null) return [];
  const served = new Set(records.filter((r) => r.state === 'completed').map((r) => r.candidate.release));
  const routed = routedNames(observed);
  const replicas = [...replaced, ...scaled].flatMap((name) => replicasIn(observed, candidate, name));
  return replicas
    .filter(({ release }) => release !== null && release !== candidate.release && release !== liveRelease.id)
    .filter(({ release }) => !served.has(release))
    .map(({ id, name }) => ({ id, serves: routed.has(name) }));
}

function routedNames({ router }: Observed): ReadonlySet<string> {
  if (router.kind === 'unreadable') return new Set();
  return new Set(router.routes.flatMap(({ backends }) => backends.map(({ container }) => container)));
}

/** The way from a color to plain containers of the same release in the user's own project. */
export function compileReset(
  release: Release,
  live: Extract<Live, { kind: 'color' }>,
): Extract<Compiled, { kind: 'rollout' }> {
  const stable = releaseSide(release, live.color);
  const candidate = only({ ...stable, color: null }, ({ placement }) => placement !== 'one-shot');
  const going = only(stable, ({ placement }) => placement === 'colored');
  const steps: Step[] = [
    { kind: 'clear' },
    { kind: 'prepare' },
    { kind: 'wire' },
    ...bringIn({
      candidate,
      created: new Set(longRunning(going)),
      size: ({ replicas }) => replicas,
      before: [],
      inPlace: () => [],
      oneShots: false,
    }),
    { kind: 'weight', weight: 100 },
    { kind: 'complete' },
    ...retire('stable', going, 0),
  ];
  return { kind: 'rollout', stable, candidate, steps, strays: [], scale: false, hooks: NO_FAILURE_HOOKS };
}
