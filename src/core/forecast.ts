import { composeProject, colorService } from './color.ts';
import type { Observed, ObservedContainer, RouteState } from './observed.ts';
import type { SideName, Step, StepOf } from './plan.ts';
import type { RolloutRecord, Side } from './record.ts';
import { desiredRoutes, hasRoutes } from './routing.ts';
import { isTogether, placeOf, replicasIn, replicasOn, requireSide } from './sides.ts';
import { goingReplicas, lackingSlots, setsRoutes } from './slots.ts';
import { clearedBy, inColor } from './steps/containers.ts';

/** The host before a step and after it, if every step goes well. */
export interface Stage {
  readonly step: Step;
  /** The record as it stands at the step. */
  readonly record: RolloutRecord;
  readonly before: Observed;
  readonly after: Observed;
}

/** A step that makes the proxy work by other routes, and by which. */
export interface Turn {
  /** Index of the step. */
  readonly step: number;
  readonly routes: readonly RouteState[];
}

/** Names that the compose files give containers of a place themselves, by service. */
export type GivenNames = (side: Side) => Readonly<Record<string, string>>;

/** A plan as it goes if every step does. Made by what the planner itself decides by, on containers that are not there yet. */
export function forecast(record: RolloutRecord, observed: Observed, names: GivenNames): readonly Stage[] {
  let [seen, now] = [observed, record];
  return record.steps.map((step, cursor) => {
    const before = seen;
    now = { ...now, cursor };
    seen = after(now, before, step, names);
    const stage: Stage = { step, record: now, before, after: seen };
    now = noted(now, seen, step);
    return stage;
  });
}

/** What the proxy is told on the way, in order. */
export function turnsOf(stages: readonly Stage[]): readonly Turn[] {
  return stages.flatMap(({ step, record, before }, index) => {
    if (!hasRoutes(record.stable) && !hasRoutes(record.candidate)) return [];
    if (step.kind !== 'wire' && !setsRoutes(step)) return [];
    const weight = step.kind === 'weight' ? step.weight : (record.weight ?? 0);
    return [{ step: index, routes: desiredRoutes(record, before, weight) }];
  });
}

/** What the record remembers of a step that is done. */
function noted(record: RolloutRecord, observed: Observed, step: Step): RolloutRecord {
  if (step.kind === 'wire') return { ...record, weight: 0 };
  if (step.kind === 'weight') return { ...record, weight: step.weight };
  if (step.kind !== 'ready') return record;
  const { side } = step;
  const replicas = step.services.flatMap((service) => replicasOn(record, observed, side, service));
  const ready = replicas.map(({ id, service }) => [id, { side, service, at: record.acceptedAt }] as const);
  return { ...record, ready: { ...record.ready, ...Object.fromEntries(ready) } };
}

function after(record: RolloutRecord, observed: Observed, step: Step, names: GivenNames): Observed {
  switch (step.kind) {
    case 'clear':
      return without(observed, clearedBy(record, observed));
    case 'create':
      return created(record, observed, step, names);
    case 'stop':
      return stopped(observed, on(record, observed, step.side, step.services));
    case 'remove': {
      const others = inColor(observed, requireSide(record, step.side));
      return without(observed, [...on(record, observed, step.side, step.services), ...others]);
    }
    case 'shrink':
      return without(observed, goingReplicas(record, observed, step));
    default:
      return observed;
  }
}

function on(record: RolloutRecord, observed: Observed, side: SideName, services: readonly string[]) {
  return services.flatMap((service) => replicasOn(record, observed, side, service));
}

function without(observed: Observed, gone: readonly ObservedContainer[]): Observed {
  if (gone.length === 0) return observed;
  const ids = new Set(gone.map(({ id }) => id));
  return { ...observed, containers: observed.containers.filter(({ id }) => !ids.has(id)) };
}

function stopped(observed: Observed, stopping: readonly ObservedContainer[]): Observed {
  const ids = new Set(stopping.map(({ id }) => id));
  const containers = observed.containers.map((c) => (ids.has(c.id) ? { ...c, state: 'exited' as const } : c));
  return { ...observed, containers };
}

/** As Compose numbers them: on from the highest that is there once those are gone that do not run. */
function created(record: RolloutRecord, observed: Observed, step: StepOf<'create'>, names: GivenNames): Observed {
  const side = requireSide(record, step.side);
  const there = replicasIn(observed, side, step.service);
  const dead = there.filter(({ state }) => state !== 'running');
  const room = without(observed, dead);
  const first = 1 + Math.max(0, ...there.filter((c) => !dead.includes(c)).map((c) => c.number));
  const lacking = Math.max(0, lackingSlots(record, room, step));
  const fresh = Array.from({ length: lacking }, (_, index) =>
    container(record, side, step.service, first + index, names),
  );
  return fresh.length === 0 ? room : { ...room, containers: [...room.containers, ...fresh] };
}

function container(
  { id: rollout, project, acceptedAt: at }: RolloutRecord,
  side: Side,
  service: string,
  number: number,
  names: GivenNames,
): ObservedContainer {
  const color = placeOf(side, service);
  const usual = `${composeProject(project, color)}-${colorService(service, color)}-${String(number)}`;
  const name = names(side)[service] ?? usual;
  return {
    ...{ id: `planned ${name}`, name, service, color, number, release: side.release, version: side.version },
    ...{ rollout: color === null ? null : rollout, store: null, oneOff: false, state: 'running', health: 'none' },
    ...{ exitCode: null, oomKilled: false, restarts: 0, createdAt: at, startedAt: at, finishedAt: null },
    ...{ imageId: '', image: '', configHash: null, pid: null, addresses: {} },
  };
}

/** How many containers of a service run at the same time where they are most. */
export interface Crowd {
  readonly service: string;
  /** Of what serves now. */
  readonly old: number;
  readonly new: number;
  /** How many run now. */
  readonly now: number;
}

/** For each service that the plan touches, the moment at which most of its containers run. */
export function crowds(stages: readonly Stage[]): readonly Crowd[] {
  const [first] = stages;
  if (first === undefined) return [];
  const { record } = first;
  const names = new Set([...Object.keys(record.stable?.services ?? {}), ...Object.keys(record.candidate.services)]);
  return [...names].flatMap((service) => {
    const now = crowd(first.record, first.before, service);
    const all = stages.map((stage) => crowd(stage.record, stage.after, service));
    const most = all.reduce((best, each) => (sum(each) > sum(best) ? each : best), now);
    return all.every((each) => each.new === now.new) ? [] : [{ service, ...most, now: sum(now) }];
  });
}

function crowd(record: RolloutRecord, observed: Observed, service: string): { old: number; new: number } {
  const together = isTogether(record, service);
  const running = (side: SideName): readonly ObservedContainer[] =>
    replicasOn(record, observed, side, service).filter(({ state }) => state === 'running');
  // What the candidate's color holds before it is cleared is not the candidate.
  const fresh = running('candidate').filter(({ rollout }) => together || rollout === record.id);
  return { old: running('stable').length, new: fresh.length };
}

function sum(counted: { readonly old: number; readonly new: number }): number {
  return counted.old + counted.new;
}
