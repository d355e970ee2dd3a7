import type { Backend, RouteState } from '../../../core/observed.ts';
import { backendsText } from '../answer.ts';
import type { RenderedFile } from '../files.ts';
import { divisor } from '../routes.ts';
import { fill, fingerprint, type Template } from '../template.ts';
import type { NginxFeatures } from './features.ts';
import { locations, type Location } from './locations.ts';

export const HTTP_FILE = 'http.conf';
export const ROUTES_FILE = 'routes.conf';
/** Where nginx answers about itself; on a path that only the generated files know. */
export const READ_BACK_PORT = 8089;

/** Everything besides the routes that the generated configuration depends on. */
export interface NginxMeta {
  readonly project: string;
  /** Secret part of the read-back’s path. */
  readonly token: string;
  readonly features: NginxFeatures;
  readonly templates: { readonly http: Template; readonly routes: Template; readonly route: Template };
}

export interface NginxConfig {
  readonly files: readonly RenderedFile[];
  /** What the read-back answers once exactly these files are loaded. */
  readonly digest: string;
}

export function routeFile(service: string): string {
  return `route-${service}.conf`;
}

/** The generated configuration. Pure. */
export function renderNginx(routes: readonly RouteState[], meta: NginxMeta): NginxConfig {
  const body = (service: string | null, upstream: string, off: boolean): string =>
    fill(meta.templates.route, { project: meta.project, service, upstream, off }).trimEnd();
  const views = locations(routes).flatMap((location) => viewLocations(location, body));
  const files = [
    { file: ROUTES_FILE, content: fill(meta.templates.routes, { project: meta.project, locations: views }) },
    ...routes.map(({ service, backends }) => ({
      file: routeFile(service),
      content: `${body(service, upstreamName(service), backends.length === 0)}\n`,
    })),
  ];
  const http = (digest: string): string => fill(meta.templates.http, viewHttp(routes, meta, digest));
  const digest = fingerprint([http(''), ...files.map(({ content }) => content)]);
  return { digest, files: [{ file: HTTP_FILE, content: http(digest) }, ...files] };
}

function upstreamName(service: string): string {
  return `deploy-bg-${service}`;
}

function viewHttp(routes: readonly RouteState[], meta: NginxMeta, digest: string): object {
  const { project, token, features } = meta;
  const upstreams = routes
    .filter(({ backends }) => backends.length > 0)
    .map(({ service, backends }, index) => ({
      service,
      index,
      backends: inSmallNumbers(backends),
      // nginx listens on all of 127.0.0.0/8 with the one port it has; the address tells the upstreams apart.
      relay: `127.89.${Math.floor(index / 250)}.${(index % 250) + 1}:${READ_BACK_PORT}`,
      shares: shares(backends),
    }));
  const said = routes.map((route) => ({ ...route, said: backendsText(route.backends) }));
  return { project, token, features, digest, port: READ_BACK_PORT, upstreams, routes: said };
}

function inSmallNumbers(backends: readonly Backend[]): readonly Backend[] {
  const unit = backends.map(({ weight }) => weight).reduce(divisor, 0);
  return backends.map((backend) => ({ ...backend, weight: backend.weight / unit }));
}

/** Percentages for split_clients, which knows two digits and takes the last as the rest. */
function shares(backends: readonly Backend[]): readonly object[] {
  const total = backends.reduce((sum, { weight }) => sum + weight, 0);
  return backends.flatMap((backend, index) => {
    const percent = (Math.floor((backend.weight * 10_000) / total) / 100).toFixed(2);
    if (index === backends.length - 1) return [{ ...backend, share: '*' }];
    return percent === '0.00' ? [] : [{ ...backend, share: `${percent}%` }];
  });
}

type Body = (service: string | null, upstream: string, off: boolean) => string;

/** `/api` is `/api` and all below it, but not `/apis`: two locations. */
function viewLocations({ path, fallback, hosts }: Location, body: Body): readonly object[] {
  const matches = path === null ? ['/'] : [`= ${path}`, `${path}/`];
  const mapped = hosts.length > 0;
  const view = {
    mapped,
    fallback: target(fallback),
    hosts: hosts.map(({ host, route }) => ({ condition: condition(host), upstream: target(route) })),
    body: mapped
      ? body(null, '$deploy_bg_upstream', false)
      : body(fallback?.service ?? null, target(fallback), fallback?.backends.length === 0),
  };
  return matches.map((match) => ({ ...view, match }));
}

function target(route: RouteState | null): string {
  if (route === null) return 'none';
  return route.backends.length === 0 ? 'off' : upstreamName(route.service);
}

/** `$host` is in lower case; a wildcard stands for one label, as with Caddy. */
function condition(host: string): string {
  const name = host.toLowerCase();
  if (!name.startsWith('*.')) return `= "${name}"`;
  return `~ "^[^.]+${name.slice(1).replaceAll('.', '\\.')}$"`;
}
