import { type Followed, followedRoutes, toProbe } from '../core/followed-routes.ts';
import type { RouteState } from '../core/observed.ts';
import { needsHost } from './hand-over.ts';
import { FOLLOWING, type Ports } from './ports.ts';
import { inSession, locate, type Location, type Session } from './session.ts';
import { refuseForeign, survey } from './state.ts';

/**
 * Tells the proxy of replicas of the live release that came or went while nothing is under way.
 * @returns the routes that it was told, null if it knew; and whether a replica is still on its way back
 * @throws locked if somebody has begun a rollout meanwhile
 */
export async function followReplicas(
  ports: Ports,
  project: string,
): Promise<{ readonly told: readonly RouteState[] | null; readonly pending: boolean }> {
  const location = await locate(ports, 'follow');
  const { proxy } = location;
  const newest = (await ports.store.releases()).at(-1);
  if (proxy.driver === 'none' || newest === undefined || needsHost(newest) !== null)
    return { told: null, pending: false };
  const router = ports.router({ spec: proxy, project });
  const seen = await look({ ports, project, router, replaced: location.replaced });
  const pending = toProbe(seen).length > 0;
  if (followedRoutes(seen) === null) return { told: null, pending };
  return { told: await tell(ports, location), pending };
}

/** Under the lock everything is looked at again. */
function tell(ports: Ports, location: Location): Promise<readonly RouteState[] | null> {
  return inSession(ports, location, { verb: FOLLOWING, files: null }, async (session) => {
    const seen = await look(session);
    refuseForeign(seen.observed, session.storeId, false);
    const routes = followedRoutes(seen);
    await session.lock.check();
    if (routes !== null) await session.router.apply(routes);
    return routes;
  });
}

/** Everything as it is, with the answers of those who want to come back. */
async function look(place: Pick<Session, 'ports' | 'project' | 'router' | 'replaced'>): Promise<Followed> {
  const { observed, live, liveRelease: release } = await survey(place);
  const seen = { observed, live, release };
  const probes = await Promise.all(
    toProbe(seen).map(async (container) => {
      const spec = release?.services[container.service]?.route?.probe;
      return [container.id, spec == null ? undefined : await place.ports.prober.probe(container, spec)] as const;
    }),
  );
  const answered = probes.flatMap(([id, reading]) => (reading === undefined ? [] : [[id, reading] as const]));
  return { ...seen, observed: { ...observed, probes: Object.fromEntries(answered) } };
}
