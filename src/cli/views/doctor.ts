import { AREAS, type Finding } from '../../core/doctor.ts';
import type { Style } from '../style.ts';

/** A line for each finding, by what it is about; below it what to do. */
export function doctorView(findings: readonly Finding[], style: Style): readonly string[] {
  const width = Math.max(...AREAS.map((area) => area.length));
  const shown = AREAS.flatMap((area) => findings.filter((finding) => finding.area === area));
  return [...shown.flatMap((finding) => findingLines(finding, width, style)), summary(findings)];
}

function findingLines({ area, level, what, cure }: Finding, width: number, { glyph, paint, plain }: Style) {
  const sign = { ok: glyph.done, warning: glyph.warning, error: glyph.failed, skipped: glyph.todo }[level];
  const painted = { ok: paint.green, warning: paint.yellow, error: paint.red, skipped: paint.dim }[level];
  const line = `${painted(sign)} ${area.padEnd(width)}  ${plain(what)}`;
  return cure === null ? [line] : [line, `  ${' '.repeat(width)}  ${plain(`→ ${cure}`)}`];
}

function summary(findings: readonly Finding[]): string {
  const count = (level: Finding['level']): number => findings.filter((finding) => finding.level === level).length;
  const said = (n: number, word: string): string => `${String(n)} ${word}${n === 1 ? '' : 's'}`;
  return `${said(count('error'), 'error')}, ${said(count('warning'), 'warning')}`;
}
