import type { Step } from '../plan.ts';
import type { RolloutRecord, Side } from '../record.ts';
import { isScale } from '../sides.ts';
import { callersFirst, longRunning, replicasOf, routed } from './create-ready.ts';
import { shrink } from './scale.ts';

/**
 * The way back: the stable release gets all traffic first, then the candidate drains and goes. Stable replicas that
 * died meanwhile are brought back after those that live have the traffic. Never a pause, never a check.
 */
export function wayBack(record: RolloutRecord): Step[] {
  const { stable, candidate } = record;
  const steps: Step[] = [];
  if (record.weight !== null) steps.push({ kind: 'weight', weight: 0 });
  if (stable !== null) steps.push(...restore(stable));
  if (stable !== null && record.weight !== null) steps.push({ kind: 'weight', weight: 0 });
  if (isScale(record) && stable !== null) return [...steps, ...shrink(candidate, stable)];
  if (record.weight !== null && routed(candidate).length > 0) {
    steps.push({ kind: 'drain', side: 'candidate', services: routed(candidate) });
  }
  return [...steps, { kind: 'remove', side: 'candidate', services: callersFirst(candidate) }];
}

function restore(stable: Side): Step[] {
  const services = longRunning(stable);
  return [
    ...services.map((service): Step => ({
      kind: 'create',
      side: 'stable',
      service,
      replicas: replicasOf(stable, service),
    })),
    { kind: 'ready', side: 'stable', services },
  ];
}
