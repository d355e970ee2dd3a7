/** Characters that mean nothing to Caddy or nginx: what fits cannot break out of its place in their files. */
const HOST = /^(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
const PATH = /^\/[A-Za-z0-9._~/-]*$/;

/** DNS has no room for more. */
const LONGEST_HOST = 253;
const LONGEST_PATH = 1024;

/** True for a host name, also one with a wildcard for its first label. */
export function isRouteHost(host: string): boolean {
  return host.length <= LONGEST_HOST && HOST.test(host);
}

/** True for a path in its one form. */
export function isRoutePath(path: string): boolean {
  return path.length <= LONGEST_PATH && PATH.test(path);
}

/** `/api`, `/api/` and `/api/*` are the same; `/` is everything. */
export function normalPath(path: string | null): string | null {
  const bare = path?.replace(/\*$/, '').replace(/\/+$/, '');
  return bare === undefined || bare === '' ? null : bare;
}

/** For people, and equal for two routes that would get the same requests. */
export function routePlace({ host, path }: { readonly host: string | null; readonly path: string | null }): string {
  return `host ${host ?? '(any)'}, path ${normalPath(path) ?? '/'}`;
}
