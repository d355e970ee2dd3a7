import { isRouteHost, isRoutePath, normalPath } from '../../core/route-place.ts';
import { mapping, serviceOf, servicesOf, text, type Mapping } from '../model.ts';
import { oneShots } from '../replaced.ts';
import { calls, CALLING } from '../rules/borders.ts';
import { dependenciesOf } from '../standard-keys.ts';
import { kindOfService, type Own } from './application.ts';
import { isSwitchedElsewhere, type Front } from './front.ts';
import { dataOf, isScheduler, probeFor, publishedBy, speaksHttp, type Published } from './http.ts';
import type { InitInput } from './proposal.ts';

const ENDED = 'service_completed_successfully';

/** How requests come to a service of the application, and what that means for it. */
export type Part =
  /** By the proxy that is there, or by one that is added for this port. */
  | {
      readonly kind: 'routed';
      readonly name: string;
      readonly port: number;
      readonly isNew: boolean;
      readonly takes: Published | null;
    }
  /** Beside a routed one, which asks it or is asked by it under its plain name. */
  | { readonly kind: 'beside'; readonly name: string; readonly why: string }
  /** Replaced in place; `once`: why two of it cannot run. */
  | { readonly kind: 'in-place'; readonly name: string; readonly once: string | null }
  | { readonly kind: 'one-shot'; readonly name: string };

/** What becomes of each service of the application. */
export function partsOf(input: InitInput, front: Front | null, application: readonly Own[]): readonly Part[] {
  const once = oneShots(input.model);
  const first = application.map(({ name }): Part => {
    if (once.has(name)) return { kind: 'one-shot', name };
    return routedPart(input, front, name) ?? { kind: 'in-place', name, once: onceOnly(input, name, application) };
  });
  return beside(input, first);
}

function routedPart(input: InitInput, front: Front | null, name: string): Part | null {
  const service = serviceOf(input.model, name);
  const given = mapping(mapping(service['x-deploy-bg'])['route'])['port'];
  if (typeof given === 'number') return { kind: 'routed', name, port: given, isNew: false, takes: null };
  const sent = front?.wiring.sends.find((sending) => sending.service === name);
  if (sent !== undefined) return { kind: 'routed', name, port: sent.port, isNew: true, takes: null };
  const [takes] = publishedBy(service).filter(speaksHttp);
  if (front !== null || isSwitchedElsewhere(input) || takes === undefined || isRestless(input, name)) return null;
  return { kind: 'routed', name, port: takes.target, isNew: true, takes };
}

/** No proxy would help it: it cannot run twice. */
function isRestless(input: InitInput, name: string): boolean {
  const service = serviceOf(input.model, name);
  return ownsData(input, name) || service['network_mode'] === 'host' || isScheduler(name, service);
}

const DATABASE =
  /postgres|postgis|timescale|pgvector|mysql|mariadb|percona|mongo|mssql|cockroach|cassandra|couchdb|neo4j/;

/** True if its data are in its own volume, and in no database beside it: two versions would write them at once. */
export function ownsData(input: InitInput, name: string): boolean {
  const { model } = input;
  const others = Object.entries(servicesOf(model)).filter(([other]) => kindOfService(input, other) === 'store');
  const isBeside = others.some(([, service]) => DATABASE.test(text(service['image']) ?? ''));
  const said = Object.values(mapping(serviceOf(model, name)['environment'])).map(String);
  const isElsewhere = said.some((value) => /^(postgres(ql)?|mysql|mariadb|mongodb(\+srv)?):\/\//.test(value));
  return !isBeside && !isElsewhere && dataOf(input, name).some((source) => !isSource(input, name, source));
}

/** True for a folder that the image is built from as well: what people mount while they write code. */
export function isSource({ model, directory }: InitInput, name: string, source: string): boolean {
  const build = serviceOf(model, name)['build'];
  const context = text(build) ?? text(mapping(build)['context']);
  return context !== null && (source === context || source.startsWith(`${context}/`)) && source.startsWith(directory);
}

/** Why two of a service cannot run side by side; null if they can. */
function onceOnly(input: InitInput, name: string, application: readonly Own[]): string | null {
  const service = serviceOf(input.model, name);
  const [port] = publishedBy(service);
  if (port !== undefined) return `two of it cannot both publish port ${String(port.published)}`;
  if (text(service['container_name']) !== null) return 'two of it cannot both have its container_name';
  if (service['network_mode'] === 'host') return 'two of it would take the same ports of the host';
  if (isScheduler(name, service)) return 'two schedulers would do each job twice';
  if (fixedAddress(service) !== null) return `two of it cannot both have the address ${fixedAddress(service) ?? ''}`;
  return application.length === 1 && ownsData(input, name)
    ? 'two versions would write its data at the same time'
    : null;
}

/** An address that belongs to one container. */
export function fixedAddress(service: Mapping): string | null {
  const attached = Object.values(mapping(service['networks'])).map(mapping);
  return text(attached.map((each) => each['ipv4_address'] ?? each['ipv6_address']).find((each) => each !== undefined));
}

/** Who names a colored service, or is named by one, goes into the color with it: outside nobody knows the other's name. */
function beside(input: InitInput, parts: readonly Part[]): readonly Part[] {
  const colored = parts.filter(({ kind }) => kind === 'routed' || kind === 'beside').map(({ name }) => name);
  const next = parts.findIndex(
    (part) => part.kind === 'in-place' && part.once === null && callOf(input, part.name, colored) !== null,
  );
  const part = parts[next];
  if (part === undefined) return parts;
  const why = callOf(input, part.name, colored) ?? '';
  return beside(input, parts.with(next, { kind: 'beside', name: part.name, why }));
}

function callOf({ model }: InitInput, name: string, colored: readonly string[]): string | null {
  const says = (caller: string, callee: string) => CALLING.some((key) => calls(serviceOf(model, caller), callee, key));
  const caller = colored.find((other) => says(other, name));
  if (caller !== undefined) return `${caller} asks it`;
  const callee = colored.find((other) => says(name, other));
  if (callee !== undefined) return `it asks ${callee}`;
  // The address may stand in the code; nobody depends on a worker.
  const dependent = colored.find((other) =>
    dependenciesOf(serviceOf(model, other)).some(({ service, condition }) => service === name && condition !== ENDED),
  );
  return dependent === undefined ? null : `${dependent} depends on it`;
}

/** The routes to be written, each with a place of its own among all. */
export function newRoutes(
  { model }: InitInput,
  front: Front | null,
  parts: readonly Part[],
): Readonly<Record<string, Mapping>> {
  const routed = parts.filter((part) => part.kind === 'routed');
  const wanted = routed.map(({ name }) => ({ name, ...placeOf(front, name) }));
  const taken = new Set(routed.filter(({ isNew }) => !isNew).map(({ name }) => givenPlace(model, name)));
  const isAlone = (path: string | null) => wanted.filter((each) => each.path === path).length === 1;
  const routes = routed
    .filter(({ isNew }) => isNew)
    .map(({ name, port }) => {
      const { path, hosts } = placeOf(front, name);
      const choices = [...(isAlone(path) ? [null] : []), ...hosts, `${name.replaceAll(/[^a-z0-9-]/g, '-')}.localhost`];
      const host = choices.find((each) => !taken.has(placeText(each, path))) ?? null;
      taken.add(placeText(host, path));
      const probe = probeFor(serviceOf(model, name), front?.wiring.health[name]);
      return [name, given({ port, host, path, probe })] as const;
    });
  return Object.fromEntries(routes);
}

function given(route: Mapping): Mapping {
  return Object.fromEntries(Object.entries(route).filter(([, value]) => value !== null));
}

function placeText(host: string | null, path: string | null): string {
  return `${host ?? '*'}${path ?? '/'}`;
}

function givenPlace(model: InitInput['model'], name: string): string {
  const { host, path } = mapping(mapping(serviceOf(model, name)['x-deploy-bg'])['route']);
  return placeText(text(host), text(path));
}

function placeOf(
  front: Front | null,
  name: string,
): { readonly path: string | null; readonly hosts: readonly string[] } {
  const sends = (front?.wiring.sends ?? []).filter(({ service }) => service === name);
  const paths = sends.map(({ path }) => path);
  const path = new Set(paths).size === 1 ? (paths[0] ?? null) : null;
  const plain = path === null ? null : normalPath(path);
  return {
    path: plain !== null && isRoutePath(plain) ? plain : null,
    hosts: sends.flatMap(({ hosts }) => hosts).filter(isRouteHost),
  };
}
