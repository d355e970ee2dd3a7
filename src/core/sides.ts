import type { Observed, ObservedContainer } from './observed.ts';
import type { SideName } from './plan.ts';
import { sideOf, type RolloutRecord, type Side } from './record.ts';

/** Every replica of a service in the place of a side, in slot order (Compose's number ascending), one-offs left out. */
export function replicasIn(observed: Observed, side: Side, service: string): readonly ObservedContainer[] {
  return observed.containers
    .filter((c) => c.color === side.color && c.service === service && !c.oneOff)
    .sort((a, b) => a.number - b.number);
}

/** All replicas in the place of a side. */
export function containersOf(observed: Observed, side: Side): readonly ObservedContainer[] {
  return Object.keys(side.services).flatMap((service) => replicasIn(observed, side, service));
}

/** Both sides in one place: the rollout only changes how many replicas there are. */
export function isScale(record: RolloutRecord): boolean {
  return record.stable !== null && record.stable.color === record.candidate.color;
}

/** Containers a rollout answers for: those of its candidate, and of a scale only the ones it added. */
export function candidateReplicas(record: RolloutRecord, observed: Observed): readonly ObservedContainer[] {
  const all = containersOf(observed, record.candidate);
  return isScale(record) ? all.filter((c) => c.createdAt >= record.acceptedAt) : all;
}

/** The side, where the plan says that there is one. @throws for a plan that names a side that the rollout does not have */
export function requireSide(record: RolloutRecord, name: SideName): Side {
  const side = sideOf(record, name);
  if (side === null) throw new Error(`the plan of ${record.id} names the ${name} side, but there is none`);
  return side;
}
