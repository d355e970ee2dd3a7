import type { RecordEvent } from '../../src/core/record.ts';
import type { TestProject } from './project.ts';
import { storeOf } from './state.ts';

/** Something that changed a rollout, in a few words, and when. */
export interface Told {
  readonly text: string;
  readonly at: number;
}

/** What changed the rollout that was accepted last, oldest first: as the journal has it, on every terminal the same. */
export async function told(project: TestProject): Promise<readonly Told[]> {
  const store = storeOf(project);
  const last = (await store.rollouts()).at(-1)?.id;
  const { entries } = await store.entries(null);
  return entries.flatMap((entry) => {
    const text = entry.kind === 'event' && entry.rollout === last ? textOf(entry.event) : null;
    return text === null ? [] : [{ text, at: entry.at }];
  });
}

/** The same without the times, and without a weight that is confirmed once more. */
export async function story(project: TestProject): Promise<readonly string[]> {
  const texts = (await told(project)).map(({ text }) => text);
  return texts.filter((text, index) => !text.startsWith('weight') || text !== texts[index - 1]);
}

function textOf(event: RecordEvent): string | null {
  switch (event.kind) {
    case 'state':
      return event.reason === undefined ? event.trigger : `${event.trigger}: ${event.reason}`;
    case 'weight-confirmed':
      return `weight ${String(event.weight)}`;
    case 'container-ready':
      return `ready ${event.service}${event.side === 'stable' ? ' (stable)' : ''}`;
    case 'container-failed':
      return `failed ${event.failure.service}`;
    case 'gate-entered':
      return 'gate';
    case 'gate-ended':
      return 'gate over';
    case 'measured':
      return `check ${event.run.split(' ').at(-1) ?? ''}: ${event.measurement.kind}`;
    default:
      return null;
  }
}
