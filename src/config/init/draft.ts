import { posix } from 'node:path';
import { COLORS, type Color } from '../../core/color.ts';
import { withKey, withKeyBeside, withScalar, type Edited } from '../compose-text.ts';
import { Sources, type KeyPath } from '../sources.ts';
import { pathText } from '../findings.ts';
import type { Change, InitInput, Proposal } from './proposal.ts';

/** A proposal in the making: files as they would be, with the reason of each change. */
export class Draft {
  readonly notes: string[] = [];
  readonly byHand: string[] = [];
  readonly next: string[] = [];
  readonly #before = new Map<string, string | null>();
  readonly #after = new Map<string, string>();
  readonly #changes: Change[] = [];
  readonly #compose: readonly string[];
  readonly #overlays: Readonly<Record<Color, string>>;

  constructor({ files, overlays, directory }: InitInput) {
    this.#compose = files.map(({ path }) => path);
    const folder = posix.dirname(files[0]?.path ?? posix.join(directory, 'compose.yml'));
    const place = (color: Color): string => overlays[color]?.path ?? posix.join(folder, `compose.${color}.yml`);
    this.#overlays = { blue: place('blue'), green: place('green') };
    for (const file of [...files, ...COLORS.flatMap((color) => overlays[color] ?? [])]) this.add(file.path, file.text);
  }

  /** A file that may be changed. */
  add(path: string, text: string): void {
    this.#before.set(path, text);
    this.#after.set(path, text);
  }

  /** The file of a color, which may not be there yet. */
  overlay(color: Color): string {
    return this.#overlays[color];
  }

  /** The last compose file that gives a key; else the first one that has its service; null if none does. */
  fileWith(path: KeyPath): string | null {
    const giving = (wanted: KeyPath) => this.#compose.findLast((file) => this.#sources(file).gives(wanted)) ?? null;
    // What a second file says of a service is mostly for one machine.
    const service = path.slice(0, 2);
    return giving(path) ?? this.#compose.find((file) => this.#sources(file).gives(service)) ?? null;
  }

  /** True if some compose file says something at this path. */
  gives(path: KeyPath): boolean {
    return this.#compose.some((file) => this.#sources(file).gives(path));
  }

  /** The text of a scalar as a person wrote it; null if there is none. */
  scalar(path: KeyPath): string | null {
    const file = this.#compose.findLast((each) => this.#sources(each).scalar(path) !== null);
    return file === undefined ? null : this.#sources(file).scalar(path);
  }

  /** The items of a list as a person wrote them; mappings by their `target`. */
  list(path: KeyPath): readonly string[] {
    const file = this.fileWith(path);
    const items: string[] = [];
    if (file === null) return items;
    const sources = this.#sources(file);
    const item = (index: number) => sources.scalar([...path, index]) ?? sources.scalar([...path, index, 'target']);
    for (let next = item(0); next !== null; next = item(items.length)) items.push(next);
    return items;
  }

  text(file: string): string | null {
    return this.#after.get(file) ?? null;
  }

  /** Makes a change, or says how a person makes it. */
  edit(file: string | null, reason: string, change: (text: string) => Edited, byHand: string): void {
    const text = file === null ? null : this.text(file);
    const edited = text === null ? null : change(text);
    if (file === null || edited === null) this.byHand.push(`${byHand} (${reason})`);
    else this.write(file, edited, reason);
  }

  /** Gives a scalar of a service another value, in the file or anchor that it comes from. */
  setScalar(path: KeyPath, value: string, reason: string): void {
    const file = this.fileWith(path);
    this.edit(file, reason, (text) => withScalar(text, path, value), `write ${pathText(path)}: ${value}`);
  }

  /** Adds a key to a service, where another one of its keys stands: in an anchor, it is for all who take that from there. */
  addBeside(service: string, other: string, key: string, value: unknown, reason: string): void {
    if (this.gives(['services', service, key])) return;
    const file = this.fileWith(['services', service, other]);
    const said = `write ${key}: ${shown(value)} into ${service}`;
    this.edit(file, reason, (text) => withKeyBeside(text, ['services', service], other, key, value), said);
  }

  /** Sets a key of a mapping in a service, or at top level: adds the mapping if there is none. */
  set(path: KeyPath, key: string, value: unknown, reason: string): void {
    const file = path.length < 2 ? this.#main(path) : this.fileWith(path);
    const said = `write ${pathText([...path, key])}: ${shown(value)}`;
    this.edit(file, reason, (text) => this.#withSetting(text, path, key, value), said);
  }

  #main(path: KeyPath): string | null {
    return this.#compose.find((file) => this.#sources(file).gives(path)) ?? this.#compose[0] ?? null;
  }

  #withSetting(text: string, path: KeyPath, key: string, value: unknown): Edited {
    const isThere = (wanted: KeyPath) => new Sources([{ path: '', text }]).gives(wanted);
    const depth = path.findIndex((_, index) => !isThere(path.slice(0, index + 1)));
    if (depth < 0) return withKey(text, path, key, value);
    const [top = key, ...inner] = path.slice(depth);
    const nested = [...inner, key].reduceRight<unknown>((held, each) => ({ [each]: held }), value);
    return withKey(text, path.slice(0, depth), String(top), nested);
  }

  /** A file as a whole. */
  write(file: string, text: string, ...reasons: readonly string[]): void {
    if (this.text(file) === text) return;
    if (!this.#before.has(file)) this.#before.set(file, null);
    this.#after.set(file, text);
    for (const reason of reasons)
      if (!this.#changes.some((each) => each.file === file && each.reason === reason))
        this.#changes.push({ file, reason });
  }

  proposal(): Proposal {
    const files = [...this.#after].map(([file, after]) => ({ file, before: this.#before.get(file) ?? null, after }));
    const { notes, byHand, next } = this;
    return {
      notes,
      byHand,
      next,
      changes: this.#changes,
      files: files.filter(({ before, after }) => before !== after),
    };
  }

  #sources(file: string): Sources {
    return new Sources([{ path: file, text: this.text(file) ?? '' }]);
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
