import type { Step } from '../plan.ts';
import type { Side } from '../record.ts';
import { longRunning, replicasOf, routed } from './create-ready.ts';

/**
 * Only the numbers of replicas change: no new color, no pause, no check. More: created, ready, routed.
 * Fewer: out of the router first, drained, then removed, highest slot first.
 */
export function scale(stable: Side, candidate: Side): Step[] {
  const grown = largerIn(candidate, stable);
  return [
    ...grown.map((service): Step => ({
      kind: 'create',
      side: 'candidate',
      service,
      replicas: replicasOf(candidate, service),
    })),
    ...(grown.length > 0 ? [{ kind: 'ready', side: 'candidate', services: grown } as const] : []),
    { kind: 'weight', weight: 100 },
    { kind: 'complete' },
    ...shrink(stable, candidate),
  ];
}

/** From the numbers of one side to the smaller ones of another in the same place; the router left them out before. */
export function shrink(from: Side, to: Side): Step[] {
  const shrunk = largerIn(from, to);
  const drained = shrunk.filter((name) => routed(from).includes(name));
  return [
    ...(drained.length > 0 ? [{ kind: 'drain', side: 'candidate', services: drained } as const] : []),
    ...shrunk.map((service): Step => ({
      kind: 'shrink',
      side: 'candidate',
      service,
      replicas: replicasOf(to, service),
    })),
  ];
}

function largerIn(one: Side, other: Side): string[] {
  return longRunning(one).filter((name) => replicasOf(one, name) > replicasOf(other, name));
}
