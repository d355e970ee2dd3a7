/** A directive of an nginx configuration, with its place in the text. */
export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  readonly start: number;
  /** Behind its `;` or `}`. */
  readonly end: number;
  /** Null without braces. */
  readonly block: Block | null;
}

export interface Block {
  readonly directives: readonly Directive[];
  /** Between the braces. */
  readonly start: number;
  readonly end: number;
  readonly hasComments: boolean;
}

type Token =
  | { readonly kind: 'word'; readonly text: string; readonly start: number; readonly end: number }
  | { readonly kind: '{' | '}' | ';' | '#'; readonly start: number; readonly end: number };

// A `${variable}` is a part of a word, a brace in any other place is not.
const TOKEN =
  /#[^\n]*|"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|[{};]|(?:\$\{[^}]*\}|\\[\s\S]|[^\s{};"'#]|(?<=\S)#)+|\S/g;

function* tokens(text: string): Generator<Token> {
  for (const { 0: found, index } of text.matchAll(TOKEN)) {
    const place = { start: index, end: index + found.length };
    if (found.startsWith('#')) yield { kind: '#', ...place };
    else if (found === '{' || found === '}' || found === ';') yield { kind: found, ...place };
    else yield { kind: 'word', text: found.replace(/^(["'])([\s\S]*)\1$/, '$2'), ...place };
  }
}

/** The directives of a file; null if its braces do not match, or if it is more than plain nginx (Lua). */
export function parseNginx(text: string): Block | null {
  if (/_by_lua_block\s*\{|js_content/.test(text)) return null;
  const all = [...tokens(text)];
  const parser = { all, at: 0 };
  const block = parseBlock(parser, 0, text.length);
  return parser.at === all.length ? block : null;
}

interface Parser {
  readonly all: readonly Token[];
  at: number;
}

/** Until its closing brace, or the end of the file. */
function parseBlock(parser: Parser, start: number, last: number): Block | null {
  const directives: Directive[] = [];
  let hasComments = false;
  for (let token = parser.all[parser.at]; token !== undefined; token = parser.all[parser.at]) {
    if (token.kind === '}') return { directives, start, end: token.start, hasComments };
    if (token.kind === '#') {
      hasComments = true;
      parser.at += 1;
      continue;
    }
    const directive = parseDirective(parser, last);
    if (directive === null) return null;
    directives.push(directive);
  }
  return start === 0 ? { directives, start, end: last, hasComments } : null;
}

function parseDirective(parser: Parser, last: number): Directive | null {
  const words: string[] = [];
  const start = parser.all[parser.at]?.start ?? 0;
  for (let token = parser.all[parser.at]; token !== undefined; token = parser.all[parser.at]) {
    parser.at += 1;
    if (token.kind === 'word') words.push(token.text);
    else if (token.kind === ';') return directive(words, start, token.end, null);
    else if (token.kind === '{') {
      const block = parseBlock(parser, token.end, last);
      const closing = parser.all[parser.at];
      if (block === null || closing?.kind !== '}') return null;
      parser.at += 1;
      return directive(words, start, closing.end, block);
    } else if (token.kind === '}') return null;
  }
  return null;
}

function directive(words: readonly string[], start: number, end: number, block: Block | null): Directive | null {
  const [name, ...args] = words;
  return name === undefined ? null : { name, args, start, end, block };
}

/** Every directive in a block with those that it stands in, outermost first. */
export function walk(block: Block, above: readonly Directive[] = []): readonly Placed[] {
  return block.directives.flatMap((each) => [
    { directive: each, above },
    ...(each.block === null ? [] : walk(each.block, [...above, each])),
  ]);
}

export interface Placed {
  readonly directive: Directive;
  readonly above: readonly Directive[];
}
