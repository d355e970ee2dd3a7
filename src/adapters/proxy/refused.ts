import { isCookieName, matchFaults } from '../../core/match.ts';
import { isRouteHost, isRoutePath } from '../../core/route-place.ts';
import type { Backend, Match, RouteState, Sticky } from '../../core/observed.ts';
import type { Mirror } from './route-text.ts';

/** Characters that mean nothing to Caddy or nginx: a value that fits cannot break out of its place. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/** DNS has no room for more, so that a proxy could not resolve the name. */
const LONGEST_LABEL = 63;
const LONGEST_KEY = 128;
const HIGHEST_PORT = 65_535;
const HIGHEST_WEIGHT = 1_000_000;

/** What about a route must not get into a proxy's files, for people. */
export function refused(route: RouteState): string[] {
  const of = `route ${JSON.stringify(route.service)}`;
  return [
    ...(fits(NAME, route.service, LONGEST_LABEL * 2) ? [] : [`${of}: not a service name`]),
    ...(route.host === null || isRouteHost(route.host)
      ? []
      : [`${of}: not a host name: ${JSON.stringify(route.host)}`]),
    ...(route.path === null || isRoutePath(route.path)
      ? []
      : [`${of}: not a plain path: ${JSON.stringify(route.path)}`]),
    ...route.backends.flatMap((backend) => refusedBackend(of, backend)),
    ...(route.spare ?? []).flatMap((backend) => refusedBackend(`${of}, spare`, backend)),
    ...(route.matched?.backends ?? []).flatMap((backend) => refusedBackend(`${of}, matched`, backend)),
    ...(route.matched === undefined ? [] : refusedMatch(of, route.matched.match)),
    ...(route.mirror === undefined ? [] : refusedMirror(of, route.mirror)),
    ...(route.sticky === undefined ? [] : refusedSticky(of, route.sticky)),
  ];
}

function refusedMatch(of: string, match: Match): string[] {
  return matchFaults(match).map(({ path, message }) => `${of}: match ${[...path, message].join(' ')}`);
}

function refusedMirror(of: string, { percent, backends }: Mirror): string[] {
  return [
    ...(percent > 0 && percent <= 100 ? [] : [`${of}: not a share of requests to mirror: ${percent}`]),
    ...(backends.length > 0 ? [] : [`${of}: nobody to mirror requests to`]),
    ...backends.flatMap((backend) => refusedBackend(`${of}, mirror`, backend)),
  ];
}

function refusedSticky(of: string, { cookie, maxAgeMs, key, candidates }: Sticky): string[] {
  const strange = candidates.filter((container) => !NAME.test(container));
  return [
    ...(isCookieName(cookie) ? [] : [`${of}: not the name of a cookie: ${JSON.stringify(cookie)}`]),
    ...(Number.isInteger(maxAgeMs) && maxAgeMs >= 1000 ? [] : [`${of}: not the age of a cookie: ${maxAgeMs} ms`]),
    ...(fits(NAME, key, LONGEST_KEY) ? [] : [`${of}: not a key of a rollout: ${JSON.stringify(key)}`]),
    ...strange.map((container) => `${of}: not a container name: ${JSON.stringify(container)}`),
  ];
}

function refusedBackend(of: string, { container, port, weight }: Backend): string[] {
  const name = JSON.stringify(container);
  return [
    ...(NAME.test(container) ? [] : [`${of}: not a container name: ${name}`]),
    ...(container.split('.').every((label) => label.length <= LONGEST_LABEL)
      ? []
      : [`${of}: ${name} has more than ${LONGEST_LABEL} characters, which DNS cannot carry`]),
    ...(whole(port, HIGHEST_PORT) ? [] : [`${of}: not a port: ${port}`]),
    ...(whole(weight, HIGHEST_WEIGHT) ? [] : [`${of}: not a weight: ${weight}`]),
  ];
}

function fits(pattern: RegExp, text: string, longest: number): boolean {
  return text.length <= longest && pattern.test(text);
}

function whole(value: number, highest: number): boolean {
  return Number.isInteger(value) && value > 0 && value <= highest;
}
