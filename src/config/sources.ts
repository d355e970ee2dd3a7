import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';

/** Keys and list positions from the root of a compose file. */
export type KeyPath = readonly (string | number)[];

/** A compose file as the user wrote it. */
export interface SourceFile {
  /** As it is shown to people. */
  readonly path: string;
  readonly text: string;
}

/** Where a key stands in the user's files. */
export interface Place {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

interface Parsed {
  readonly path: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

interface Found {
  /** Byte offset of the key, or of the list item. */
  readonly offset: number | null;
  readonly value: unknown;
}

/**
 * The user's own compose files, to say where a key stands. Only for messages and for what Compose's output leaves
 * out (`monitor: 0s`): what the keys mean is Compose's business.
 */
export class Sources {
  readonly #files: readonly Parsed[];

  /** @param files in the order of their `-f`, overlays last; text that is not YAML is skipped: Compose reports it. */
  constructor(files: readonly SourceFile[]) {
    this.#files = files.map(parse).reverse();
  }

  /** The place of a key in the last file that has it; else of the nearest key above it; null if there is none. */
  locate(path: KeyPath): Place | null {
    for (let length = path.length; length > 0; length -= 1) {
      const place = this.#place(path.slice(0, length));
      if (place !== null) return place;
    }
    return null;
  }

  /** True if some file gives the key a value of its own that is not null. */
  gives(path: KeyPath): boolean {
    return this.#files.some((file) => {
      const value = find(file, path)?.value;
      return value !== undefined && value !== null && !(isScalar(value) && value.value === null);
    });
  }

  /** The text of a scalar in the last file that has it, before interpolation; null if there is none. */
  scalar(path: KeyPath): string | null {
    const values = this.#files.map((file) => find(file, path)?.value);
    const scalar = values.find((value) => isScalar(value) && value.value !== null);
    return isScalar(scalar) ? String(scalar.value) : null;
  }

  #place(path: KeyPath): Place | null {
    for (const file of this.#files) {
      const found = find(file, path);
      if (found !== null && found.offset !== null)
        return { file: file.path, line: file.lines.linePos(found.offset).line };
    }
    return null;
  }
}

/** The service names that a compose file, such as an overlay, speaks of. */
export function servicesNamedIn(file: SourceFile): readonly string[] {
  const services = find(parse(file), ['services'])?.value;
  if (!isMap(services)) return [];
  return services.items.map(({ key }) => (isScalar(key) ? String(key.value) : '')).filter((name) => name !== '');
}

/** Where a file is no YAML, as `compose.yml:3: why`: Compose itself names no file. */
export function syntaxErrors(file: SourceFile): readonly string[] {
  const { document, lines } = parse(file);
  return document.errors.map(({ pos, message }) => {
    const line = lines.linePos(pos[0]).line;
    return `${file.path}:${String(line)}: ${message.split(' at line ')[0] ?? message}`;
  });
}

function parse(file: SourceFile): Parsed {
  const lines = new LineCounter();
  // Compose's own tags (`!reset`) are no news here.
  const document = parseDocument(file.text, { lineCounter: lines, logLevel: 'silent', strict: false });
  return { path: file.path, document, lines };
}

function find(file: Parsed, path: KeyPath): Found | null {
  let found: Found = { offset: null, value: file.document.contents };
  for (const key of path) {
    const next = child(file.document, found.value, key);
    if (next === null) return null;
    found = next;
  }
  return found;
}

function child(document: Document, value: unknown, key: string | number): Found | null {
  const node = isAlias(value) ? value.resolve(document) : value;
  if (isSeq(node)) return item(node.items, key);
  if (!isMap(node)) return null;
  const pair = node.items.find((each) => isScalar(each.key) && String(each.key.value) === String(key));
  if (pair !== undefined && isScalar(pair.key)) return { offset: pair.key.range?.[0] ?? null, value: pair.value };
  return merged(document, node.items, key);
}

function item(items: readonly unknown[], key: string | number): Found | null {
  const value = items[Number(key)];
  if (value === undefined) return null;
  return { offset: offsetOf(value), value };
}

function offsetOf(node: unknown): number | null {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? (node.range?.[0] ?? null) : null;
}

function merged(
  document: Document,
  items: readonly { readonly key: unknown; readonly value: unknown }[],
  key: string | number,
): Found | null {
  for (const pair of items) {
    if (!isScalar(pair.key) || String(pair.key.value) !== '<<') continue;
    const bases = isSeq(pair.value) ? pair.value.items : [pair.value];
    for (const base of bases) {
      const found = child(document, base, key);
      if (found !== null) return found;
    }
  }
  return null;
}
