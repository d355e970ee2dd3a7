import type { RouteState } from '../../../core/observed.ts';

/** A path with what is served there: by one route, or by several that hosts tell apart. */
export interface Location<R extends RouteState = RouteState> {
  readonly path: string | null;
  /** Serves a host that none of the others names; null if nobody does. */
  readonly fallback: R | null;
  /** Later ones win. */
  readonly hosts: readonly { readonly host: string; readonly route: R }[];
}

/**
 * What nginx does at each path of any route. It takes the longest path, whatever the host, so that a path has to know
 * the routes of shorter paths on other hosts too. A route with a host goes before one without, as with Caddy.
 */
export function locations<R extends RouteState>(routes: readonly R[]): readonly Location<R>[] {
  const paths = [...new Set(routes.map(({ path }) => path))];
  const hosts = [...new Set(routes.flatMap(({ host }) => host ?? []))].toSorted(wildcardsFirst);
  return paths.map((path) => ({
    path,
    fallback: best(routes, path, ({ host }) => host === null),
    hosts: hosts.flatMap((host) => {
      const route = best(routes, path, (candidate) => serves(candidate.host, host));
      return route === null ? [] : [{ host, route }];
    }),
  }));
}

/** The route with the longest path that covers this one. */
function best<R extends RouteState>(routes: readonly R[], path: string | null, fits: (route: R) => boolean): R | null {
  const fitting = routes.filter((route) => fits(route) && covers(route.path, path));
  return fitting.toSorted((a, b) => (b.path?.length ?? 0) - (a.path?.length ?? 0))[0] ?? null;
}

function covers(outer: string | null, inner: string | null): boolean {
  return outer === null || outer === inner || inner?.startsWith(`${outer}/`) === true;
}

/** True if requests for `host` belong to a route of `routeHost`. */
function serves(routeHost: string | null, host: string): boolean {
  if (routeHost === null) return false;
  return routeHost === host || (routeHost.startsWith('*.') && parentOf(host) === routeHost.slice(2));
}

function parentOf(host: string): string {
  return host.slice(host.indexOf('.') + 1);
}

function wildcardsFirst(a: string, b: string): number {
  return Number(b.startsWith('*.')) - Number(a.startsWith('*.')) || (a < b ? -1 : 1);
}
