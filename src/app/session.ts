import { DeployError } from '../core/errors.ts';
import type { Millis, Observed } from '../core/observed.ts';
import type { NotifyTarget } from '../core/notify.ts';
import { isOnHost, type Project, type ProxySpec } from '../core/project.ts';
import { secretsIn } from '../core/secrets.ts';
import type { Release } from '../core/release.ts';
import type { Checker } from './check-ports.ts';
import { guarded, withoutSecrets } from './guard.ts';
import { FOLLOWING, type FrozenRelease, type Lock, type Ports, type Router, type Store } from './ports.ts';
import type { Side } from '../core/record.ts';
import { placeOf } from '../core/sides.ts';
import type { Services } from '../core/disagreements.ts';
import { sharedNames } from '../core/snapshot.ts';

/** A project under the hands of one verb: everything that a rollout's actions need. */
export interface Session extends View {
  readonly lock: Lock;
  /** Today's compose files; null for verbs that work from frozen releases only. */
  readonly files: Project | null;
  /** Stay and watch at a pause that only a person can end. */
  readonly attach: boolean;
}

/** A project as somebody sees it who changes nothing. */
export interface View {
  readonly ports: Ports;
  readonly project: string;
  readonly router: Router;
  readonly storeId: string;
  /** Replaced services by name, to tell them from shared ones. */
  readonly replaced: readonly string[];
  readonly directory: string;
  readonly checker: Checker;
  /** Texts that stand in no message, event or journal. */
  readonly secrets: readonly string[];
}

/** Where a project is and what is known of it without asking the engine. */
export interface Location {
  readonly project: string;
  readonly directory: string;
  readonly proxy: ProxySpec;
  readonly replaced: readonly string[];
  readonly shared: readonly string[];
  readonly history: number;
  /** Whom to tell. */
  readonly notify: readonly NotifyTarget[];
  readonly secrets: readonly string[];
}

/** From today's compose files. */
export function locationOf(project: Project): Location {
  const specs = Object.values(project.services);
  return {
    project: project.name,
    directory: project.directory,
    proxy: project.proxy,
    replaced: specs.filter((s) => s.placement !== 'shared').map((s) => s.name),
    shared: sharedNames(project),
    history: project.history,
    notify: project.notify,
    secrets: secretsIn(project),
  };
}

/** From a stored release: works without today's compose files, and without waiting for Compose to read them. */
export function locationOfRelease(release: Release): Location {
  return {
    project: release.project,
    directory: release.directory,
    proxy: release.proxy,
    replaced: Object.keys(release.services),
    shared: release.shared,
    history: release.history,
    notify: release.notify,
    secrets: secretsIn(release),
  };
}

/** Its services by what deploys do to them. */
export function servicesOf({ replaced, shared, proxy }: Pick<Location, 'replaced' | 'shared' | 'proxy'>): Services {
  return { replaced, shared, proxy: proxy.service, hostProxy: isOnHost(proxy) };
}

/** Today's compose files, read for the version that was deployed last: for what does not depend on the version. */
export async function readToday({ store, compose }: Pick<Ports, 'store' | 'compose'>): Promise<Project> {
  return compose.read((await store.releases()).at(-1)?.version ?? 'latest');
}

/** The newest release that is known, else today's compose files. */
export async function locate(ports: Ports, version: string): Promise<Location> {
  const newest = (await ports.store.releases()).at(-1);
  return newest === undefined ? locationOf(await ports.compose.read(version)) : locationOfRelease(newest);
}

/**
 * Takes the lock for a verb, and gives it back whatever happens. What the verb says meanwhile reaches the receivers of
 * notices as well, and no secret is in it.
 */
export async function inSession<T>(
  ports: Ports,
  location: Location,
  about: About,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const lock = await lockFor(ports, about);
  try {
    const { files, attach = false } = about;
    return await looking(ports, location, (view) => work({ ...view, lock, files, attach }));
  } finally {
    await lock.release();
  }
}

/** The same for what only looks, and keeps nobody from anything. */
export async function looking<T>(ports: Ports, location: Location, work: (view: View) => Promise<T>): Promise<T> {
  const secrets = await allSecrets(ports, location);
  const guard = guarded(ports, { ...location, secrets });
  const target = { spec: location.proxy, project: location.project };
  try {
    return await work({
      ports: guard.ports,
      project: location.project,
      router: ports.router(target),
      checker: ports.checker(target),
      secrets,
      storeId: await ports.store.id(),
      replaced: location.replaced,
      directory: location.directory,
    });
  } catch (error) {
    throw withoutSecrets(error, secrets);
  } finally {
    await guard.close();
  }
}

/** What takes the lock. */
interface About {
  readonly verb: string;
  readonly files: Project | null;
  readonly attach?: boolean;
  /** It has waited for the project since then, also before it came here. */
  readonly since?: Millis;
}

/** Longer than any proxy takes to be told. */
const FOLLOWED_WITHIN_MS = 20_000;
const LOOK_MS = 50;

/** @throws locked if somebody is at work for longer than a moment */
async function lockFor({ store, clock, who, emit }: Ports, { verb, since = clock.now() }: About): Promise<Lock> {
  const until = clock.now() + FOLLOWED_WITHIN_MS;
  for (;;) {
    try {
      const lock = await store.lock({ who, verb, since: clock.now() });
      emit({ kind: 'lock-taken', verb, waitedMs: clock.now() - since });
      return lock;
    } catch (error) {
      const isLocked = error instanceof DeployError && error.code === 'locked';
      if (!isLocked || clock.now() >= until || !(await isMomentary(store))) throw error;
      await clock.wait(LOOK_MS);
    }
  }
}

/** It may have ended since. */
async function isMomentary(store: Store): Promise<boolean> {
  const holder = await store.holder();
  return holder === null || holder.verb === FOLLOWING;
}

/** Also of the releases before: containers of theirs may fail, and be quoted, on the way back. */
async function allSecrets({ store, secrets }: Ports, location: Location): Promise<readonly string[]> {
  const earlier = await store.releases().catch(() => []);
  return [...new Set([...secrets, ...location.secrets, ...earlier.flatMap(secretsIn)])];
}

/** Everything that can be seen now. Probes, drains and attempts belong to a rollout and are empty here. */
export async function observe(ports: Ports, project: string, router: Router | null): Promise<Observed> {
  const [containers, reading, networks, color] = await Promise.all([
    ports.engine.containers(project),
    router === null ? { kind: 'unreadable' as const, reason: 'not asked' } : router.read(),
    ports.engine.composeProjectsWithNetworks([project, `${project}-blue`, `${project}-green`]),
    ports.store.color(),
  ]);
  return { containers, router: reading, networks, color, probes: {}, drains: {}, hook: null, attempts: {} };
}

/** What Compose needs to create containers of a service on a side, in its place there. @throws if the side is no release or its release is gone */
export async function frozen(
  session: View,
  side: Side,
  about: { readonly rollout: string; readonly service: string },
): Promise<FrozenRelease> {
  const release = side.release === null ? null : await session.ports.store.release(side.release);
  if (release === null) throw new Error(`release ${side.release ?? '(adopted containers)'} is not in the store`);
  return {
    release,
    color: placeOf(side, about.service),
    rollout: about.rollout,
    store: session.storeId,
    folder: session.ports.store.releaseFolder(release.id),
    projectDirectory: session.directory,
    shared: release.shared,
  };
}
