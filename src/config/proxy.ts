import { posix } from 'node:path';
import type { ComposeModel, ProxyDriver, ProxySpec } from '../core/project.ts';
import type { Finding } from './findings.ts';
import { list, mapping, serviceOf, servicesOf, text, type Mapping, unescapedAll } from './model.ts';
import type { ProjectSettings } from './schema/settings.ts';
import type { Settings } from './settings.ts';

type RealDriver = Exclude<ProxyDriver, 'none'>;

/** The directory that the generated files have inside the proxy unless the mount says otherwise. */
export const PROXY_FOLDER: Readonly<Record<RealDriver, string>> = {
  caddy: '/etc/caddy/deploy-bg',
  nginx: '/etc/nginx/deploy-bg',
};

/** In the project's folder: where the generated files are for a proxy on the machine, unless it is said. */
const HOST_FOLDER = 'deploy-bg-proxy';

const NONE: ProxySpec = { driver: 'none', service: null, output: null, mounted: null, template: null };

/**
 * Which service is the proxy: named, or the only one whose image is a known proxy; null if there is none. Without a
 * route one is our proxy only if it has our folder: most are somebody else's, or serve the files of the application.
 */
export function proxyServiceOf(model: ComposeModel, settings: Settings, versioned: ReadonlySet<string>): string | null {
  const { proxy } = settings.project;
  if (proxy?.service !== undefined) return proxy.service;
  if (proxy?.host === true || proxy?.driver === 'none') return null;
  const isRouted = routedService(settings) !== undefined;
  const known = Object.entries(servicesOf(model))
    .filter(([name, service]) => !(name in settings.services) && isKnownProxy(service, isRouted))
    .map(([name]) => name);
  const fixed = known.filter((name) => !versioned.has(name));
  const candidates = fixed.length > 0 ? fixed : known;
  return candidates.length === 1 ? (candidates[0] ?? null) : null;
}

function isKnownProxy(service: Mapping, isRouted: boolean): boolean {
  const driver = driverOfImage(service);
  return driver !== null && (isRouted || byTarget(mountsOf(service), PROXY_FOLDER[driver]) !== null);
}

function routedService(settings: Settings): string | undefined {
  return Object.entries(settings.services).find(([, each]) => each.route !== undefined)?.[0];
}

function mountsOf(service: Mapping): readonly Mapping[] {
  return list(service['volumes']).map((mount) => mapping(unescapedAll(mount)));
}

function driverOfImage(service: Mapping): RealDriver | null {
  // A registry's host may hold the word too: only the repository's own name counts.
  const name = (text(service['image']) ?? '').split('/').at(-1) ?? '';
  if (name.includes('caddy')) return 'caddy';
  return name.includes('nginx') ? 'nginx' : null;
}

/** Everything about the proxy, and what is wrong with how it is set up (E14). */
export function readProxy(
  model: ComposeModel,
  settings: Settings,
  service: string | null,
  directory: string,
): { readonly proxy: ProxySpec; readonly findings: readonly Finding[] } {
  const given = settings.project.proxy ?? {};
  if (given.driver === 'none') return { proxy: NONE, findings: [] };
  const routed = routedService(settings);
  if (service !== null && !(service in servicesOf(model))) return { proxy: NONE, findings: [unknownService(service)] };
  if (service === null && given.host !== true)
    return { proxy: NONE, findings: routed === undefined ? [] : [noProxy(routed)] };
  const driver = given.driver ?? driverOfImage(serviceOf(model, service ?? ''));
  if (driver === null) return { proxy: NONE, findings: routed === undefined ? [] : [unknownDriver(service)] };
  const template = given.template === undefined ? null : posix.resolve(directory, given.template);
  return service === null
    ? { proxy: hostProxy(driver, given, template, directory), findings: [] }
    : mountedProxy(model, driver, service, given, template, directory, routed !== undefined);
}

type Given = NonNullable<ProjectSettings['proxy']>;

function hostProxy(driver: RealDriver, given: Given, template: string | null, directory: string): ProxySpec {
  const output = posix.resolve(directory, given.output ?? HOST_FOLDER);
  return { driver, service: null, output, mounted: output, template };
}

function mountedProxy(
  model: ComposeModel,
  driver: RealDriver,
  service: string,
  given: Given,
  template: string | null,
  directory: string,
  needed: boolean,
) {
  const mounts = mountsOf(serviceOf(model, service));
  const output = given.output === undefined ? null : posix.resolve(directory, given.output);
  const found = output === null ? byTarget(mounts, PROXY_FOLDER[driver]) : bySource(mounts, output);
  if (found === null && !needed) return { proxy: NONE, findings: [] };
  const proxy: ProxySpec = {
    driver,
    service,
    output: found?.source ?? output,
    mounted: found?.target ?? null,
    template,
  };
  const finding = needed ? mountFinding(mounts, driver, service, found, given.output) : null;
  return { proxy, findings: finding === null ? [] : [finding] };
}

interface Mounted {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** The bind mount that is or contains a directory of the proxy, and what that directory is on the host. */
function byTarget(mounts: readonly Mapping[], target: string): Mounted | null {
  return deepest(mounts, (mount) => {
    const rest = below(text(mount['target']), target);
    const source = text(mount['source']);
    return rest === null || source === null ? null : { source: posix.join(source, rest), target };
  });
}

/** The bind mount that is or contains a directory of the host, and what that directory is in the proxy. */
function bySource(mounts: readonly Mapping[], source: string): Mounted | null {
  return deepest(mounts, (mount) => {
    const rest = below(text(mount['source']), source);
    const target = text(mount['target']);
    return rest === null || target === null ? null : { source, target: posix.join(target, rest) };
  });
}

function deepest(
  mounts: readonly Mapping[],
  find: (mount: Mapping) => { source: string; target: string } | null,
): Mounted | null {
  const found = mounts
    .filter((mount) => mount['type'] === 'bind')
    .map((mount) => ({ length: text(mount['target'])?.length ?? 0, place: find(mount), mount }))
    .toSorted((a, b) => b.length - a.length)
    .find(({ place }) => place !== null);
  return found?.place ? { ...found.place, readOnly: found.mount['read_only'] === true } : null;
}

/** The way from a directory down to a path: empty if they are the same, null if it is not below. */
function below(directory: string | null, path: string): string | null {
  if (directory === null) return null;
  const way = posix.relative(directory, path);
  return way === '..' || way.startsWith('../') ? null : way;
}

function mountFinding(
  mounts: readonly Mapping[],
  driver: RealDriver,
  service: string,
  found: Mounted | null,
  output: string | undefined,
): Finding | null {
  const target = PROXY_FOLDER[driver];
  const add = `add to service ${service}:  volumes: ["${output ?? './deploy-bg-proxy'}:${target}"]`;
  const finding = (message: string, hint: string): Finding => ({
    code: 'E14',
    path: ['services', service, 'volumes'],
    message: `proxy mount: ${message}`,
    hint,
  });
  if (found?.readOnly === true && driver === 'caddy')
    return finding(
      `${found.target} is mounted read-only, and the proxy answers through a socket in it`,
      `mount it without :ro:  volumes: ["${found.source}:${found.target}"]`,
    );
  if (found !== null) return null;
  const single = mounts.find((mount) => (text(mount['target']) ?? '').startsWith(`${target}/`));
  if (single !== undefined)
    return finding(
      `a single file is mounted at ${text(single['target']) ?? ''}; the proxy would read the old one for ever`,
      `mount the directory instead; ${add}`,
    );
  if (mounts.some((mount) => text(mount['target']) === target && mount['type'] !== 'bind'))
    return finding(`${target} is no directory of the host, so the files cannot be written into it`, add);
  const where = output === undefined ? `nothing is mounted at ${target}` : `proxy.output ${output} is not mounted`;
  return finding(`${where}, so the proxy cannot read the generated files`, add);
}

function noProxy(routed: string): Finding {
  return {
    code: 'E14',
    path: ['services', routed, 'x-deploy-bg', 'route'],
    message: `${routed} has a route, but which service is the proxy is not known`,
    hint: 'name it:  x-deploy-bg: {proxy: {service: NAME, driver: caddy}}  (or driver: none)',
  };
}

function unknownService(service: string): Finding {
  return {
    code: 'E14',
    path: ['x-deploy-bg', 'proxy', 'service'],
    message: `proxy.service names ${service}, which is no service of the project`,
    hint: 'correct the name, or enable the profile of that service',
  };
}

function unknownDriver(service: string | null): Finding {
  return {
    code: 'E14',
    path: ['x-deploy-bg', 'proxy'],
    message: `the kind of proxy ${service === null ? 'on the host' : `in service ${service}`} is not known`,
    hint: `name it:  x-deploy-bg: {proxy: {${service === null ? 'host: true, driver: nginx' : 'driver: caddy'}}}  (caddy, nginx or none)`,
  };
}
