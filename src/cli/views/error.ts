import type { ShownError } from '../shown-error.ts';
import type { Style } from '../style.ts';
import { widthOf, wrap } from './text.ts';

/** An error in its three parts: what happened, what still serves, what to do next. */
export function errorView(error: ShownError, style: Style, columns = 80): readonly string[] {
  const { paint, glyph } = style;
  const [first = '', ...rest] = wrap(style.plain(`${error.what} [${error.code}]`), columns - 2);
  return [
    paint.red(`${glyph.failed} ${paint.bold(first)}`),
    ...rest.map((line) => `  ${paint.red(paint.bold(line))}`),
    ...error.details.flatMap((detail) => detail.split('\n')).map((line) => paint.dim(style.plain(`    ${line}`))),
    ...part('serving:', error.serves, style, columns),
    ...part('next:', error.next, style, columns),
  ];
}

/** `  next:    text`, with the text in one column. */
function part(label: string, text: string | null, style: Style, columns: number): readonly string[] {
  if (text === null) return [];
  const indent = 11;
  const lines = wrap(style.plain(text), Math.max(20, columns - indent));
  return lines.map((line, index) => {
    const head = index === 0 ? `  ${label}` : '';
    return style.paint.bold(head) + ' '.repeat(indent - widthOf(head)) + line;
  });
}
