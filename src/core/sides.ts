import type { Color } from './color.ts';
import type { Observed, ObservedContainer } from './observed.ts';
import type { SideName } from './plan.ts';
import { type RolloutRecord, type Side, sideOf } from './record.ts';
import { isGoingBack } from './state.ts';

/** Where replicas of a service of a side live: in place it is the user's own project (null), else the side's color. */
export function placeOf(side: Side, service: string): Color | null {
  return side.services[service]?.placement === 'in-place' ? null : side.color;
}

/** Every replica of a service in the place of a side, in slot order (Compose's number ascending), one-offs left out. */
export function replicasIn(observed: Observed, side: Side, service: string): readonly ObservedContainer[] {
  return indexOf(observed.containers).byPlace.get(keyOf(placeOf(side, service), service)) ?? [];
}

/** All replicas in the places of a side's services. */
export function containersOf(observed: Observed, side: Side): readonly ObservedContainer[] {
  return Object.keys(side.services).flatMap((service) => replicasIn(observed, side, service));
}

interface Index {
  readonly byPlace: ReadonlyMap<string, readonly ObservedContainer[]>;
  readonly byId: ReadonlyMap<string, ObservedContainer>;
}

/** Large projects ask for replicas thousands of times for each look at the engine. */
const indexes = new WeakMap<readonly ObservedContainer[], Index>();

function indexOf(containers: readonly ObservedContainer[]): Index {
  const known = indexes.get(containers);
  if (known !== undefined) return known;
  const byPlace = new Map<string, ObservedContainer[]>();
  for (const container of containers.filter((c) => !c.oneOff).sort((a, b) => a.number - b.number)) {
    const key = keyOf(container.color, container.service);
    const there = byPlace.get(key);
    if (there === undefined) byPlace.set(key, [container]);
    else there.push(container);
  }
  const index = { byPlace, byId: new Map(containers.map((c) => [c.id, c])) };
  indexes.set(containers, index);
  return index;
}

/** A container by its id; undefined if it is gone. */
export function containerOf(observed: Observed, id: string): ObservedContainer | undefined {
  return indexOf(observed.containers).byId.get(id);
}

function keyOf(place: Color | null, service: string): string {
  return `${place ?? ''}/${service}`;
}

/** True if a service has both its sides in one place: replaced replica by replica, scaled, or not touched at all. */
export function isTogether(record: Pick<RolloutRecord, 'stable' | 'candidate'>, service: string): boolean {
  const stable = record.stable?.services[service];
  const candidate = record.candidate.services[service];
  if (record.stable !== null && stable !== undefined && candidate !== undefined)
    return placeOf(record.stable, service) === placeOf(record.candidate, service);
  return (stable ?? candidate)?.placement === 'in-place';
}

/**
 * Replicas of a service that belong to one side. In one place those of the candidate are made by its release, and all
 * others are the stable side, whatever left them there; on the way back strays are to go like the candidate.
 */
export function replicasOn(
  record: RolloutRecord,
  observed: Observed,
  name: SideName,
  service: string,
): readonly ObservedContainer[] {
  const own = sideOf(record, name);
  const side = own !== null && service in own.services ? own : null;
  if (!isTogether(record, service)) return side === null ? [] : replicasIn(observed, side, service);
  const either = side ?? sideOf(record, name === 'stable' ? 'candidate' : 'stable');
  const all = either === null ? [] : replicasIn(observed, either, service);
  return all.filter((c) => isOfCandidate(record, c) === (name === 'candidate'));
}

function isOfCandidate(record: RolloutRecord, container: ObservedContainer): boolean {
  if (container.release === record.candidate.release) return true;
  return isGoingBack(record.state) && record.strays.some(({ id }) => id === container.id);
}

/** Containers that a rollout answers for. */
export function candidateReplicas(record: RolloutRecord, observed: Observed): readonly ObservedContainer[] {
  return Object.keys(record.candidate.services).flatMap((name) => replicasOn(record, observed, 'candidate', name));
}

/** True if this rollout created a container; in place there is no label that says so. */
export function isOurs(record: RolloutRecord, container: ObservedContainer): boolean {
  return container.rollout === null ? container.createdAt >= record.acceptedAt : container.rollout === record.id;
}

/** The side, where the plan says that there is one. @throws for a plan that names a side that the rollout does not have */
export function requireSide(record: RolloutRecord, name: SideName): Side {
  const side = sideOf(record, name);
  if (side === null) throw new Error(`the plan of ${record.id} names the ${name} side, but there is none`);
  return side;
}
