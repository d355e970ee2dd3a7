import type { RolloutRecord } from '../../src/core/record.ts';
import type { Happened, LifeEvent } from './lives.ts';
import type { TestProject } from './project.ts';
import { storeOf } from './state.ts';

/** The rollout that was accepted last, as the store has it. */
export async function lastRollout(project: TestProject): Promise<RolloutRecord> {
  const last = (await storeOf(project).rollouts()).at(-1);
  if (last === undefined) throw new Error('there is no rollout');
  return last;
}

/** Running replicas of a service in place, by version. */
export async function counts(project: TestProject, service: string): Promise<Readonly<Record<string, number>>> {
  const found: Record<string, number> = {};
  for (const { image } of await project.replicas(service)) {
    const version = image.split(':').at(-1) ?? '';
    found[version] = (found[version] ?? 0) + 1;
  }
  return found;
}

/** Ids of the running replicas of a service, sorted. */
export async function replicaIds(project: TestProject, service: string): Promise<readonly string[]> {
  return (await project.replicas(service)).map((c) => c.id).sort();
}

/** What happened in its order, events of some kinds only: `create v2`. */
export function order(happened: readonly Happened[], ...kinds: readonly LifeEvent[]): readonly string[] {
  return happened.filter(({ what }) => kinds.includes(what)).map(({ what, version }) => `${what} ${version}`);
}
