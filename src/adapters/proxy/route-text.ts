import type { Backend, Match, RouteState, Sticky } from '../../core/observed.ts';

/** Requests that match, and who gets them. */
export type Matched = NonNullable<RouteState['matched']>;

/** How many of the requests are copied, and to whom. */
export type Mirror = NonNullable<RouteState['mirror']>;

/** Stands for "there is none" wherever a route is written down. */
export const NONE = 'none';

/** `shop-green-web-green-1:3000=1 …`, or `none`: exact, where slots can only be near. */
export function backendsText(backends: readonly Backend[]): string {
  const list = backends.map(({ container, port, weight }) => `${container}:${port}=${weight}`);
  return list.length === 0 ? NONE : list.join(' ');
}

/** The reverse of `backendsText`; null for anything else. */
export function parseBackends(text: string): readonly Backend[] | null {
  if (text === NONE) return [];
  const parts = text.split(' ').map((part) => /^([\w.-]+):(\d+)=(\d+)$/.exec(part));
  if (parts.some((part) => part === null)) return null;
  return parts.map((part) => ({ container: part?.[1] ?? '', port: Number(part?.[2]), weight: Number(part?.[3]) }));
}

/** `header:X-Canary=insider&cookie:beta=1 shop-green-web-green-1:3000=1 …`, or `none`. */
export function matchedText(matched: Matched | undefined): string {
  return matched === undefined ? NONE : `${matchText(matched.match)} ${backendsText(matched.backends)}`;
}

/** The reverse of `matchedText`; null for `none` and for anything else. */
export function parseMatched(text: string): Matched | null {
  const [first = '', ...rest] = text.split(' ');
  const match = parseMatch(first);
  const backends = parseBackends(rest.join(' '));
  return match === null || backends === null ? null : { match, backends };
}

/** `deploy-bg 86400000 release-2 shop-green-web-green-1,…`, or `none`. */
export function stickyText(sticky: Sticky | undefined): string {
  if (sticky === undefined) return NONE;
  return [sticky.cookie, sticky.maxAgeMs, sticky.key, sticky.candidates.join(',') || '-'].join(' ');
}

/** The reverse of `stickyText`; null for `none` and for anything else. */
export function parseSticky(text: string): Sticky | null {
  const [, cookie = '', maxAge = '', key = '', names = ''] = /^(\S+) (\d+) (\S+) (\S+)$/.exec(text) ?? [];
  if (cookie === '') return null;
  return { cookie, maxAgeMs: Number(maxAge), key, candidates: names === '-' ? [] : names.split(',') };
}

/** `25 shop-green-web-green-1:3000=1 …`, or `none`. */
export function mirrorText(mirror: Mirror | undefined): string {
  return mirror === undefined ? NONE : `${mirror.percent} ${backendsText(mirror.backends)}`;
}

/** The reverse of `mirrorText`; null for `none` and for anything else. */
export function parseMirror(text: string): Mirror | null {
  const [, percent, rest = ''] = /^(\d+(?:\.\d+)?) (.+)$/.exec(text) ?? [];
  const backends = percent === undefined ? null : parseBackends(rest);
  return backends === null ? null : { percent: Number(percent), backends };
}

/** A match in one order, whatever the order in which it was written down; values without characters that mean anything. */
export function matchText({ headers, cookies }: Match): string {
  const pairs = (kind: string, values: Readonly<Record<string, string>>): string[] =>
    Object.entries(values).map(([name, value]) => `${kind}:${name}=${encodeURIComponent(value)}`);
  return [...pairs('header', headers).toSorted(), ...pairs('cookie', cookies).toSorted()].join('&');
}

function parseMatch(text: string): Match | null {
  const parts = text.split('&').map((part) => /^(header|cookie):([^=]+)=((?:[^%]|%[0-7][0-9A-F])*)$/.exec(part));
  if (parts.some((part) => part === null)) return null;
  const values = (kind: string): Record<string, string> =>
    Object.fromEntries(
      parts.flatMap((part) => (part?.[1] === kind ? [[part[2] ?? '', decodeURIComponent(part[3] ?? '')]] : [])),
    );
  return { headers: values('header'), cookies: values('cookie') };
}
