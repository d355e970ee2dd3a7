import type { Outcome } from '../../app/outcome.ts';
import type { Style } from '../style.ts';
import { planView } from './plan.ts';
import { clockTime, took } from './text.ts';

/** How a verb ended well: one line, and the plan of a dry run before it. */
export function outcomeView(outcome: Outcome, style: Style, width = 80): readonly string[] {
  const { paint, glyph } = style;
  const line = `${paint.green(glyph.done)} ${style.plain(outcome.message)}`;
  const time = outcome.durationMs > 0 && outcome.plan === null ? paint.dim(` (${took(outcome.durationMs)})`) : '';
  const plan = outcome.plan === null ? [] : [...planView(outcome.plan, width, style), ''];
  return [...plan, line + time, ...holdView(outcome, style)];
}

function holdView(outcome: Outcome, style: Style): readonly string[] {
  if (outcome.holdUntil === null) return [];
  const until = clockTime(outcome.holdUntil);
  return [style.paint.dim(`  the old version stays without traffic until ${until}, for an instant way back`)];
}
