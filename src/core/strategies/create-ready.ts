import { dependencyOrder } from '../order.ts';
import type { SideName, Step } from '../plan.ts';
import type { Side, SideService } from '../record.ts';

/**
 * Creates a side's services in dependency order. Whoever is needed healthy is ready before its dependents are
 * created; one-shots run to their end in their place; in the end everything is ready.
 */
export function createInOrder(name: SideName, side: Side, replicas: (service: SideService) => number): Step[] {
  const order = dependencyOrder(Object.values(side.services));
  const awaited = neededHealthy(side);
  const steps: Step[] = [];
  for (const service of order) {
    const spec = side.services[service];
    if (spec === undefined) continue;
    if (spec.placement === 'one-shot') {
      steps.push({ kind: 'run', service });
    } else {
      steps.push({ kind: 'create', side: name, service, replicas: replicas(spec) });
      if (awaited.has(service)) steps.push({ kind: 'ready', side: name, services: [service] });
    }
  }
  return [...steps, { kind: 'ready', side: name, services: longRunning(side) }];
}

function neededHealthy(side: Side): ReadonlySet<string> {
  return new Set(
    Object.values(side.services).flatMap((service) =>
      service.dependsOn.filter((d) => d.condition === 'service_healthy').map((d) => d.service),
    ),
  );
}

/** The services of a side that keep running, in dependency order. */
export function longRunning(side: Side): string[] {
  return dependencyOrder(Object.values(side.services)).filter((name) => side.services[name]?.placement !== 'one-shot');
}

/** Callers before the called, so that nobody loses what it still needs. */
export function callersFirst(side: Side): string[] {
  return longRunning(side).reverse();
}

/** The services of a side that get requests through the proxy. */
export function routed(side: Side): string[] {
  return longRunning(side).filter((name) => side.services[name]?.route !== null);
}

/** How many replicas of a service a side wants; none of one that it does not have. */
export function replicasOf(side: Side, service: string): number {
  return side.services[service]?.replicas ?? 0;
}

/** The longest value of a setting among a side's services. */
export function longest(side: Side, value: (service: SideService) => number): number {
  return Math.max(0, ...Object.values(side.services).map(value));
}
