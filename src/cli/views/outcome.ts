import type { Outcome } from '../../app/outcome.ts';
import type { Style } from '../style.ts';
import { clockTime, took } from './text.ts';

/** How a verb ended well: one line, and the plan of a dry run before it. */
export function outcomeView(outcome: Outcome, style: Style): readonly string[] {
  const { paint, glyph } = style;
  const line = `${paint.green(glyph.done)} ${style.plain(outcome.message)}`;
  const time = outcome.durationMs > 0 && outcome.state !== 'planned' ? paint.dim(` (${took(outcome.durationMs)})`) : '';
  return [...planView(outcome.plan, style), line + time, ...holdView(outcome, style)];
}

/** The steps of a plan, numbered. */
export function planView(plan: readonly string[], style: Style): readonly string[] {
  const width = String(plan.length).length;
  return plan.map((step, index) => `  ${String(index + 1).padStart(width)}. ${style.plain(step)}`);
}

function holdView(outcome: Outcome, style: Style): readonly string[] {
  if (outcome.holdUntil === null) return [];
  const until = clockTime(outcome.holdUntil);
  return [style.paint.dim(`  the old version stays without traffic until ${until}, for an instant way back`)];
}
