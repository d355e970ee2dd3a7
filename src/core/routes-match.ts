import type { Backend, Match, RouterReading, RouteState, Sticky } from './observed.ts';

/** True if the proxy does exactly what is wanted, as far as it can express it. */
export function routesMatch(reading: RouterReading, wanted: readonly RouteState[]): boolean {
  if (reading.kind === 'unreadable' || reading.routes.length !== wanted.length) return false;
  return wanted.every((route) => {
    const read = reading.routes.find((r) => r.service === route.service);
    return (
      read !== undefined &&
      read.host === route.host &&
      read.path === route.path &&
      sameShares(read.backends, route.backends, reading.parts) &&
      sameMatch(read, route) &&
      sameMirror(read.mirror, route.mirror) &&
      sameSticky(read.sticky, route.sticky)
    );
  });
}

function sameShares(read: readonly Backend[], wanted: readonly Backend[], parts: number | null): boolean {
  if (read.length !== wanted.length) return false;
  const tolerance = parts === null ? 1e-9 : 1 / parts;
  const readShares = shares(read);
  return [...shares(wanted)].every(([key, share]) => {
    const other = readShares.get(key);
    return other !== undefined && Math.abs(other - share) < tolerance;
  });
}

function sameMatch(read: RouteState, wanted: RouteState): boolean {
  if (read.matched === undefined || wanted.matched === undefined) return read.matched === wanted.matched;
  return (
    matchKey(read.matched.match) === matchKey(wanted.matched.match) &&
    sameShares(read.matched.backends, wanted.matched.backends, null)
  );
}

function sameMirror(read: RouteState['mirror'], wanted: RouteState['mirror']): boolean {
  if (read === undefined || wanted === undefined) return read === wanted;
  return read.percent === wanted.percent && sameShares(read.backends, wanted.backends, null);
}

function matchKey({ headers, cookies }: Match): string {
  return JSON.stringify([Object.entries(headers).toSorted(), Object.entries(cookies).toSorted()]);
}

/** Whose clients stay with whom: another key or other candidates sort the same clients otherwise. */
function sameSticky(read: Sticky | undefined, wanted: Sticky | undefined): boolean {
  if (read === undefined || wanted === undefined) return read === wanted;
  return stickyKey(read) === stickyKey(wanted);
}

function stickyKey({ cookie, maxAgeMs, key, candidates }: Sticky): string {
  return JSON.stringify([cookie, maxAgeMs, key, candidates.toSorted()]);
}

function shares(backends: readonly Backend[]): Map<string, number> {
  const total = backends.reduce((sum, backend) => sum + backend.weight, 0);
  return new Map(backends.map((b) => [`${b.container}:${String(b.port)}`, b.weight / total]));
}
