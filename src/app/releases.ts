import { looseTags } from '../core/leftovers.ts';
import { releasesInUse } from '../core/releases-stack.ts';
import type { RolloutRecord } from '../core/record.ts';
import type { Release } from '../core/release.ts';
import type { Ports } from './ports.ts';
import type { Session } from './session.ts';
import { survey } from './state.ts';

/** Removing the last tag of an image deletes it: each release keeps one of its own. */
export async function pin(ports: Ports, release: Release): Promise<void> {
  for (const service of Object.values(release.services)) await ports.engine.tag(service.imageId, service.pinnedImage);
}

/**
 * Forgets the releases that no way back leads to within `history`, with their tags; never the live one, never one of
 * a rollout that has not ended or that a container still runs.
 */
export async function forgetOldReleases(session: Session, history: number): Promise<readonly Release[]> {
  const { ports } = session;
  const inUse = new Set(releasesInUse(await ports.store.rollouts(), history));
  const beyond = (await ports.store.releases()).filter(({ id }) => !inUse.has(id));
  if (beyond.length === 0) return [];
  const { observed, liveRelease } = await survey(session);
  const needed = new Set([liveRelease?.id ?? null, ...observed.containers.map((c) => c.release)]);
  const old = beyond.filter(({ id }) => !needed.has(id));
  for (const release of old) await forget(ports, release);
  return old;
}

/** Whoever runs a rollout to its end leaves nothing behind that nobody needs. */
export async function forgetAfter(session: Session, { stable }: RolloutRecord, history: number): Promise<void> {
  await forgetOldReleases(session, history);
  if ((stable?.release ?? null) === null) await forgetLooseTags(session);
}

/** What releases leave whose folders were removed by somebody else: where no release was known that served, it is looked for. */
async function forgetLooseTags({ ports, project }: Session): Promise<void> {
  const [releases, tags] = await Promise.all([ports.store.releases(), ports.engine.pinnedTags(project)]);
  for (const tag of looseTags(releases, tags)) await ports.engine.untag(tag);
}

/** Its tags, then its folder. */
export async function forget(ports: Ports, release: Release): Promise<void> {
  for (const service of Object.values(release.services)) await ports.engine.untag(service.pinnedImage);
  await ports.store.removeRelease(release.id);
}
