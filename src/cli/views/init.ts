import { createTwoFilesPatch } from 'diff';
import { relative } from 'node:path';
import type { FileChange, Proposal } from '../../config/init/proposal.ts';
import type { Style } from '../style.ts';
import { wrap } from './text.ts';

const WIDTH = 100;

/** What is proposed and why, with the differences, for people. */
export function proposalView(proposal: Proposal, cwd: string, style: Style): readonly string[] {
  const { notes, changes, files, byHand } = proposal;
  const shown = (file: string): string => relative(cwd, file);
  const within = (text: string): string => text.replaceAll(`${cwd}/`, '');
  const reasons = files.flatMap(({ file, before }) => [
    `  ${shown(file)}${before === null ? ' (new)' : ''}`,
    ...items(changes.filter((change) => change.file === file).map(({ reason }) => within(reason))),
  ]);
  const lines = [
    ...section('Found', items(notes.map(within)), style),
    ...section('Changes', reasons, style),
    ...files.flatMap((file) => differences(file, shown(file.file), style)),
    ...section('To be done by hand', items(byHand.map(within)), style),
  ];
  return lines.map(style.plain);
}

/** What there is to do once it is written. */
export function nextView({ next }: Proposal): readonly string[] {
  return ['next', ...items(next)];
}

function section(title: string, lines: readonly string[], { paint }: Style): readonly string[] {
  return lines.length === 0 ? [] : [paint.bold(title), ...lines, ''];
}

function items(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => wrap(text, WIDTH).map((line, index) => `${index === 0 ? '  - ' : '    '}${line}`));
}

function differences({ before, after }: FileChange, name: string, { paint }: Style): readonly string[] {
  const patch = createTwoFilesPatch(before === null ? '/dev/null' : `a/${name}`, `b/${name}`, before ?? '', after);
  const lines = patch.replace(/^=+\n/, '').trimEnd().split('\n');
  return [...lines.map((line) => painted(line, paint)), ''];
}

function painted(line: string, paint: Style['paint']): string {
  if (line.startsWith('+')) return paint.green(line);
  return line.startsWith('-') ? paint.red(line) : line;
}
