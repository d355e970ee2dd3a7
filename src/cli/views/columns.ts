import type { Style } from '../style.ts';
import { cut, cutStart, widthOf } from './text.ts';

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** Columns with the highest number go first where there is no room; 0 stays. */
  readonly drop: number;
  /** The least that a text may be cut to; left out: it is never cut. */
  readonly shrinkTo?: number;
  /** Which part stays when it is cut; left out: the beginning. */
  readonly keep?: 'end';
  readonly paint?: (row: Row, style: Style) => (text: string) => string;
}

const GAP = 2;

/** Rows under a heading, in columns; whatever the width, no line is longer. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number,
  style: Style,
): readonly string[] {
  const fitted = fit(measure(rows, columns, style), width);
  const heading = fitted.map(({ column, width: w }) => style.paint.dim(pad(column.title, w, column, style)));
  const line = (row: Row): string =>
    fitted
      .map(({ column, width: w }) => paintCell(row, column, pad(column.value(row), w, column, style), style))
      .join(gap);
  return [heading.join(gap), ...rows.map(line)].map((text) => text.trimEnd());
}

const gap = ' '.repeat(GAP);

interface Measured<Row> {
  readonly column: Column<Row>;
  readonly width: number;
}

function measure<Row>(rows: readonly Row[], columns: readonly Column<Row>[], style: Style): readonly Measured<Row>[] {
  const widest = (column: Column<Row>): number =>
    Math.max(widthOf(column.title), ...rows.map((row) => widthOf(style.plain(column.value(row)))));
  return columns.map((column) => ({ column, width: widest(column) }));
}

/** Cuts what may be cut, then leaves out columns, until everything fits. */
function fit<Row>(measured: readonly Measured<Row>[], width: number): readonly Measured<Row>[] {
  const over = measured.reduce((sum, m) => sum + m.width + GAP, -GAP) - width;
  if (over <= 0) return measured;
  const shrinkable = measured.find((m) => m.column.shrinkTo !== undefined && m.width - over >= m.column.shrinkTo);
  if (shrinkable) return measured.map((m) => (m === shrinkable ? { ...m, width: m.width - over } : m));
  const least = Math.max(...measured.map((m) => m.column.drop));
  return least === 0
    ? measured
    : fit(
        measured.filter((m) => m.column.drop !== least),
        width,
      );
}

function pad<Row>(text: string, width: number, column: Column<Row>, style: Style): string {
  const shown = (column.keep === 'end' ? cutStart : cut)(style.plain(text), width, style.glyph.ellipsis);
  const space = ' '.repeat(Math.max(0, width - widthOf(shown)));
  return column.align === 'right' ? space + shown : shown + space;
}

function paintCell<Row>(row: Row, column: Column<Row>, text: string, style: Style): string {
  return column.paint?.(row, style)(text) ?? text;
}
