import type { Backend, Match, Observed, ObservedContainer, RouteState } from './observed.ts';
import { isCounted } from './failure.ts';
import type { Route } from './project.ts';
import type { RolloutRecord, Side } from './record.ts';
import { isTogether, replicasOn } from './sides.ts';
import { leavingReplicas } from './slots.ts';

/** The backends of one service's route by side, with the route that shows them. */
interface Served {
  readonly stable: readonly Backend[];
  readonly candidate: readonly Backend[];
  /** The stable side, also what of it is about to leave. */
  readonly spare: readonly Backend[];
  readonly shown: Route | null;
}

/**
 * What the proxy has to do for the candidate to get `weight` percent of every route of the color group. A route of
 * one side only is there while that side gets traffic. Services in place have no weight: all that serve get the same.
 */
export function desiredRoutes(record: RolloutRecord, observed: Observed, weight: number): readonly RouteState[] {
  const names = new Set([...Object.keys(record.stable?.services ?? {}), ...Object.keys(record.candidate.services)]);
  const leaving = leavingReplicas(record, observed);
  return [...names].flatMap((name) => {
    const served = servedBy(record, observed, name, leaving);
    return isTogether(record, name) ? togetherRoute(record, name, served) : splitRoute(record, name, served, weight);
  });
}

function servedBy(record: RolloutRecord, observed: Observed, name: string, leaving: ReadonlySet<string>): Served {
  const stable = record.stable?.services[name]?.route ?? null;
  const candidate = record.candidate.services[name]?.route ?? null;
  const staying = (side: 'stable' | 'candidate') =>
    replicasOn(record, observed, side, name).filter((c) => !leaving.has(c.id));
  return {
    stable: stable === null ? [] : backendsOf(stableServing(record, staying('stable')), stable),
    candidate: candidate === null ? [] : backendsOf(candidateServing(record, staying('candidate')), candidate),
    spare:
      stable === null ? [] : backendsOf(stableServing(record, replicasOn(record, observed, 'stable', name)), stable),
    shown: stable ?? candidate,
  };
}

/** A service that the candidate does not have any more keeps its route as long as somebody serves it. */
function togetherRoute(record: RolloutRecord, service: string, { stable, candidate, shown }: Served): RouteState[] {
  const backends = [...stable, ...candidate];
  const route = record.candidate.services[service]?.route ?? (backends.length > 0 ? shown : null);
  return route === null ? [] : [{ service, host: route.host, path: route.path, backends }];
}

function splitRoute(
  record: RolloutRecord,
  service: string,
  { stable, candidate, spare, shown }: Served,
  weight: number,
): RouteState[] {
  const route = weight === 100 ? (record.candidate.services[service]?.route ?? null) : shown;
  if (route === null) return [];
  const backends = split(weight, stable, candidate);
  const apart = weight === 100 || candidate.length === 0 ? {} : besideShares(record, service, weight, candidate);
  return [
    {
      service,
      host: route.host,
      path: route.path,
      backends,
      ...apart,
      ...(weight === 100 && candidate.length > 0 && spare.length > 0 ? { spare } : {}),
      ...stickyOf(record, service, backends, candidate),
    },
  ];
}

/** What the candidate gets besides its share of the requests: those that match, and copies. */
function besideShares(
  record: RolloutRecord,
  service: string,
  weight: number,
  candidate: readonly Backend[],
): Pick<RouteState, 'matched' | 'mirror'> {
  const preview = weight === 0 ? previewNow(record)[service] : undefined;
  const match = matchNow(record) ?? preview ?? null;
  const percent = mirrorNow(record);
  return {
    ...(match === null ? {} : { matched: { match, backends: candidate } }),
    ...(percent === 0 ? {} : { mirror: { percent, backends: candidate } }),
  };
}

/** While one side serves alone the cookie means nothing, but the proxy knows it: splitting then needs no reload. */
function stickyOf(
  record: RolloutRecord,
  service: string,
  backends: readonly Backend[],
  candidate: readonly Backend[],
): Pick<RouteState, 'sticky'> {
  const sticky = (record.candidate.services[service] ?? record.stable?.services[service])?.sticky ?? null;
  if (sticky === null) return {};
  const serving = new Set(backends.map((backend) => backend.container));
  const candidates = candidate.map((backend) => backend.container).filter((name) => serving.has(name));
  return { sticky: { ...sticky, key: record.id, candidates } };
}

/** True if the candidate of the color group gets any requests by weight or by match. */
export function candidateGetsRequests(record: RolloutRecord): boolean {
  return (record.weight ?? 0) > 0 || matchNow(record) !== null;
}

/** The match that the last such step set; the way back has none. */
function matchNow({ steps, cursor }: RolloutRecord): Match | null {
  const last = steps.slice(0, cursor + 1).findLast((step) => step.kind === 'match');
  return last?.match ?? null;
}

/** By service: how people look at a candidate that has no traffic yet. */
export function previewNow({ steps, cursor }: RolloutRecord): Readonly<Record<string, Match>> {
  return steps.slice(0, cursor + 1).findLast((step) => step.kind === 'preview')?.matches ?? {};
}

/** The share of requests that the last such step has copied. */
function mirrorNow({ steps, cursor }: RolloutRecord): number {
  return steps.slice(0, cursor + 1).findLast((step) => step.kind === 'mirror')?.percent ?? 0;
}

function backendsOf(containers: readonly ObservedContainer[], route: Route): Backend[] {
  return containers.map((container) => ({ container: container.name, port: route.port, weight: 1 }));
}

/** Per replica: stable (100 − w)·candidates, candidate w·stables: exact shares, whatever the numbers of replicas. */
function split(weight: number, stable: readonly Backend[], candidate: readonly Backend[]): Backend[] {
  if (weight === 0 || candidate.length === 0) return [...stable];
  if (weight === 100 || stable.length === 0) return [...candidate];
  const [ofStable, ofCandidate] = wholeShares(weight, candidate.length, stable.length);
  return [
    ...stable.map((backend) => ({ ...backend, weight: ofStable })),
    ...candidate.map((backend) => ({ ...backend, weight: ofCandidate })),
  ];
}

/** Weights of two decimals at most (2.5 %) as the smallest whole numbers. */
function wholeShares(weight: number, candidates: number, stables: number): [number, number] {
  const ofStable = Math.round((100 - weight) * 100) * candidates;
  const ofCandidate = Math.round(weight * 100) * stables;
  const divisor = gcd(ofStable, ofCandidate);
  return [ofStable / divisor, ofCandidate / divisor];
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** Running stable replicas; the unhealthy among them only while there is no better one. */
function stableServing(record: RolloutRecord, replicas: readonly ObservedContainer[]): readonly ObservedContainer[] {
  const unproven = new Set(record.strays.filter(({ serves }) => !serves).map(({ id }) => id));
  return serving(replicas.filter((c) => !unproven.has(c.id)));
}

/** Ready candidate replicas that have not failed. */
function candidateServing(record: RolloutRecord, replicas: readonly ObservedContainer[]): readonly ObservedContainer[] {
  const proven = new Set(record.strays.filter(({ serves }) => serves).map(({ id }) => id));
  return replicas.filter(
    (c) => (record.ready[c.id] !== undefined || proven.has(c.id)) && !isCounted(record, c.id) && c.state === 'running',
  );
}

/** The containers that should get traffic among running ones: all that are not unhealthy, or all if none is. */
export function serving(containers: readonly ObservedContainer[]): readonly ObservedContainer[] {
  const running = containers.filter((c) => c.state === 'running');
  const healthy = running.filter((c) => c.health !== 'unhealthy');
  return healthy.length > 0 ? healthy : running;
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
