import { dependencyOrder, requiredByNobody } from '../order.ts';
import type { SideName, Step } from '../plan.ts';
import type { Side, SideService } from '../record.ts';

export interface BringIn {
  readonly candidate: Side;
  /** Services that are created beside what serves: the color group, and what is new in place. */
  readonly created: ReadonlySet<string>;
  /** How many replicas of a created service there are before any traffic moves. */
  readonly size: (service: SideService) => number;
  /** What has to be done before the first of them is created. */
  readonly before: readonly Step[];
  /** The steps of a service that is replaced in its own place; none for what is not touched. */
  readonly inPlace: (service: SideService) => readonly Step[];
  /** One-shots run once a release, not when it is only scaled or comes back. */
  readonly oneShots: boolean;
}

/**
 * Everything of a release in dependency order. Whoever is needed healthy is ready before its dependents are created;
 * one-shots run to their end in their place; services in place are replaced when all before them are ready, and as
 * late as dependencies allow, because nothing of theirs can be undone as cheaply as a container that never served.
 */
export function bringIn(plan: BringIn): Step[] {
  const steps: Step[] = [];
  const pending: string[] = [];
  const awaited = neededHealthy(plan.candidate);
  const spared = requiredByNobody(Object.values(plan.candidate.services));
  const flush = (): void => {
    if (pending.length > 0) steps.push(ready(pending.splice(0)));
  };
  for (const spec of inOrder(plan)) {
    if (spec.placement === 'one-shot') {
      if (plan.oneShots) steps.push(run(spec.name, spared));
    } else if (plan.created.has(spec.name)) {
      steps.push(...create(plan, spec));
      if (plan.size(spec) === 0) continue;
      if (awaited.has(spec.name)) steps.push(ready([spec.name]));
      else pending.push(spec.name);
    } else {
      const replaced = plan.inPlace(spec);
      if (replaced.length > 0) flush();
      steps.push(...replaced);
    }
  }
  const all = createdServices(plan);
  const before = plan.created.size > 0 ? [...plan.before] : [];
  return [...before, ...steps, ...(all.length > 0 ? [ready(all)] : [])];
}

function run(service: string, spared: ReadonlySet<string>): Step {
  return { kind: 'run', service, ...(spared.has(service) ? { optional: true } : {}) };
}

function inOrder({ candidate, created }: BringIn): readonly SideService[] {
  const specs = Object.values(candidate.services);
  const first = specs.filter((spec) => spec.placement !== 'in-place' || created.has(spec.name));
  const order = dependencyOrder([...first, ...specs.filter((spec) => !first.includes(spec))]);
  return order.flatMap((name) => candidate.services[name] ?? []);
}

function create({ size }: BringIn, spec: SideService): Step[] {
  const replicas = size(spec);
  return replicas === 0 ? [] : [{ kind: 'create', side: 'candidate', service: spec.name, replicas }];
}

function createdServices({ candidate, created, size }: BringIn): string[] {
  return longRunning(candidate).filter((name) => {
    const spec = candidate.services[name];
    return spec !== undefined && created.has(name) && size(spec) > 0;
  });
}

function ready(services: readonly string[], side: SideName = 'candidate'): Step {
  return { kind: 'ready', side, services };
}

/** Services that others want healthy before they start. */
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

/** A side with some of its services only. */
export function only(side: Side, keep: (service: SideService) => boolean): Side {
  return { ...side, services: Object.fromEntries(Object.entries(side.services).filter(([, spec]) => keep(spec))) };
}

/** The longest value of a setting among a side's services. */
export function longest(side: Side, value: (service: SideService) => number): number {
  return Math.max(0, ...Object.values(side.services).map(value));
}
