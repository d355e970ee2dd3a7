import { DeployError } from '../core/errors.ts';
import { type Live, whoIsLive } from '../core/live.ts';
import type { Observed } from '../core/observed.ts';
import type { RolloutRecord } from '../core/record.ts';
import type { Release } from '../core/release.ts';
import { observe, type Session } from './session.ts';
import type { Ports } from './ports.ts';

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
  return { observed, records, live, liveRelease: await liveReleaseOf(ports, live, observed, records) };
}

/** The release in the live color: by the last completed rollout, else by the label of its containers. */
async function liveReleaseOf(
  ports: Ports,
  live: Live,
  observed: Observed,
  records: readonly RolloutRecord[],
): Promise<Release | null> {
  if (live.kind !== 'color') return null;
  const last = records.findLast((record) => record.state === 'completed');
  const label = observed.containers.find((c) => c.color === live.color && !c.oneOff)?.release ?? null;
  const id = last?.candidate.color === live.color ? last.candidate.release : label;
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

/** Colors of another checkout belong to it. @throws foreign-store unless they are taken over */
export function refuseForeign(observed: Observed, store: string, takeOver: boolean): void {
  const foreign = observed.containers.find((c) => c.color !== null && c.store !== null && c.store !== store);
  if (foreign === undefined || takeOver) return;
  throw new DeployError('foreign-store', {
    what: `${foreign.name} was deployed from another checkout of this project`,
    serves: 'what runs goes on to serve; nothing was changed',
  });
}
