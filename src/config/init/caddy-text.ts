/** A directive of a Caddyfile, or a site, with its place in the text. */
export interface Segment {
  readonly words: readonly string[];
  /** Of its first line. */
  readonly start: number;
  /** Behind its last word or its closing brace. */
  readonly end: number;
  /** Null without braces. */
  readonly body: Body | null;
}

export interface Body {
  readonly segments: readonly Segment[];
  /** Behind the opening brace. */
  readonly start: number;
  /** Before the closing one. */
  readonly end: number;
}

interface Line {
  readonly words: readonly string[];
  readonly start: number;
  readonly end: number;
}

/** The segments of a Caddyfile; null if its braces do not match, or if it has texts of several lines. */
export function parseCaddyfile(text: string): Body | null {
  if (/<<\w|`[^`\n]*\n|\\\n/.test(text)) return null;
  const reader = { lines: linesOf(text), at: 0 };
  const segments = parseSegments(reader);
  return reader.at === reader.lines.length ? { segments, start: 0, end: text.length } : null;
}

// A `#` begins a comment at the begin of a word only.
const WORD = /"(?:\\.|[^"\\])*"|`[^`]*`|#.*|[^\s"`]\S*/g;

function linesOf(text: string): readonly Line[] {
  let at = 0;
  return text.split('\n').flatMap((line) => {
    const found = [...line.matchAll(WORD)];
    const comment = found.findIndex(({ 0: word }) => word.startsWith('#'));
    const words = comment < 0 ? found : found.slice(0, comment);
    const [first, last, base] = [words[0], words.at(-1), at];
    at += line.length + 1;
    if (first === undefined || last === undefined) return [];
    return [
      {
        words: words.map(({ 0: word }) => word.replace(/^(["`])(.*)\1$/, '$2')),
        start: base + first.index,
        end: base + last.index + last[0].length,
      },
    ];
  });
}

interface Reader {
  readonly lines: readonly Line[];
  at: number;
}

/** Until a closing brace, or the end. */
function parseSegments(reader: Reader): readonly Segment[] {
  const segments: Segment[] = [];
  for (let line = reader.lines[reader.at]; line !== undefined; line = reader.lines[reader.at]) {
    if (line.words[0] === '}') return segments;
    reader.at += 1;
    if (line.words.at(-1) !== '{') {
      segments.push({ ...line, body: null });
      continue;
    }
    const inner = parseSegments(reader);
    const closing = reader.lines[reader.at];
    // Left where it is: the end of the file is not reached then, which says that it does not match.
    if (closing?.words.length !== 1) return segments;
    reader.at += 1;
    const body = { segments: inner, start: line.end, end: closing.start };
    segments.push({ words: line.words.slice(0, -1), start: line.start, end: closing.end, body });
  }
  return segments;
}
