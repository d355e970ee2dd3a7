import { comingBack, type Followed, followedRoutes, toRestart } from '../core/followed-routes.ts';
import type { Millis, ObservedContainer, RouteState } from '../core/observed.ts';
import { needsHost } from './hand-over.ts';
import { FOLLOWING, type Ports, type Router } from './ports.ts';
import { inSession, type Location, locationOfRelease, type Session } from './session.ts';
import { isFinished } from './recover.ts';
import { type Known, refuseForeign, survey } from './state.ts';

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

/** What is known of replicas that are to be restarted, by id: kept from look to look. */
export type Waiting = Map<
  string,
  { readonly since: Millis | null; readonly restarts: number; readonly restartedAt: Millis }
>;

const UNKNOWN = { since: null, restarts: 0, restartedAt: 0 };
/** One that a restart does not mend is restarted ever more rarely. */
const RESTART_MS = 10_000;
const LONGEST_RESTART_MS = 600_000;

/**
 * Tells the proxy of replicas of the live release that came or went while nothing is under way, and restarts one that is
 * unhealthy where its service wants that.
 * @throws locked if somebody has begun a rollout meanwhile
 */
export async function followReplicas(ports: Ports, project: string, waiting: Waiting): Promise<FollowedReplicas> {
  const newest = (await ports.store.releases()).at(-1);
  if (newest === undefined || newest.proxy.driver === 'none' || needsHost(newest) !== null) return NOTHING;
  const location = locationOfRelease(newest);
  const { proxy } = location;
  const router = ports.router({ spec: proxy, project });
  const seen = await look({ ports, project, router, replaced: location.replaced });
  const sick = toRestart(seen);
  const pending = comingBack(seen).length > 0 || sick !== null;
  const isDue = sick !== null && (await isDrained({ ports, router, seen, waiting }, sick));
  const done = followedRoutes(seen) === null && !isDue ? NOTHING : await act(ports, location, isDue);
  remember(waiting, seen, done.restarted);
  return { ...done, pending };
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
  const known = waiting.get(sick.id) ?? UNKNOWN;
  const since = known.since ?? now;
  waiting.set(sick.id, { ...known, since });
  if (now < known.restartedAt + Math.min(LONGEST_RESTART_MS, RESTART_MS * 2 ** known.restarts)) return false;
  if (now >= since + (seen.release?.services[sick.service]?.drainTimeoutMs ?? 0)) return true;
  const isIdle = async (): Promise<boolean> => (await router.inFlight([sick]))[sick.id] === 0;
  if (!(await isIdle())) return false;
  await ports.clock.wait(router.readingsApartMs);
  return isIdle();
}

/** Who was restarted begins to wait anew; who is no longer there, or was well for long, is forgotten. */
function remember(waiting: Waiting, { observed, now }: Followed, restarted: string | null): void {
  for (const [id, known] of waiting) {
    const container = observed.containers.find((c) => c.id === id);
    if (container === undefined) waiting.delete(id);
    else if (container.name === restarted)
      waiting.set(id, { since: null, restarts: known.restarts + 1, restartedAt: now });
    else if (container.health !== 'unhealthy') {
      if (now > known.restartedAt + LONGEST_RESTART_MS) waiting.delete(id);
      else waiting.set(id, { ...known, since: null });
    }
  }
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

/** Others wait for the lock meanwhile. */
const GRACE_MS = 10_000;

/** In one call of the engine, which starts it again also if we die in the middle. */
async function restart({ ports, lock }: Session, seen: Followed): Promise<string | null> {
  const sick = toRestart(seen);
  if (sick === null) return null;
  const graceMs = Math.min(GRACE_MS, seen.release?.services[sick.service]?.stopGraceMs ?? 0);
  await lock.check();
  await ports.engine.restart(sick.id, graceMs);
  return sick.name;
}

/** Everything as it is, with the answers of those who want to come back. */
async function look(place: Pick<Session, 'ports' | 'project' | 'router' | 'replaced'>): Promise<Followed> {
  const { ports } = place;
  const known = await survey(place);
  const seen = { ...known, release: isServing(known) ? known.liveRelease : null, now: ports.clock.now() };
  const probes = await Promise.all(
    comingBack(seen).map(async (container) => {
      const spec = seen.release?.services[container.service]?.route?.probe;
      return [container.id, spec == null ? undefined : await ports.prober.probe(container, spec)] as const;
    }),
  );
  const answered = probes.flatMap(([id, reading]) => (reading === undefined ? [] : [[id, reading] as const]));
  return { ...seen, observed: { ...seen.observed, probes: Object.fromEntries(answered) } };
}

/**
 * What is live was brought in by a rollout that completed, and nothing is under way: a candidate that failed and is still
 * there is not routed, and a share that a rollout has set is not taken away.
 */
function isServing({ records, live, liveRelease }: Known): boolean {
  const last = records.at(-1);
  if (last === undefined || (!isFinished(last) && last.state !== 'completed')) return false;
  const completed = records.findLast(({ state }) => state === 'completed');
  const color = live.kind === 'color' ? live.color : null;
  return completed?.candidate.release === liveRelease?.id && completed?.candidate.color === color;
}
