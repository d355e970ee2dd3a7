import { type Followed, followedRoutes, toProbe, toRestart } from '../core/followed-routes.ts';
import type { Millis, ObservedContainer, RouteState } from '../core/observed.ts';
import { needsHost } from './hand-over.ts';
import { FOLLOWING, type Ports, type Router } from './ports.ts';
import { inSession, locate, type Location, type Session } from './session.ts';
import { refuseForeign, survey } from './state.ts';

/** What was done, and what is to come. */
export interface FollowedReplicas {
  /** The routes that the proxy was told; null if it knew. */
  readonly told: readonly RouteState[] | null;
  /** The name of a replica that was restarted. */
  readonly restarted: string | null;
  /** A replica is still on its way back. */
  readonly pending: boolean;
}

const NOTHING: FollowedReplicas = { told: null, restarted: null, pending: false };

/** Since when replicas wait to be restarted, by id: kept from look to look. */
export type Waiting = Map<string, Millis>;

/**
 * Tells the proxy of replicas of the live release that came or went while nothing is under way, and restarts one that is
 * unhealthy where its service wants that.
 * @throws locked if somebody has begun a rollout meanwhile
 */
export async function followReplicas(ports: Ports, project: string, waiting: Waiting): Promise<FollowedReplicas> {
  const location = await locate(ports, 'follow');
  const { proxy } = location;
  const newest = (await ports.store.releases()).at(-1);
  if (proxy.driver === 'none' || newest === undefined || needsHost(newest) !== null) return NOTHING;
  const router = ports.router({ spec: proxy, project });
  const seen = await look({ ports, project, router, replaced: location.replaced });
  const sick = toRestart(seen);
  const pending = toProbe(seen).length > 0 || sick !== null;
  const isDue = sick !== null && (await isDrained({ ports, router, seen, waiting }, sick));
  if (followedRoutes(seen) === null && !isDue) return { ...NOTHING, pending };
  return { ...(await act(ports, location, isDue)), pending };
}

interface Waited {
  readonly ports: Ports;
  readonly router: Router;
  readonly seen: Followed;
  readonly waiting: Waiting;
}

/** It holds no request any more, or has had the time for them that a deploy gives. */
async function isDrained({ ports, router, seen, waiting }: Waited, sick: ObservedContainer): Promise<boolean> {
  const now = ports.clock.now();
  const since = waiting.get(sick.id) ?? now;
  waiting.clear();
  waiting.set(sick.id, since);
  if (now >= since + (seen.release?.services[sick.service]?.drainTimeoutMs ?? 0)) return true;
  return (await router.inFlight([sick]))[sick.id] === 0;
}

/** Under the lock everything is looked at again. */
function act(
  ports: Ports,
  location: Location,
  restarts: boolean,
): Promise<Pick<FollowedReplicas, 'told' | 'restarted'>> {
  return inSession(ports, location, { verb: FOLLOWING, files: null }, async (session) => {
    const seen = await look(session);
    refuseForeign(seen.observed, session.storeId, false);
    const told = followedRoutes(seen);
    await session.lock.check();
    if (told !== null) await session.router.apply(told);
    // Who was left out just now may still hold requests: it is looked at again when the proxy says that it is out.
    const restarted = told === null && restarts ? await restart(session, seen) : null;
    return { told, restarted };
  });
}

/** Stopped as a deploy would stop it. */
async function restart({ ports, lock }: Session, seen: Followed): Promise<string | null> {
  const sick = toRestart(seen);
  const spec = sick === null ? undefined : seen.release?.services[sick.service];
  if (sick === null || spec === undefined) return null;
  await lock.check();
  await ports.engine.stop(sick.id, { graceMs: spec.stopGraceMs, preStop: spec.preStop });
  await ports.engine.start(sick.id);
  return sick.name;
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
