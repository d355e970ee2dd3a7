import { isCounted } from './failure.ts';
import type { Observed, ObservedContainer } from './observed.ts';
import type { ShrinkStep, SideName, Step, StepOf } from './plan.ts';
import type { RolloutRecord } from './record.ts';
import { replicasOn } from './sides.ts';

/** Failed slots of a service on a side; each counts once. */
export function failedSlots(record: RolloutRecord, side: SideName, service: string): number {
  return record.failures.filter((f) => f.side === side && f.service === service).length;
}

/** How many replicas a create step still has to bring in: a slot whose replica failed and is gone stays empty. */
export function lackingSlots(record: RolloutRecord, observed: Observed, step: StepOf<'create'>): number {
  const present = replicasOn(record, observed, step.side, step.service);
  const ids = new Set(present.map((c) => c.id));
  const lost = record.failures.filter(
    (f) => f.side === step.side && f.service === step.service && (f.id === null || !ids.has(f.id)),
  );
  return step.replicas - present.length - lost.length;
}

/** Replicas that a shrink step removes; none once only those that stay are left. */
export function goingReplicas(
  record: RolloutRecord,
  observed: Observed,
  step: ShrinkStep,
): readonly ObservedContainer[] {
  const replicas = replicasOn(record, observed, step.side, step.service);
  const spared = step.sparing ? failedSlots(record, other(step.side), step.service) : 0;
  const excess = Math.max(0, replicas.length - step.replicas - spared);
  return excess === 0 ? [] : leastNeededFirst(record, step, replicas).slice(0, excess);
}

function other(side: SideName): SideName {
  return side === 'stable' ? 'candidate' : 'stable';
}

/** What serves nobody goes before what serves, what was given up before what has proved itself, then slot by slot. */
function leastNeededFirst(
  record: RolloutRecord,
  step: ShrinkStep,
  replicas: readonly ObservedContainer[],
): readonly ObservedContainer[] {
  const strays = new Set(record.strays.map(({ id }) => id));
  const worth = (c: ObservedContainer): number => {
    if (c.state !== 'running') return 0;
    if (isCounted(record, c.id) || c.health === 'unhealthy') return 1;
    if (step.side === 'candidate' && record.ready[c.id] === undefined) return 2;
    return strays.has(c.id) ? 3 : 4;
  };
  const sign = step.first === 'lowest' ? 1 : -1;
  return replicas.toSorted((a, b) => worth(a) - worth(b) || sign * (a.number - b.number));
}

/**
 * Ids of the replicas that are on their way out: the steps from the record's present one up to the next change of
 * routes remove or stop them. The routes that are set now leave them out.
 */
export function leavingReplicas(record: RolloutRecord, observed: Observed): ReadonlySet<string> {
  const steps = record.steps.slice(record.cursor, nextRoutes(record));
  return new Set(steps.flatMap((step) => removedBy(record, observed, step)).map((c) => c.id));
}

function nextRoutes({ steps, cursor }: RolloutRecord): number {
  let index = cursor + 1;
  while (index < steps.length && !setsRoutes(steps[index])) index += 1;
  return index;
}

const SETS_ROUTES: ReadonlySet<Step['kind']> = new Set(['weight', 'routes', 'match', 'mirror', 'preview']);

/** True for steps that make the proxy work by other routes. */
export function setsRoutes(step: Step | undefined): boolean {
  return step !== undefined && SETS_ROUTES.has(step.kind);
}

function removedBy(record: RolloutRecord, observed: Observed, step: Step): readonly ObservedContainer[] {
  if (step.kind === 'shrink') return goingReplicas(record, observed, step);
  if (step.kind !== 'remove' && step.kind !== 'stop') return [];
  return step.services.flatMap((service) => replicasOn(record, observed, step.side, service));
}
