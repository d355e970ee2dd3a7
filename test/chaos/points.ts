import type { JournalEntry } from '../../src/app/ports.ts';

/** One place where something happens to a command: a line of its journal, and whether that line is written already. */
export interface Point {
  /** What the line says, for people: `intent create`. */
  readonly what: string;
  /** Counted from 1; or the kind of an action, for the first intent of it. */
  readonly line: number | string;
  readonly moment: 'before' | 'after';
}

/**
 * After every line that a command writes, or the first of each sort, and before the first and before every result: an
 * effect comes between its intent and its result, and nothing between other lines. So these are all moments there are,
 * and a new kind of step is among them from its first day.
 */
export function pointsOf(entries: readonly JournalEntry[], all: boolean): readonly Point[] {
  const seen = new Set<string>();
  return entries.flatMap((entry, index) => {
    const what = sortOf(entry);
    if (!all && seen.has(what)) return [];
    seen.add(what);
    const line = index + 1;
    const after = { what, line, moment: 'after' } as const;
    return index === 0 || entry.kind === 'result' ? [{ what, line, moment: 'before' }, after] : [after];
  });
}

function sortOf(entry: JournalEntry): string {
  switch (entry.kind) {
    case 'event':
      return `event ${entry.event.kind}${entry.event.kind === 'state' ? ` ${entry.event.trigger}` : ''}`;
    case 'intent':
      return `intent ${entry.action.kind}`;
    case 'result':
      return `result ${entry.action}`;
    default:
      return entry.kind;
  }
}
