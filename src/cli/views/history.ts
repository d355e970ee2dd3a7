import type { HistoryEntry } from '../../app/status-view.ts';
import type { Millis } from '../../core/observed.ts';
import type { Style } from '../style.ts';
import { table, type Column } from './columns.ts';
import { historyRolloutText } from './rollout.ts';
import { age } from './text.ts';

/** The releases that there are, the live one marked. */
export function historyView(
  entries: readonly HistoryEntry[],
  now: Millis,
  width: number,
  style: Style,
): readonly string[] {
  if (entries.length === 0) return ['nothing has been deployed yet'];
  const columns: readonly Column<HistoryEntry>[] = [
    { title: '', value: (entry) => (entry.live ? style.glyph.running : ' '), drop: 0, paint: paintLive },
    { title: 'VERSION', value: (entry) => entry.version, drop: 0, paint: paintLive },
    { title: 'RELEASE', value: (entry) => entry.release, drop: 0 },
    { title: 'CREATED', value: (entry) => `${age(now - entry.createdAt)} ago`, drop: 2 },
    { title: 'LAST ROLLOUT', value: (entry) => lastRollout(entry, now), drop: 1, shrinkTo: 16 },
  ];
  return table(entries, columns, width, style);
}

function paintLive(entry: HistoryEntry, { paint }: Style): (text: string) => string {
  return entry.live ? paint.green : (text) => text;
}

function lastRollout({ rollouts }: HistoryEntry, now: Millis): string {
  const last = rollouts.at(-1);
  return last === undefined ? '-' : historyRolloutText(last, now);
}
