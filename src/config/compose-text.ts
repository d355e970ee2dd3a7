import {
  Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  visit,
  type Node,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { KeyPath } from './sources.ts';

/**
 * Edits of a compose file as its author wrote it: each changes the lines of one key, and every other byte stays as it is.
 * One that cannot be made without writing more of the file anew answers null.
 */
export type Edited = string | null;

const INDENT = 2;

/** Gives a scalar another value, where it stands: in an anchor, it is the value for all who take it from there. */
export function withScalar(text: string, path: KeyPath, value: string): Edited {
  const node = found(documentOf(text), path)?.value;
  const range = rangeOf(node);
  if (!isScalar(node) || range === null || node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED') return null;
  return text.slice(0, range[0]) + quotedLike(node.type, value) + text.slice(range[1]);
}

function quotedLike(type: string | undefined, value: string): string {
  if (type === 'QUOTE_DOUBLE') return JSON.stringify(value);
  return type === 'QUOTE_SINGLE' ? `'${value.replaceAll("'", "''")}'` : value;
}

/**
 * Adds a key as the last one of a mapping; an empty path is the file itself. Not to a mapping that others take over by
 * its anchor: it would be theirs, too.
 */
export function withKey(text: string, path: KeyPath, key: string, value: unknown): Edited {
  const document = documentOf(text);
  const map = path.length === 0 ? document.contents : own(document, path)?.value;
  if (!isMap(map) || isTakenOver(text, map)) return null;
  const isSparse = path.length === 0 || /\n[ \t]*\r?\n/.test(textOf(text, map));
  return withKeyIn(text, map, key, value, path.length < 2 && isSparse);
}

function isTakenOver(text: string, { anchor }: YAMLMap): boolean {
  return anchor !== undefined && new RegExp(`\\*${anchor}(?![\\w-])`).test(text);
}

function textOf(text: string, node: Node): string {
  return text.slice(startOf(node), endOf(node));
}

function withKeyIn(text: string, map: YAMLMap, key: string, value: unknown, isApart = false): Edited {
  if (map.flow === true) return inFlow(text, map, flowText({ [key]: value }).slice(1, -1));
  const column = columnOf(text, startOf(map.items[0]?.key));
  return withLines(text, endOf(map), (isApart ? '\n' : '') + blockText(key, value, column));
}

/** Adds a key to the mapping in which another one of it stands: to an anchor, where that comes from one. */
export function withKeyBeside(text: string, path: KeyPath, other: string, key: string, value: unknown): Edited {
  const map = found(documentOf(text), [...path, other])?.parent;
  return isMap(map) ? withKeyIn(text, map, key, value) : null;
}

/** Adds an item to a list. */
export function withItem(text: string, path: KeyPath, item: unknown): Edited {
  const list = own(documentOf(text), path)?.value;
  if (!isSeq(list) || list.items.length === 0) return null;
  if (list.flow === true) return inFlow(text, list, flowText([item]).slice(1, -1));
  const start = startOfLine(text, startOf(list.items[0]));
  const dash = text.indexOf('-', start) - start;
  return withLines(text, endOf(list), `${' '.repeat(dash)}- ${flowText(item)}\n`);
}

/** Takes a key with its value out, and leaves comments on lines of their own. */
export function withoutKey(text: string, path: KeyPath): Edited {
  const pair = own(documentOf(text), path);
  if (pair === null || pair.key === null) return null;
  if (isMap(pair.parent) && pair.parent.flow === true)
    return outOfFlow(text, pair.parent, pair.index, startOf(pair.key));
  return withoutLines(text, startOf(pair.key), endOf(pair.value ?? pair.key));
}

/** Takes one item out of a list; the key goes with the last one. */
export function withoutItem(text: string, path: KeyPath, index: number): Edited {
  const list = own(documentOf(text), path)?.value;
  if (!isSeq(list)) return null;
  if (list.items.length === 1) return withoutKey(text, path);
  const item = list.items[index];
  if (list.flow === true) return outOfFlow(text, list, index, startOf(item));
  return withoutLines(text, startOf(item), endOf(item));
}

/** Lines at the end of the line in which something ends. */
export function withLines(text: string, at: number, lines: string): string {
  const end = endOfLine(text, at);
  return withNewline(text.slice(0, end)) + inNewlinesOf(text, lines) + text.slice(end);
}

/** Lines with the ends that the others have. */
export function inNewlinesOf(text: string, lines: string): string {
  return text.includes('\r\n') ? lines.replaceAll(/\r?\n/g, '\r\n') : lines;
}

/** `key: value` in lines: a mapping a key a line, and what is in its values on one. */
export function blockText(key: string, value: unknown, column: number): string {
  const document = new Document({ [key]: value });
  visit(document, {
    Collection: (_, node, ancestors) => {
      if (ancestors.filter(isMap).length >= 2) node.flow = true;
    },
    Scalar: quoted,
  });
  const text = document.toString({ indent: INDENT, lineWidth: 0, flowCollectionPadding: false });
  return text.replace(/^(?=.)/gm, ' '.repeat(column));
}

/** `22:22` is a number to some readers; people quote such texts in lists. */
function quoted(_: unknown, node: Scalar, ancestors: readonly unknown[]): void {
  const isItem = !isPair(ancestors.at(-1));
  if (isItem && typeof node.value === 'string' && node.value.includes(':')) node.type = 'QUOTE_DOUBLE';
}

function flowText(value: unknown): string {
  const document = new Document(value, { version: '1.2' });
  visit(document, {
    Collection: (_, node) => {
      node.flow = true;
    },
    Scalar: quoted,
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false }).trimEnd();
}

function inFlow(text: string, list: YAMLMap | YAMLSeq, added: string): Edited {
  const [start, end] = rangeOf(list) ?? [0, 0];
  if (list.items.length === 0) return text.slice(0, start + 1) + added + text.slice(end - 1);
  const last = lastEnd(list);
  return `${text.slice(0, last)}, ${added}${text.slice(last)}`;
}

function outOfFlow(text: string, list: YAMLMap | YAMLSeq, index: number, start: number): string {
  const next = list.items[index + 1];
  if (next !== undefined) return text.slice(0, start) + text.slice(startOf(keyOrItem(next)));
  const comma = text.lastIndexOf(',', start);
  const [from] = rangeOf(list) ?? [0];
  return text.slice(0, index === 0 ? from + 1 : comma) + text.slice(lastEnd(list));
}

function withoutLines(text: string, start: number, end: number): string {
  return text.slice(0, startOfLine(text, start)) + text.slice(endOfLine(text, end));
}

interface Found {
  readonly key: unknown;
  readonly value: unknown;
  readonly parent: unknown;
  readonly index: number;
}

/** Compose's own tags (`!override`) are no news here. */
function documentOf(text: string): Document {
  return parseDocument(text, { logLevel: 'silent', strict: false });
}

/** Through aliases and merges. */
function found(document: Document, path: KeyPath): Found | null {
  return walk(document, path, true);
}

/** Only what stands there itself: what comes from an anchor belongs to others as well. */
function own(document: Document, path: KeyPath): Found | null {
  return walk(document, path, false);
}

function walk(document: Document, path: KeyPath, through: boolean): Found | null {
  let at: Found = { key: null, value: document.contents, parent: null, index: 0 };
  for (const key of path) {
    const next = child(document, at.value, key, through);
    if (next === null) return null;
    at = next;
  }
  return at;
}

function child(document: Document, value: unknown, key: string | number, through: boolean): Found | null {
  const node = through && isAlias(value) ? value.resolve(document) : value;
  if (isSeq(node)) {
    const item = node.items[Number(key)];
    return item === undefined ? null : { key: null, value: item, parent: node, index: Number(key) };
  }
  if (!isMap(node)) return null;
  const index = node.items.findIndex((each) => isScalar(each.key) && String(each.key.value) === String(key));
  const pair = node.items[index];
  if (pair !== undefined) return { key: pair.key, value: pair.value, parent: node, index };
  return through ? merged(document, node, key) : null;
}

function merged(document: Document, node: YAMLMap, key: string | number): Found | null {
  const merges = node.items.filter((pair) => isScalar(pair.key) && String(pair.key.value) === '<<');
  for (const { value } of merges)
    for (const base of isSeq(value) ? value.items : [value]) {
      const at = child(document, base, key, true);
      if (at !== null) return at;
    }
  return null;
}

function keyOrItem(item: unknown): unknown {
  return isPair(item) ? item.key : item;
}

function lastEnd(list: YAMLMap | YAMLSeq): number {
  const last: unknown = list.items.at(-1);
  return isPair(last) ? Math.max(endOf(last.key), endOf(last.value)) : endOf(last);
}

/** Where a node begins. */
export function startOf(node: unknown): number {
  return rangeOf(node)?.[0] ?? 0;
}

/** Where the last thing in a node ends; comments behind it are not its own. */
export function endOf(node: unknown): number {
  const isBlock = (isMap(node) || isSeq(node)) && node.flow !== true && node.items.length > 0;
  if (!isBlock) return rangeOf(node)?.[1] ?? 0;
  const last: unknown = node.items.at(-1);
  return isPair(last) ? Math.max(endOf(last.key), endOf(last.value)) : endOf(last);
}

function rangeOf(node: unknown): readonly [number, number, number] | null {
  return (node as Partial<Node> | null)?.range ?? null;
}

export function startOfLine(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

/** After the newline; a block ends with its own. */
export function endOfLine(text: string, at: number): number {
  if (text[at - 1] === '\n') return at;
  const next = text.indexOf('\n', at);
  return next < 0 ? text.length : next + 1;
}

export function columnOf(text: string, at: number): number {
  return at - startOfLine(text, at);
}

function withNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
