import type { CleanupResult } from '../../app/cleanup.ts';
import type { Style } from '../style.ts';
import { wrap } from './text.ts';

/** What was removed, or would be. */
export function cleanupView(
  { removed }: Pick<CleanupResult, 'removed'>,
  dryRun: boolean,
  width: number,
  style: Style,
): readonly string[] {
  if (removed.length === 0) return [`${style.paint.green(style.glyph.done)} nothing is left over`];
  const verb = dryRun ? 'would remove' : 'removed';
  return removed.flatMap(({ kind, name, why }) =>
    wrap(style.plain(`${verb} ${kind} ${name}: ${why}`), width - 4).map((line, index) =>
      index === 0 ? line : `    ${line}`,
    ),
  );
}
