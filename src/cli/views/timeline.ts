import type { RolloutView } from '../../app/status-view.ts';
import type { Millis } from '../../core/observed.ts';
import type { Style } from '../style.ts';
import { table, type Column } from './columns.ts';
import { stateText } from './rollout.ts';
import { dateTime, took } from './text.ts';

/** The rollouts one after the other: what each was, how it ended, how long it took, and why it ended so. */
export function timelineView(
  rollouts: readonly RolloutView[],
  now: Millis,
  width: number,
  style: Style,
): readonly string[] {
  if (rollouts.length === 0) return ['nothing has been deployed yet'];
  const columns: readonly Column<RolloutView>[] = [
    { title: '', value: (rollout) => signOf(rollout, style), drop: 0, paint: paintOf },
    { title: 'WHEN', value: ({ startedAt }) => dateTime(startedAt), drop: 0 },
    { title: 'ROLLOUT', value: nameOf, drop: 0, shrinkTo: 16 },
    { title: 'RESULT', value: ({ state }) => stateText(state), drop: 0, paint: paintOf },
    { title: 'TOOK', value: ({ startedAt, endedAt }) => took((endedAt ?? now) - startedAt), align: 'right', drop: 2 },
    { title: 'WHY', value: ({ message, downMs }) => whyOf(message, downMs), drop: 1, shrinkTo: 12 },
  ];
  return table(rollouts, columns, width, style);
}

function nameOf({ verb, from, to }: RolloutView): string {
  return [verb, [from, to].filter((version) => version !== null).join(' → ')].join(' ').trim();
}

function whyOf(message: string | null, downMs: Millis | null): string {
  return [message, downMs === null ? null : `${took(downMs)} without service`]
    .filter((part) => part !== null)
    .join('; ');
}

function signOf({ state, endedAt }: RolloutView, { glyph }: Style): string {
  if (state === 'completed') return glyph.done;
  return endedAt === null ? glyph.running : glyph.failed;
}

function paintOf({ state, endedAt }: RolloutView, { paint }: Style): (text: string) => string {
  if (state === 'completed') return paint.green;
  return endedAt === null ? paint.yellow : paint.red;
}
