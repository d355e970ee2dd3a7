import type { JournalEntry } from '../../src/app/ports.ts';

/** One place where something happens to a command: a line of its journal, and whether that line is written already. */
export interface Point {
  /** What the line says, for people: `intent create`. */
  readonly what: string;
  /** Counted from 1. */
  readonly line: number;
  readonly moment: 'before' | 'after';
}

/**
 * Before and after every line that a command writes, or the first of each sort. An intent comes before its effect and a
 * result after it, so that these are all moments there are; a new kind of step is among them from its first day.
 */
export function pointsOf(entries: readonly JournalEntry[], all: boolean): readonly Point[] {
  const seen = new Set<string>();
  return entries.flatMap((entry, index) => {
    const what = sortOf(entry);
    if (!all && seen.has(what)) return [];
    seen.add(what);
    const line = index + 1;
    return [
      { what, line, moment: 'before' },
      { what, line, moment: 'after' },
    ] as const;
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
