import type { Style } from '../style.ts';
import { wrap } from './text.ts';

/** Lines with an empty one before them; nothing for none. */
export function section(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}

const LABEL_WIDTH = 9;

/** Lines of the form `proxy    caddy`, with the text in one column. */
export function fact(
  label: string,
  text: string,
  width: number,
  style: Style,
  labelWidth = LABEL_WIDTH,
): readonly string[] {
  return wrap(style.plain(text), width - labelWidth).map(
    (line, index) => style.paint.dim((index === 0 ? label : '').padEnd(labelWidth)) + line,
  );
}

/** A text behind a sign. */
export function bullet(sign: string, text: string, width: number, style: Style): readonly string[] {
  const indent = sign.length + 3;
  return wrap(style.plain(text), width - indent).map(
    (line, index) => (index === 0 ? `  ${sign} ` : ' '.repeat(indent)) + line,
  );
}
