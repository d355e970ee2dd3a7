import { type Live, releaseSide } from './live.ts';
import { liveRoutes } from './live-routes.ts';
import type { Millis, Observed, ObservedContainer, RouteState } from './observed.ts';
import type { Side } from './record.ts';
import type { Release, ReleaseService } from './release.ts';
import { serving } from './routing.ts';
import { replicasIn } from './sides.ts';
import { routed } from './strategies/bring-in.ts';

/** What is decided by when replicas of the live release come and go, while nothing is under way. */
export interface Followed {
  readonly observed: Observed;
  readonly live: Live;
  readonly release: Release | null;
  readonly now: Millis;
}

/**
 * What the proxy has to do for the live release: the ready replicas get the requests. Where a service has none, those
 * stay that the proxy asks: nothing is better than them, and the last one is never left out.
 * One that has not loaded what it was told is told again whatever it does now.
 * @returns null where the proxy does so already, or cannot be asked
 */
export function followedRoutes(seen: Followed): readonly RouteState[] | null {
  const { observed, live, release } = seen;
  const { router } = observed;
  if (release === null) return null;
  if (router.kind === 'unreadable') return router.isUnsettled === true ? liveRoutes(observed, live, release) : null;
  const asked = askedNames(router.routes);
  const wanted = liveRoutes(observed, live, release, (replicas, name) => {
    const service = release.services[name];
    const good = service === undefined ? [] : replicas.filter((c) => isGood(c, service, asked, seen));
    const alive = replicas.filter((c) => asked.has(c.name) && c.state === 'running');
    const last = [good, alive, serving(replicas), replicas.filter((c) => asked.has(c.name))];
    return last.find((some) => some.length > 0) ?? [];
  });
  if (wanted === null) return null;
  const now = new Map(router.routes.map(({ service, backends }) => [service, namesOf(backends)]));
  return wanted.every(({ service, backends }) => now.get(service) === namesOf(backends)) ? null : wanted;
}

/** Replicas on their way back: they run, and the proxy leaves them out. */
export function comingBack({ observed, live, release }: Followed): readonly ObservedContainer[] {
  const { router } = observed;
  const side = sideOf(live, release);
  if (router.kind === 'unreadable' || side === null) return [];
  const asked = askedNames(router.routes);
  return routed(side)
    .flatMap((service) => replicasIn(observed, side, service))
    .filter((c) => c.state === 'running' && c.health !== 'unhealthy' && !asked.has(c.name));
}

/**
 * A replica of the live release to be restarted now: unhealthy, of a service with `liveness: restart`, asked by nobody
 * (the proxy has left it out), and not the last one that serves.
 */
export function toRestart({ observed, live, release }: Followed): ObservedContainer | null {
  const { router } = observed;
  const side = sideOf(live, release);
  if (router.kind === 'unreadable' || side === null || release === null) return null;
  const asked = askedNames(router.routes);
  for (const { name, liveness } of Object.values(release.services)) {
    if (liveness !== 'restart') continue;
    const running = replicasIn(observed, side, name).filter((c) => c.state === 'running');
    const sick = running.find((c) => c.health === 'unhealthy' && !asked.has(c.name));
    if (sick !== undefined && running.some((c) => c.health === 'healthy')) return sick;
  }
  return null;
}

function sideOf(live: Live, release: Release | null): Side | null {
  if (release === null || live.kind === 'none' || live.kind === 'unclear') return null;
  return releaseSide(release, live.kind === 'color' ? live.color : null);
}

function askedNames(routes: readonly RouteState[]): ReadonlySet<string> {
  return new Set(routes.flatMap(({ backends }) => backends.map(({ container }) => container)));
}

function namesOf(backends: RouteState['backends']): string {
  return backends
    .map(({ container }) => container)
    .toSorted()
    .join(' ');
}

/** One that the proxy asks has been ready: only Docker's word takes it out. One that comes back has to be it again. */
function isGood(
  container: ObservedContainer,
  { route, update, progressDeadlineMs }: ReleaseService,
  asked: ReadonlySet<string>,
  { observed, now }: Followed,
): boolean {
  const { id, name, state, health, startedAt } = container;
  if (state !== 'running' || health === 'unhealthy') return false;
  // An engine that outlived its containers (live-restore) says so of all of them, too: those have run for long.
  if (health === 'starting') return asked.has(name) && now >= (startedAt ?? now) + progressDeadlineMs;
  if (asked.has(name)) return true;
  if (route?.probe != null) return observed.probes[id]?.ok === true;
  return health === 'healthy' || now >= (startedAt ?? now) + update.monitorMs;
}
