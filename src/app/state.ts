import { DeployError } from '../core/errors.ts';
import { type Evidence, foreignContainer } from '../core/disagreements.ts';
import { type Live, whoIsLive } from '../core/live.ts';
import type { Observed } from '../core/observed.ts';
import type { ProxySpec } from '../core/project.ts';
import type { RolloutRecord } from '../core/record.ts';
import type { Release } from '../core/release.ts';
import { observe, type Session } from './session.ts';

/** What is so before a verb decides: the engine's, the proxy's and the store's side of it. */
export interface Known {
  readonly observed: Observed;
  readonly records: readonly RolloutRecord[];
  readonly live: Live;
  readonly liveRelease: Release | null;
}

/** Looks at everything once. @throws state-unreadable */
export async function survey(session: Pick<Session, 'ports' | 'project' | 'router' | 'replaced'>): Promise<Known> {
  const { ports, project, router, replaced } = session;
  const [observed, records] = await Promise.all([observe(ports, project, router), ports.store.rollouts()]);
  const live = whoIsLive(observed, records, replaced);
  return { observed, records, live, liveRelease: await liveReleaseOf(session, live, observed, records) };
}

/** Looks at everything, and at whether it fits together. @throws state-unreadable */
export async function examine(place: Pick<Session, 'ports' | 'project' | 'router' | 'replaced'>): Promise<Evidence> {
  const { ports, project, router } = place;
  const [known, releases, store, tags, faults] = await Promise.all([
    survey(place),
    ports.store.releases(),
    ports.store.id(),
    ports.engine.pinnedTags(project),
    router.faults(),
  ]);
  return { ...known, releases, store, tags, faults };
}

/** The release that serves: by the last completed rollout, else by what the live containers say that they are of. */
async function liveReleaseOf(
  { ports, replaced }: Pick<Session, 'ports' | 'replaced'>,
  live: Live,
  observed: Observed,
  records: readonly RolloutRecord[],
): Promise<Release | null> {
  if (live.kind === 'none' || live.kind === 'unclear') return null;
  const color = live.kind === 'color' ? live.color : null;
  const last = records.findLast((record) => record.state === 'completed');
  const mine = observed.containers.filter((c) => c.color === color && !c.oneOff && replaced.includes(c.service));
  const label = mine.find((c) => c.release !== null)?.release ?? null;
  const id = last?.candidate.color === color ? last.candidate.release : label;
  return id === null ? null : ports.store.release(id);
}

/** Refuses to decide on contradicting evidence. @throws not-possible */
export function requireClear(live: Live): void {
  if (live.kind === 'unclear') {
    throw new DeployError('not-possible', {
      what: `it is not clear which version serves: ${live.reason}`,
      next: 'stop the color that should not serve, then run the command again',
    });
  }
}

/**
 * What serves gets its requests from the proxy that it was deployed behind. Where that one still runs and today's files
 * name another, nobody could tell who of the old one's clients is still being answered.
 * @throws not-possible
 */
export function requireSameProxy({ observed, liveRelease }: Known, { service: now }: ProxySpec): void {
  const was = liveRelease?.proxy.service ?? null;
  if (was === null || was === now || liveRelease === null) return;
  if (!observed.containers.some((c) => c.service === was && c.color === null && c.state === 'running')) return;
  throw new DeployError('not-possible', {
    what: `${was} still sends requests to ${liveRelease.version}, and the compose files name another proxy: ${now ?? 'one on the host'}`,
    next: `with the files as they were: docker-deploy-bg reset; then let the new proxy take over its ports, remove ${was}, and deploy`,
  });
}

/** Traffic cannot be moved by a proxy that does not run, and a deploy alone starts one. @throws proxy-unreachable */
export function requireProxy({ observed: { router } }: Pick<Known, 'observed'>): void {
  if (router.kind === 'routes' || router.code !== 'proxy-unreachable') return;
  throw new DeployError('proxy-unreachable', {
    what: `the traffic cannot be moved: ${router.reason}`,
    serves: 'nothing was changed',
    next: router.cure,
  });
}

/** Colors of another checkout belong to it. @throws foreign-store unless they are taken over */
export function refuseForeign(observed: Observed, store: string, takeOver: boolean): void {
  const foreign = foreignContainer({ observed, store });
  if (foreign === undefined || takeOver) return;
  throw new DeployError('foreign-store', {
    what: `${foreign.name} was deployed from another checkout of this project`,
    serves: 'what runs goes on to serve; nothing was changed',
  });
}
