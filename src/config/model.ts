import type { ComposeModel } from '../core/project.ts';

/** Any mapping of a Compose model. */
export type Mapping = Readonly<Record<string, unknown>>;

/** A service as `docker compose config` prints it: normalized, `$` still escaped as `$$`. */
export type ServiceModel = Mapping;

/** True for a mapping; null, lists and scalars are none. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value as a mapping; empty for anything else. */
export function mapping(value: unknown): Mapping {
  return isMapping(value) ? value : {};
}

/** The value as a list; empty for anything else. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The strings of a list; empty for anything else. */
export function strings(value: unknown): readonly string[] {
  return list(value).filter((item) => typeof item === 'string');
}

/** The value if it is a string that is not empty. */
export function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The services of a model by name. */
export function servicesOf(model: ComposeModel): Readonly<Record<string, ServiceModel>> {
  return mapValues(mapping(model['services']), mapping);
}

/** A service of a model; empty if there is none of this name. */
export function serviceOf(model: ComposeModel, name: string): ServiceModel {
  return mapping(mapping(model['services'])[name]);
}

/** The same keys with other values. */
export function mapValues<T, U>(record: Readonly<Record<string, T>>, change: (value: T, key: string) => U) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));
}

/** The mapping without these keys. */
export function without(value: Mapping, ...keys: readonly string[]): Mapping {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}

/** The entry, or none if its value is undefined or an empty list: absent and empty mean the same to Compose then. */
export function entry(key: string, value: unknown): Mapping {
  const absent = value === undefined || (Array.isArray(value) && value.length === 0);
  return absent ? {} : { [key]: value };
}

/** An entry of a mapping. */
export type Entry = readonly [key: string, value: unknown];

/** What the container sees of a string that Compose will interpolate: `$$` is one `$`. */
export function unescaped(value: string): string {
  return value.replaceAll('$$', '$');
}

/** The same for every string of a value. */
export function unescapedAll(value: unknown): unknown {
  if (typeof value === 'string') return unescaped(value);
  if (Array.isArray(value)) return value.map(unescapedAll);
  return isMapping(value) ? mapValues(value, unescapedAll) : value;
}

/** A string that Compose's interpolation gives back as it is. */
export function escaped(value: string): string {
  return value.replaceAll('$', '$$$$');
}

/** One text for equal values, whatever the order of their keys. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isMapping(value)) return JSON.stringify(value ?? null);
  const keys = Object.keys(value).toSorted();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
}
