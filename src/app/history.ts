import { releaseStack } from '../core/releases-stack.ts';
import type { Ports } from './ports.ts';
import { rolloutView } from './status.ts';
import type { HistoryEntry, RolloutView } from './status-view.ts';

/** All rollouts that the journal knows, oldest first. */
export async function timeline(ports: Ports): Promise<readonly RolloutView[]> {
  return (await ports.store.rollouts()).map(rolloutView);
}

/** The releases that can be gone back to, newest first, with the rollouts to each. */
export async function history(ports: Ports): Promise<readonly HistoryEntry[]> {
  const [releases, records] = await Promise.all([ports.store.releases(), ports.store.rollouts()]);
  const live = releaseStack(records).at(-1);
  return releases
    .map((release) => ({
      release: release.id,
      version: release.version,
      createdAt: Date.parse(release.createdAt),
      live: release.id === live,
      rollouts: records
        .filter((record) => record.candidate.release === release.id)
        .map(({ id, verb, state, acceptedAt, endedAt, downMs }) => ({
          ...{ id, verb, state, startedAt: acceptedAt, endedAt, downMs },
        })),
    }))
    .reverse();
}
