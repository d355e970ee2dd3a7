import type { CellResult } from './cell.ts';

const COLUMNS = [
  'strategy',
  'proxy',
  'services',
  'verb',
  'fault',
  'points',
  'requests',
  'excused',
  'failed',
  'broken',
  'ended in',
] as const;
type Row = Readonly<Record<(typeof COLUMNS)[number], string>>;

/** The results as a table with a line of totals. */
export function table(results: readonly CellResult[]): string {
  const rows = [Object.fromEntries(COLUMNS.map((name) => [name, name])) as Row, ...results.map(rowOf)];
  const widths = COLUMNS.map((name) => Math.max(...rows.map((row) => row[name].length)));
  const lines = rows.map((row) =>
    COLUMNS.map((name, index) => row[name].padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n${totals(results)}`;
}

/** Excused: who held them died, or nobody was there to ask. */
function rowOf({ cell, points, requests, excused, failed, broken, ends }: CellResult): Row {
  return {
    strategy: cell.kind.strategy,
    proxy: cell.kind.proxy,
    services: String(cell.kind.services),
    verb: cell.verb,
    fault: cell.fault,
    points: String(points),
    requests: String(requests),
    excused: String(excused),
    failed: String(failed),
    broken: String(broken.length),
    'ended in': Object.entries(ends)
      .map(([end, times]) => `${String(times)} × ${end}`)
      .join(', '),
  };
}

/** `212 points, 48311 requests, 0 failed, 0 broken`. */
export function totals(results: readonly CellResult[]): string {
  const sum = (of: (result: CellResult) => number): string =>
    String(results.reduce((all, result) => all + of(result), 0));
  const requests = `${sum((r) => r.requests)} requests, ${sum((r) => r.failed)} failed`;
  return `${sum((r) => r.points)} points, ${requests}, ${sum((r) => r.broken.length)} broken`;
}
