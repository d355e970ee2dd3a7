import type { Step } from '../plan.ts';
import type { Side } from '../record.ts';
import { longRunning, routed } from './create-ready.ts';

/**
 * Only the numbers of replicas change: no new color, no pause, no check. More: created, ready, routed.
 * Fewer: out of the router first, drained, then removed, highest slot first.
 */
export function scale(stable: Side, candidate: Side): Step[] {
  const changed = longRunning(candidate).filter((name) => replicas(candidate, name) !== replicas(stable, name));
  const grown = changed.filter((name) => replicas(candidate, name) > replicas(stable, name));
  const shrunk = changed.filter((name) => replicas(candidate, name) < replicas(stable, name));
  const steps: Step[] = grown.map((service) => ({
    kind: 'create',
    side: 'candidate',
    service,
    replicas: replicas(candidate, service),
  }));
  if (grown.length > 0) steps.push({ kind: 'ready', side: 'candidate', services: grown });
  steps.push({ kind: 'weight', weight: 100 }, { kind: 'complete' });
  const drained = shrunk.filter((name) => routed(candidate).includes(name));
  if (drained.length > 0) steps.push({ kind: 'drain', side: 'candidate', services: drained });
  return [
    ...steps,
    ...shrunk.map((service): Step => ({
      kind: 'shrink',
      side: 'candidate',
      service,
      replicas: replicas(candidate, service),
    })),
  ];
}

function replicas(side: Side, service: string): number {
  return side.services[service]?.replicas ?? 0;
}
