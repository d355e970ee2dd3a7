import type { CleanupItem, CleanupResult } from '../../app/cleanup.ts';
import type { Style } from '../style.ts';
import { wrap } from './text.ts';

/** What was removed and corrected, or would be. */
export function cleanupView(
  { removed, corrected }: Pick<CleanupResult, 'removed' | 'corrected'>,
  dryRun: boolean,
  width: number,
  style: Style,
): readonly string[] {
  if (removed.length + corrected.length === 0) return [`${style.paint.green(style.glyph.done)} nothing is left over`];
  const lines = (verb: string, items: readonly CleanupItem[]): readonly string[] =>
    items.map(({ kind, name, why }) => `${verb} ${kind} ${name}: ${why}`);
  const [correct, remove] = dryRun ? ['would correct', 'would remove'] : ['corrected', 'removed'];
  return [...lines(correct, corrected), ...lines(remove, removed)].flatMap((text) =>
    wrap(style.plain(text), width - 4).map((line, index) => (index === 0 ? line : `    ${line}`)),
  );
}
