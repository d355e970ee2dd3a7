import pc from 'picocolors';
import type { AnsiMode } from './globals.ts';
import type { Output } from './io.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface Glyphs {
  readonly done: string;
  readonly failed: string;
  readonly running: string;
  readonly todo: string;
  readonly warning: string;
  readonly arrow: string;
  readonly ellipsis: string;
}

const UNICODE: Glyphs = { done: '✔', failed: '✖', running: '●', todo: '○', warning: '!', arrow: '→', ellipsis: '…' };
const ASCII: Glyphs = { done: '+', failed: 'x', running: '*', todo: '-', warning: '!', arrow: '->', ellipsis: '~' };

/** What a terminal can show. */
export interface Style {
  readonly paint: ReturnType<typeof pc.createColors>;
  readonly glyph: Glyphs;
  /** The text as this terminal can show it. */
  readonly plain: (text: string) => string;
}

/** Colors and signs for an output. NO_COLOR and `--ansi never` take the colors away. */
export function styleFor(output: Output, env: Env, ansi: AnsiMode): Style {
  const unicode = hasUnicode(env);
  return {
    paint: pc.createColors(hasColor(output, env, ansi)),
    glyph: unicode ? UNICODE : ASCII,
    plain: unicode ? (text) => text : toAscii,
  };
}

/** For logs and tests: no colors, every sign. */
export const PLAIN_STYLE: Style = { paint: pc.createColors(false), glyph: UNICODE, plain: (text) => text };

function hasColor(output: Output, env: Env, ansi: AnsiMode): boolean {
  if (ansi !== 'auto') return ansi === 'always';
  return output.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

/** The locale says it; the kernel's own console has no such font. */
function hasUnicode(env: Env): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return /utf-?8/i.test(locale) && env['TERM'] !== 'linux';
}

const REPLACED: Readonly<Record<string, string>> = { '×': 'x', '→': '->', '…': '...', '’': "'", '–': '-', '·': '-' };

function toAscii(text: string): string {
  return text.replace(/[^\p{ASCII}]/gu, (sign) => REPLACED[sign] ?? '?');
}
