import type { Backend, Observed, ObservedContainer, RouterReading, RouteState } from './observed.ts';
import { isCounted } from './failure.ts';
import type { Route } from './project.ts';
import type { RolloutRecord, Side } from './record.ts';
import { isScale, replicasIn } from './sides.ts';

/**
 * What the proxy has to do for the candidate to get `weight` percent of every route. A route of one side only is
 * there while that side gets traffic. Per replica: stable (100 − w)·candidates, candidate w·stables, so that the
 * shares come out exact whatever the numbers of replicas.
 */
export function desiredRoutes(record: RolloutRecord, observed: Observed, weight: number): readonly RouteState[] {
  const names = new Set([...Object.keys(record.stable?.services ?? {}), ...Object.keys(record.candidate.services)]);
  return [...names].flatMap((name) => {
    const stable = record.stable?.services[name]?.route ?? null;
    const candidate = record.candidate.services[name]?.route ?? null;
    const shown = weight === 100 ? candidate : (stable ?? candidate);
    if (shown === null) return [];
    const backends = split(
      weight,
      stable === null ? [] : backendsOf(stableServing(record, observed, name), stable),
      candidate === null ? [] : backendsOf(candidateServing(record, observed, name), candidate),
    );
    return [{ service: name, host: shown.host, path: shown.path, backends }];
  });
}

function backendsOf(containers: readonly ObservedContainer[], route: Route): Backend[] {
  return containers.map((container) => ({ container: container.name, port: route.port, weight: 1 }));
}

function split(weight: number, stable: readonly Backend[], candidate: readonly Backend[]): Backend[] {
  if (weight === 0 || candidate.length === 0) return [...stable];
  if (weight === 100 || stable.length === 0) return [...candidate];
  const ofStable = (100 - weight) * candidate.length;
  const ofCandidate = weight * stable.length;
  const divisor = gcd(ofStable, ofCandidate);
  return [
    ...stable.map((backend) => ({ ...backend, weight: ofStable / divisor })),
    ...candidate.map((backend) => ({ ...backend, weight: ofCandidate / divisor })),
  ];
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** Running stable replicas; the unhealthy among them only while there is no better one. */
function stableServing(record: RolloutRecord, observed: Observed, service: string): readonly ObservedContainer[] {
  if (record.stable === null) return [];
  const slots = isScale(record) ? (record.stable.services[service]?.replicas ?? 0) : undefined;
  return serving(replicasIn(observed, record.stable, service).slice(0, slots));
}

/** Ready candidate replicas that have not failed, up to the number wanted. */
function candidateServing(record: RolloutRecord, observed: Observed, service: string): readonly ObservedContainer[] {
  const all = replicasIn(observed, record.candidate, service);
  const wanted = all.slice(0, record.candidate.services[service]?.replicas ?? 0);
  return wanted.filter(
    (c) => (isOld(record, c) || record.ready[c.id] !== undefined) && !isCounted(record, c.id) && c.state === 'running',
  );
}

/** A replica that a scale found there and left alone. */
function isOld(record: RolloutRecord, container: ObservedContainer): boolean {
  return isScale(record) && container.createdAt < record.acceptedAt;
}

/** The containers that should get traffic among running ones: all that are not unhealthy, or all if none is. */
export function serving(containers: readonly ObservedContainer[]): readonly ObservedContainer[] {
  const running = containers.filter((c) => c.state === 'running');
  const healthy = running.filter((c) => c.health !== 'unhealthy');
  return healthy.length > 0 ? healthy : running;
}

/** True if the proxy does exactly what is wanted, as far as it can express it. */
export function routesMatch(reading: RouterReading, wanted: readonly RouteState[]): boolean {
  if (reading.kind === 'unreadable' || reading.routes.length !== wanted.length) return false;
  return wanted.every((route) => {
    const read = reading.routes.find((r) => r.service === route.service);
    return (
      read !== undefined &&
      read.host === route.host &&
      read.path === route.path &&
      sameShares(read.backends, route.backends, reading.parts)
    );
  });
}

function sameShares(read: readonly Backend[], wanted: readonly Backend[], parts: number | null): boolean {
  if (read.length !== wanted.length) return false;
  const tolerance = parts === null ? 1e-9 : 1 / parts;
  const readShares = shares(read);
  return [...shares(wanted)].every(([key, share]) => {
    const other = readShares.get(key);
    return other !== undefined && Math.abs(other - share) < tolerance;
  });
}

function shares(backends: readonly Backend[]): Map<string, number> {
  const total = backends.reduce((sum, backend) => sum + backend.weight, 0);
  return new Map(backends.map((b) => [`${b.container}:${String(b.port)}`, b.weight / total]));
}

/** Percent of a route's traffic that a set of containers gets by the proxy's own word. */
export function shareOf(route: RouteState, names: ReadonlySet<string>): number {
  const total = route.backends.reduce((sum, backend) => sum + backend.weight, 0);
  if (total === 0) return 0;
  const part = route.backends.reduce((sum, b) => sum + (names.has(b.container) ? b.weight : 0), 0);
  return Math.round((part / total) * 1000) / 10;
}

/** Replicas of the routed services of a side that get no traffic by these routes. */
export function unrouted(
  containers: readonly ObservedContainer[],
  routes: readonly RouteState[],
): readonly ObservedContainer[] {
  const routed = new Set(routes.flatMap((route) => route.backends.map((backend) => backend.container)));
  return containers.filter((container) => !routed.has(container.name));
}

/** True if a side has a service that receives traffic through the proxy. */
export function hasRoutes(side: Side | null): boolean {
  return side !== null && Object.values(side.services).some((service) => service.route !== null);
}
