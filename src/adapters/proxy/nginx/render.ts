import type { RouteState } from '../../../core/observed.ts';
import type { RenderedFile } from '../files.ts';
import { backendsText, matchedText, mirrorText, stickyText } from '../route-text.ts';
import { fill, fingerprint, type Template } from '../template.ts';
import { NGINX_LOG_FORMAT } from './log-format.ts';
import type { NginxFeatures } from './features.ts';
import { LOG_INCLUDE_FILE, WINDOW_PATTERN } from './logging.ts';
import { locations, type Location } from './locations.ts';
import type { Endpoints } from './nginx.ts';
import { OVER_FOLDER } from './over.ts';
import { PAGES } from './own-pages.ts';
import { hostAddress, READ_BACK_PORT, RELAY_PORT } from './port.ts';

import {
  behindOf,
  DOOR,
  isChoice,
  type NamedRoute,
  nobodyOf,
  targetOf,
  sparesOf,
  type Upstream,
  upstreamsOf,
  viewBehind,
  viewChoice,
  viewCookie,
  viewDoor,
  viewMirror,
  NOBODY_ADDRESS,
  viewUpstreams,
  wordOf,
} from './upstreams.ts';

/** The link that the included files go through: all of them change in one rename. */
export const LIVE_LINK = 'live';
export const HTTP_FILE = 'http.conf';
export const ROUTES_FILE = 'routes.conf';
/** While it is there, the names of the version before mean that version. */
export const BEHIND_FILE = 'behind';

/** Everything besides the routes that the generated configuration depends on. */
export interface NginxMeta {
  readonly project: string;
  /** Folder of the generated files as nginx sees it. */
  readonly directory: string;
  /** Secret part of the read-back’s path. */
  readonly token: string;
  readonly features: NginxFeatures;
  /** Where an nginx on the machine reaches containers, which other projects have as well; null for one of its own. */
  readonly endpoints: Endpoints | null;
  readonly templates: Readonly<Record<'http' | 'log' | 'routes' | 'route', Template>>;
}

export interface NginxConfig {
  readonly files: readonly RenderedFile[];
  /** What the read-back answers once exactly these files are loaded. */
  readonly digest: string;
}

export function routeFile(service: string): string {
  return `route-${service}.conf`;
}

/** All files of some routes, in the order in which their fingerprint is made. */
export function configFiles(routes: readonly RouteState[]): readonly string[] {
  return [HTTP_FILE, ROUTES_FILE, LOG_INCLUDE_FILE, ...routes.map(({ service }) => routeFile(service))];
}

/** The generated configuration. Pure. */
export function renderNginx(routes: readonly RouteState[], meta: NginxMeta): NginxConfig {
  const { project, directory, features } = meta;
  const named = routes.map((route) => ({ ...route, named: nameOf(route.service, meta) }));
  const { suffix } = scopeOf(meta);
  const body = (service: string | null, upstream: string | null, served: readonly NamedRoute[]): string => {
    const view = { project, service, upstream, off: upstream === null, sticky: viewCookie(served), features };
    return fill(meta.templates.route, view).trimEnd();
  };
  const views = locations(named).flatMap((location) => viewLocations(location, body));
  const asks = asksAgain(features) && !views.some((view) => PAGES.test(view.body));
  // One header more takes those away that a body without any inherits.
  const hasDoor = asks && views.every(({ bodyNow }) => canAskDoor(bodyNow));
  const alone = aloneIn(meta);
  const numbered = views.map((view, index) => {
    const behind = asks && view.hasBehind ? `@deploy-bg-behind-${String(index)}` : null;
    const now = hasDoor && !view.off ? `@deploy-bg-now-${String(index)}` : null;
    const again = asks && !view.off ? `@deploy-bg-again-${String(index)}` : null;
    const over = hasDoor ? `@deploy-bg-over-${String(index)}` : null;
    return { ...view, again, behind, now, next: behind ?? now, over, tells: hasDoor || view.mirrors.length > 0, alone };
  });
  const mirrors = named.flatMap((route) => viewMirror(route) ?? []);
  const files = [
    {
      file: ROUTES_FILE,
      content: fill(meta.templates.routes, {
        project,
        directory,
        locations: numbered,
        mirrors,
        behindFile: BEHIND_FILE,
      }),
    },
    { file: LOG_INCLUDE_FILE, content: fill(meta.templates.log, { project, directory, suffix }) },
    ...named.map((route) => ({
      file: routeFile(route.service),
      content: `${alone}${body(route.service, targetOf(route), [route])}\n`,
    })),
  ];
  const http = (digest: string): string =>
    fill(meta.templates.http, { ...viewHttp(named, meta, digest, asks), hasDoor });
  const digest = fingerprint([http(''), ...files.map(({ content }) => content)]);
  return { digest, files: [{ file: HTTP_FILE, content: http(digest) }, ...files] };
}

/** A template of the user's may ask in its own way, say no host, or know better what is kept. */
function canAskDoor(body: string): boolean {
  const asks = body.includes(`proxy_pass http://${DOOR.name};`) && /\bproxy_set_header\s+Host\s/.test(body);
  return asks && !/\b(proxy_cache|open_file_cache)\s/.test(body);
}

const PLACES = /^# Places: ([0-9a-f]+), sticky: (.*)\.$/m;

/** Which service is where, and by which cookie clients stay on a side. */
function placesText(routes: readonly RouteState[]): string {
  const places = routes.map(({ service, host, path }) => JSON.stringify([service, host, path])).toSorted();
  const { cookie = '-' } = (viewCookie(routes) ?? {}) as { readonly cookie?: string };
  return `# Places: ${fingerprint(places)}, sticky: ${cookie}.`;
}

/**
 * True if what comes to workers of the first configuration can be answered by those of the second: they ask by service,
 * so the same services have to be at the same places, and the side of a client by the cookie that they know.
 */
export function handsOver(from: string, to: string): boolean {
  const [, places, cookie] = PLACES.exec(from) ?? [];
  const [, wanted, sticky] = PLACES.exec(to) ?? [];
  return places !== undefined && places === wanted && (sticky === '-' || sticky === cookie);
}

/** What upstreams and variables of a route are called by. No project's name has a dot, so that none is another's. */
function nameOf(service: string, { project, endpoints }: NginxMeta): string {
  return endpoints === null ? service : `${project}.${service}`;
}

/** The name that the answer about a project is known by; every project on a machine's nginx has one of its own. */
export function answerName(project: string, isShared: boolean): string {
  return isShared ? `${project}.deploy-bg.invalid` : 'deploy-bg.invalid';
}

/** What tells this project's own words from those of others in the same nginx. */
function scopeOf({ project, endpoints }: NginxMeta) {
  const isShared = endpoints !== null;
  return {
    suffix: isShared ? `_${wordOf(project)}` : '',
    listen: isShared ? `${hostAddress(project)}:${String(READ_BACK_PORT)}` : String(READ_BACK_PORT),
    answerName: answerName(project, isShared),
    nobody: {
      name: nobodyOf(isShared ? project : null),
      address: isShared ? `${hostAddress(project)}:${String(RELAY_PORT)}` : NOBODY_ADDRESS,
    },
  };
}

/** What may be said once in the http context is said in each location where others are in the same one. */
function aloneIn({ features, endpoints }: NginxMeta): string {
  return endpoints === null || features.keepaliveMinTimeout === null
    ? ''
    : `    keepalive_min_timeout ${features.keepaliveMinTimeout};\n`;
}

/** A request that nobody was asked for may be asked again, where that takes no page of the user's away. */
function asksAgain({ resolve, ownPages }: NginxFeatures): boolean {
  return resolve && !ownPages;
}

function viewHttp(routes: readonly NamedRoute[], meta: NginxMeta, digest: string, asks: boolean): object {
  const { project, directory, token, features, endpoints } = meta;
  const scope = scopeOf(meta);
  const groups = [...routes.flatMap(upstreamsOf), ...(asks ? routes.flatMap(sparesOf) : [])];
  const upstreams = viewUpstreams(groups, endpoints);
  const choices = routes.filter(isChoice).map((route) => viewChoice(route, scope.nobody.name));
  const said = routes.map((route) => ({
    ...route,
    said: backendsText(route.backends),
    saidMatched: matchedText(route.matched),
    saidMirror: mirrorText(route.mirror),
    saidSticky: stickyText(route.sticky),
  }));
  const mirrors = routes.flatMap((route) => viewMirror(route) ?? []);
  const log = { logFormat: NGINX_LOG_FORMAT, window: WINDOW_PATTERN };
  const own = { ...scope, project, directory, token, features, digest, relayPort: RELAY_PORT };
  const isShared = endpoints !== null;
  return {
    ...own,
    ...log,
    isShared,
    endpoints: endpoints === null ? [] : writtenDown(groups, endpoints),
    asksAgain: asks,
    behind: routes.flatMap(viewBehind),
    door: DOOR,
    overFolder: OVER_FOLDER,
    places: placesText(routes),
    behindFile: BEHIND_FILE,
    doors: routes.flatMap(viewDoor),
    upstreams,
    choices,
    mirrors,
    routes: said,
  };
}

/** By container and port, each once. */
function writtenDown(groups: readonly Upstream[], endpoints: Endpoints): readonly object[] {
  const asked = new Map(
    groups.flatMap(({ backends }) => backends.map((b) => [`${b.container}:${String(b.port)}`, b] as const)),
  );
  return [...asked].map(([name, { container, port }]) => ({ name, address: endpoints(container, port) }));
}

interface LocationView {
  readonly off: boolean;
  readonly body: string;
  readonly bodyNow: string;
  readonly hasBehind: boolean;
  readonly mirrors: readonly object[];
}

type Body = (service: string | null, upstream: string | null, served: readonly NamedRoute[]) => string;

/** `/api` is `/api` and all below it, but not `/apis`: two locations. */
function viewLocations({ path, fallback, hosts }: Location<NamedRoute>, body: Body): readonly LocationView[] {
  const matches = path === null ? ['/'] : [`= ${path}`, `${path}/`];
  const mapped = hosts.length > 0;
  const served = [...hosts.map(({ route }) => route), ...(fallback === null ? [] : [fallback])];
  const [name, asked] = mapped ? [null, '$deploy_bg_upstream'] : [fallback?.service ?? null, targetOfAny(fallback)];
  const view = {
    mapped,
    off: !mapped && targetOfAny(fallback) === null,
    fallback: target(fallback),
    service: fallback?.service ?? null,
    hosts: hosts.map(({ host, route }) => ({
      condition: condition(host),
      upstream: target(route),
      service: route.service,
    })),
    mirrors: served.flatMap((route) => viewMirror(route) ?? []),
    asked,
    sticky: viewCookie(served) !== null,
    hasBehind: served.some((route) => behindOf(route).length > 0),
    body: body(name, asked, served),
    bodyNow: body(name, DOOR.name, served),
    bodyBehind: body(name, '$deploy_bg_behind', served),
  };
  return matches.map((match) => ({ ...view, match }));
}

function target(route: NamedRoute | null): string {
  return route === null ? 'none' : (targetOf(route) ?? 'off');
}

function targetOfAny(route: NamedRoute | null): string | null {
  return route === null ? null : targetOf(route);
}

/** `$host` is in lower case; a wildcard stands for one label, as with Caddy. */
function condition(host: string): string {
  const name = host.toLowerCase();
  if (!name.startsWith('*.')) return `= "${name}"`;
  return `~ "^[^.]+${name.slice(1).replaceAll('.', '\\.')}$"`;
}
