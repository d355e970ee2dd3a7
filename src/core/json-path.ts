const PART = /(?:^|\.)([A-Za-z_$][\w$-]*)|\[(?:(\d+)|"([^"]*)"|'([^']*)')\]/gy;

/**
 * The keys and indexes of a path into JSON: `data.result[0].value`, `$.items["a.b"]`; `$` alone is the whole.
 * @returns null for what is no such path
 */
export function parseJsonPath(text: string): readonly (string | number)[] | null {
  const path = text.replace(/^\$\.?/, '');
  const keys: (string | number)[] = [];
  let end = 0;
  for (const match of path.matchAll(PART)) {
    const [whole, name, index, double, single] = match;
    keys.push(index === undefined ? (name ?? double ?? single ?? '') : Number(index));
    end = match.index + whole.length;
  }
  return end === path.length ? keys : null;
}

/** The value at a path; undefined if there is none. */
export function valueAt(json: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((value, key) => {
    if (typeof value !== 'object' || value === null) return undefined;
    return Object.hasOwn(value, key) ? (value as Record<string | number, unknown>)[key] : undefined;
  }, json);
}
