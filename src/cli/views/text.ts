import { formatDuration } from '../../core/duration.ts';
import type { Millis } from '../../core/observed.ts';

/** At most that many signs of a line; a cut is shown. */
export function cut(text: string, width: number, ellipsis: string): string {
  const signs = Array.from(text);
  if (signs.length <= width) return text;
  return signs.slice(0, Math.max(0, width - ellipsis.length)).join('') + ellipsis;
}

/** The same from the other end: of an image reference the tag matters most. */
export function cutStart(text: string, width: number, ellipsis: string): string {
  const signs = Array.from(text);
  if (signs.length <= width) return text;
  return ellipsis + signs.slice(signs.length - Math.max(0, width - ellipsis.length)).join('');
}

/** Signs of a text as a terminal counts them; everything that is shown here is one column wide. */
export function widthOf(text: string): number {
  return Array.from(text).length;
}

/** Wall clock of a moment: `14:03:07`. */
export function clockTime(at: Millis): string {
  return new Date(at).toTimeString().slice(0, 8);
}

/** Whole seconds, so that a running clock is calm: `7 s`, `1m05s`. */
export function elapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${String(seconds)} s`;
  return `${String(Math.floor(seconds / 60))}m${String(seconds % 60).padStart(2, '0')}s`;
}

/** Wall clock of a moment of any day: `2026-01-02 14:03:07`. */
export function dateTime(at: Millis): string {
  const day = new Date(at);
  const parts = [day.getFullYear(), day.getMonth() + 1, day.getDate()];
  return `${parts.map((part) => String(part).padStart(2, '0')).join('-')} ${clockTime(at)}`;
}

/** How long ago, in the largest unit that fits: `42s`, `3m`, `5h`, `12d`. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${String(seconds)}s`;
  if (seconds < 3600) return `${String(Math.floor(seconds / 60))}m`;
  if (seconds < 86_400 * 2) return `${String(Math.floor(seconds / 3600))}h`;
  return `${String(Math.floor(seconds / 86_400))}d`;
}

/** A time that was measured: `350 ms`, `4.2 s`. */
export function took(ms: number): string {
  return formatDuration(ms);
}

/** Words of a text on as many lines as the width asks for; a longer word has its own line. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || widthOf(last) + 1 + widthOf(word) > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
