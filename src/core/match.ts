import type { Match } from './observed.ts';

/** No underscore: nginx drops such headers. */
const HEADER = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/;
const COOKIE = /^[A-Za-z0-9._-]+$/;
/** What can be seen and does not begin or end with a space, which would be taken off on its way. */
const HEADER_VALUE = /^[!-~](?:[ -~]*[!-~])?$/;
const COOKIE_VALUE = /^[!#-+\--:<-[\]-~]+$/;
/** Headers that a proxy does not keep among the others. */
const OWN_HEADERS = new Set(['host', 'cookie', 'connection', 'content-length', 'transfer-encoding']);
const LONGEST_NAME = 128;
const LONGEST_VALUE = 512;

/** Something about a match that no proxy can tell requests by, or that would break out of its configuration. */
export interface MatchFault {
  /** Of the key in the match; empty for all of it. */
  readonly path: readonly string[];
  readonly message: string;
}

/** Everything that is wrong with a match. */
export function matchFaults({ headers, cookies }: Match): readonly MatchFault[] {
  const none = Object.keys(headers).length + Object.keys(cookies).length === 0;
  return [
    ...(none ? [{ path: [], message: 'names neither a header nor a cookie, so that every request would match' }] : []),
    ...Object.entries(headers).flatMap(([name, value]) =>
      faultsAt(['headers', name], {
        name: isHeader(name) ? null : 'is no header that requests can be told by',
        value: fits(HEADER_VALUE, value, LONGEST_VALUE) ? null : 'is no value that a header can have',
      }),
    ),
    ...Object.entries(cookies).flatMap(([name, value]) =>
      faultsAt(['cookies', name], {
        name: isCookieName(name) ? null : 'is no name of a cookie',
        value: fits(COOKIE_VALUE, value, LONGEST_VALUE) ? null : 'is no value that a cookie can have',
      }),
    ),
  ];
}

function faultsAt(path: readonly string[], found: Readonly<Record<'name' | 'value', string | null>>): MatchFault[] {
  return [found.name, found.value].flatMap((message) => (message === null ? [] : [{ path, message }]));
}

function isHeader(name: string): boolean {
  return fits(HEADER, name, LONGEST_NAME) && !OWN_HEADERS.has(name.toLowerCase());
}

/** True for what may stand before `=` in a cookie, and in a proxy's configuration. */
export function isCookieName(name: string): boolean {
  return fits(COOKIE, name, LONGEST_NAME);
}

function fits(pattern: RegExp, text: string, longest: number): boolean {
  return text.length <= longest && pattern.test(text);
}

/** For people: `header x-canary=insider, cookie beta=1`. */
export function matchText({ headers, cookies }: Match): string {
  const pairs = (what: string, values: Readonly<Record<string, string>>): string[] =>
    Object.entries(values).map(([name, value]) => `${what} ${name}=${value}`);
  return [...pairs('header', headers), ...pairs('cookie', cookies)].join(', ');
}
