const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const PART = /(\d+(?:\.\d+)?)(us|ms|s|m|h)/gy;

/**
 * Milliseconds of a Compose duration (`1m30s`, `250ms`; compose-spec 11, "Specifying durations").
 * `0` needs no unit. Null for anything else, negative and unit-less values included.
 */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0;
  let total = 0;
  let end = 0;
  for (const match of text.matchAll(PART)) {
    total += Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0);
    end = match.index + match[0].length;
  }
  return end > 0 && end === text.length ? total : null;
}

/** For people: `350 ms`, `4.2 s`, `1m30s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${String(Math.round(ms))} ms`;
  if (ms < 60_000) return `${String(Math.round(ms / 100) / 10)} s`;
  const seconds = Math.round(ms / 1000);
  const rest = seconds % 60;
  return `${String(Math.floor(seconds / 60))}m${rest === 0 ? '' : `${String(rest)}s`}`;
}
