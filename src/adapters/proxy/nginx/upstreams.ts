import { createHash } from 'node:crypto';
import type { Backend, RouteState } from '../../../core/observed.ts';
import { divisor } from '../routes.ts';
import { stickySides } from '../sides.ts';
import { conditionsOf } from './matching.ts';
import type { Endpoints } from './nginx.ts';
import { RELAY_PORT } from './port.ts';

/** A group of servers that requests are passed to. */
export interface Upstream {
  readonly name: string;
  readonly backends: readonly Backend[];
  /** Only its relay is asked, which looks names up at each request; absent: nginx follows the names by itself. */
  readonly byRelay?: true;
  /** The group that its relay answers for, by the same address as when those backends were that group. */
  readonly relayOf?: string;
}

/** A route with the name that upstreams and variables are called by: nobody else behind the same nginx has it. */
export interface NamedRoute extends RouteState {
  readonly named: string;
}

/** Answers 503 for a route that only requests which match can use. */
export function nobodyOf(project: string | null): string {
  return project === null ? 'deploy_bg_nobody' : `deploy_bg_nobody-${project}`;
}

/** Some of a route's requests. No route has this name as a whole: those begin with `deploy-bg-`. */
function partName(part: 'matched' | 'stable' | 'candidate' | 'mirror' | 'spare', named: string): string {
  return `deploy_bg_${part}-${named}`;
}

function ownName(named: string): string {
  return `deploy-bg-${named}`;
}

/** The groups of a route, as far as there is somebody in them. */
export function upstreamsOf(route: NamedRoute): readonly Upstream[] {
  const { named, backends, matched, mirror } = route;
  const sides = stickySides(route);
  const all = [
    { name: ownName(named), backends: sides === null ? backends : [] },
    { name: partName('stable', named), backends: sides?.stable ?? [] },
    { name: partName('candidate', named), backends: sides?.candidate ?? [] },
    { name: partName('matched', named), backends: matched?.backends ?? [] },
    { name: partName('mirror', named), backends: mirror?.backends ?? [] },
  ];
  return all.filter((upstream) => upstream.backends.length > 0);
}

/**
 * The version before, where it can still be asked. Nobody looks for its names but for a request: they are gone soon.
 * By the address of the relay that it had when it served, workers of the configuration before and after reach it, too.
 */
export function sparesOf({ named, backends, spare = [] }: NamedRoute): readonly Upstream[] {
  if (backends.length === 0 || spare.length === 0) return [];
  return [{ name: partName('spare', named), backends: spare, byRelay: true, relayOf: ownName(named) }];
}

/** By whom requests are answered that nobody of a group could be asked for. */
export function behindOf(route: NamedRoute): readonly { readonly first: string; readonly behind: string }[] {
  const { named } = route;
  if (stickySides(route) !== null) return [{ first: partName('candidate', named), behind: partName('stable', named) }];
  return sparesOf(route).map(({ name }) => ({ first: ownName(named), behind: name }));
}

/** The same for a map: by patterns, since its table has no room for every name. */
export function viewBehind(route: NamedRoute): readonly object[] {
  return behindOf(route).map(({ first, behind }) => ({ pattern: `~^${first.replaceAll('.', '\\.')}$`, behind }));
}

/** The groups of a route in any configuration, and whom this one has for them. A client that has a side stays there. */
export function viewDoor(route: NamedRoute): readonly object[] {
  const name = route.named.replaceAll('.', '\\.');
  const target = targetOf(route) ?? 'off';
  const sides = stickySides(route) === null ? [] : (['stable', 'candidate'] as const);
  return [
    ...sides.map((side) => ({ pattern: asked(`_bg_${side}-${name}`), target: partName(side, route.named) })),
    { pattern: asked(`(-bg|_bg_[a-z]+)-${name}`), target },
  ];
}

/** What stands in the header of a worker that asks: its configuration and a group of that. */
function asked(group: string): string {
  return `~^[0-9a-f]{16} deploy${group}$`;
}

/** What a location passes its requests to: an upstream, a variable that holds one, or null for nobody. */
export function targetOf(route: NamedRoute): string | null {
  if (isChoice(route)) return choiceVariable(route.named);
  return route.backends.length === 0 ? null : ownName(route.named);
}

/** Who gets a request, where that is not the same for all requests of a route: what the http template is given for it. */
export function viewChoice(route: NamedRoute, nobody: string): object {
  const { named, matched } = route;
  const conditions = (matched === undefined ? [] : conditionsOf(matched.match)).map((condition, index) => ({
    ...condition,
    variable: `${choiceVariable(named)}_${index}`,
  }));
  return {
    variable: choiceVariable(named),
    conditions,
    all: conditions.map(() => '1').join(''),
    matching: (matched?.backends ?? []).length === 0 ? nobody : partName('matched', named),
    others: othersOf(route, nobody),
    split: viewSplit(route),
  };
}

/** An upstream, or the variable that holds the side of the client. */
function othersOf(route: NamedRoute, nobody: string): string {
  if (stickySides(route) !== null) return `${choiceVariable(route.named)}_side`;
  return route.backends.length === 0 ? nobody : ownName(route.named);
}

/** Which clients are the candidate's; null if they do not stay on a side. */
function viewSplit(route: NamedRoute): object | null {
  const { named, sticky } = route;
  const sides = stickySides(route);
  if (sides === null) return null;
  return {
    key: sticky?.key,
    percent: `${(sides.share * 100).toFixed(2)}%`,
    candidate: partName('candidate', named),
    stable: partName('stable', named),
  };
}

/** True if not all requests of a route go to the same upstream. */
export function isChoice(route: RouteState): boolean {
  return route.matched !== undefined || stickySides(route) !== null;
}

/** How the requests of a route are copied: what the templates are given for it; null if they are not. */
export function viewMirror({ service, named, mirror }: NamedRoute): object | null {
  if (mirror === undefined) return null;
  return {
    service,
    upstream: partName('mirror', named),
    variable: `${choiceVariable(named)}_mirrored`,
    percent: mirror.percent === 100 ? '*' : `${mirror.percent.toFixed(2)}%`,
    all: mirror.percent === 100,
  };
}

/** The cookie that routes at one place keep their clients by; null if none of them does. */
export function viewCookie(routes: readonly RouteState[]): object | null {
  const sticky = routes.find((route) => stickySides(route) !== null)?.sticky;
  return sticky === undefined ? null : { cookie: sticky.cookie, maxAge: `${Math.round(sticky.maxAgeMs / 1000)}s` };
}

function choiceVariable(named: string): string {
  return `$deploy_bg_to_${wordOf(named)}`;
}

/** As it comes, nginx takes 46 characters for the name of a variable, and we put up to 33 of our own around these. */
const LONGEST_WORD = 12;

/**
 * A name as a part of a variable's, which has letters, digits and underscores only: everything else is written as its
 * number, and what gets too long by that as a hash.
 */
export function wordOf(name: string): string {
  const word = name.replaceAll(/[^A-Za-z0-9]/g, (character) => `_${String(character.charCodeAt(0))}_`);
  return word.length <= LONGEST_WORD ? word : createHash('sha256').update(name).digest('hex').slice(0, LONGEST_WORD);
}

/** What the template of the http context is given for the upstreams, which are asked by name unless it is known where. */
export function viewUpstreams(upstreams: readonly Upstream[], endpoints: Endpoints | null): readonly object[] {
  const relay = relays(upstreams);
  return upstreams.map(({ name, backends, byRelay = false }, index) => ({
    name,
    index,
    byRelay,
    byAddress: endpoints !== null,
    backends: inSmallNumbers(backends).map((backend) => ({
      ...backend,
      address: endpoints?.(backend.container, backend.port),
    })),
    relay: relay[index],
    shares: shares(backends),
  }));
}

/** Third bytes of addresses that are given out; the last one is nobody's. */
const NETWORKS = 255;
const HOSTS = 250;
export const NOBODY_ADDRESS = `127.89.${NETWORKS}.1:${RELAY_PORT}`;
/** The same in each configuration: who answers is whoever accepts now. */
export const DOOR = { name: 'deploy_bg_now', address: `127.89.${NETWORKS}.2:${RELAY_PORT}` };

/**
 * An address for each upstream, made of what it stands for. While nginx reloads, workers of two configurations accept
 * connections: one that meant something else by the same address would answer for the wrong upstream.
 */
function relays(upstreams: readonly Upstream[]): readonly string[] {
  const taken = new Set<number>();
  return upstreams.map(({ name, backends, relayOf = name }) => {
    const hash = createHash('sha256').update(JSON.stringify([relayOf, shares(backends)]));
    let number = hash.digest().readUInt32BE() % (NETWORKS * HOSTS);
    while (taken.has(number)) number = (number + 1) % (NETWORKS * HOSTS);
    taken.add(number);
    return `127.89.${Math.floor(number / HOSTS)}.${(number % HOSTS) + 1}:${RELAY_PORT}`;
  });
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
