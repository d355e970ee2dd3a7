import { type Live, releaseSide } from './live.ts';
import { liveRoutes } from './live-routes.ts';
import type { Observed, ObservedContainer, ProbeReading, RouteState } from './observed.ts';
import type { Release } from './release.ts';
import { serving } from './routing.ts';
import { replicasIn } from './sides.ts';
import { routed } from './strategies/bring-in.ts';

/** What `followedRoutes` is decided by. */
export interface Followed {
  readonly observed: Observed;
  readonly live: Live;
  readonly release: Release | null;
}

/**
 * What the proxy has to do for the live release, whose replicas come and go while nothing is under way: the ready ones
 * get the requests, and where none is, those that run, as it is with the last one.
 * @returns null where the proxy does so already, or cannot be asked
 */
export function followedRoutes({ observed, live, release }: Followed): readonly RouteState[] | null {
  const { router, probes } = observed;
  if (router.kind === 'unreadable' || release === null) return null;
  const wanted = liveRoutes(observed, live, release, (replicas, service) =>
    ready(replicas, release.services[service]?.route?.probe != null, probes),
  );
  if (wanted === null) return null;
  const now = new Map(router.routes.map(({ service, backends }) => [service, namesOf(backends)]));
  return wanted.every(({ service, backends }) => now.get(service) === namesOf(backends)) ? null : wanted;
}

/** Replicas that have to answer their probe before they come back: those that run, and that the proxy leaves out. */
export function toProbe({ observed, live, release }: Followed): readonly ObservedContainer[] {
  const { router } = observed;
  if (router.kind === 'unreadable' || release === null || live.kind === 'none' || live.kind === 'unclear') return [];
  const side = releaseSide(release, live.kind === 'color' ? live.color : null);
  const asked = new Set(router.routes.flatMap(({ backends }) => backends.map(({ container }) => container)));
  return routed(side)
    .filter((service) => side.services[service]?.route?.probe != null)
    .flatMap((service) => replicasIn(observed, side, service))
    .filter((c) => c.state === 'running' && !asked.has(c.name));
}

/**
 * A replica of the live release to be restarted now: unhealthy, of a service with `liveness: restart`, asked by nobody
 * (the proxy has left it out), and not the last one that serves.
 */
export function toRestart({ observed, live, release }: Followed): ObservedContainer | null {
  const { router } = observed;
  if (router.kind === 'unreadable' || release === null || live.kind === 'none' || live.kind === 'unclear') return null;
  const side = releaseSide(release, live.kind === 'color' ? live.color : null);
  const asked = new Set(router.routes.flatMap(({ backends }) => backends.map(({ container }) => container)));
  for (const { name, liveness } of Object.values(release.services)) {
    if (liveness !== 'restart') continue;
    const running = replicasIn(observed, side, name).filter((c) => c.state === 'running');
    const sick = running.find((c) => c.health === 'unhealthy' && !asked.has(c.name));
    if (sick !== undefined && running.some((c) => c.health === 'healthy')) return sick;
  }
  return null;
}

function namesOf(backends: RouteState['backends']): string {
  return backends
    .map(({ container }) => container)
    .toSorted()
    .join(' ');
}

/** One that the proxy asks already has answered once: only Docker's word takes it out. */
function ready(
  replicas: readonly ObservedContainer[],
  probed: boolean,
  probes: Readonly<Record<string, ProbeReading>>,
): readonly ObservedContainer[] {
  const good = replicas.filter((c) => {
    const healthy = c.health === 'healthy' || c.health === 'none';
    return c.state === 'running' && healthy && (!probed || probes[c.id]?.ok !== false);
  });
  return good.length > 0 ? good : serving(replicas);
}
