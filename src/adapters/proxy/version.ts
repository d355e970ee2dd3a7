/** Compares as many numbers as `needed` has. */
export function olderThan(version: readonly number[], needed: readonly number[]): boolean {
  const first = needed.findIndex((number, index) => number !== version[index]);
  return first >= 0 && (version[first] ?? 0) < (needed[first] ?? 0);
}
