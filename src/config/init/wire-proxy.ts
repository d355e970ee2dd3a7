import { posix } from 'node:path';
import { withItem } from '../compose-text.ts';
import { serviceOf, strings } from '../model.ts';
import { PROXY_FOLDER, proxyServiceOf, readProxy } from '../proxy.ts';
import { readSettings, type Settings } from '../settings.ts';
import { list } from './application.ts';
import type { Draft } from './draft.ts';
import type { Front } from './front.ts';
import type { InitInput } from './proposal.ts';
import { mountsOf } from './wiring.ts';

/**
 * Has the proxy that is there read the files of deploys: which it is, the folder, and the lines of its
 * configuration; these not where the folder is one of the user's own choice, who knows then what to import.
 */
export function wireProxy(input: InitInput, draft: Draft, front: Front, routed: readonly string[]): void {
  const settings = settingsWith(input, routed);
  nameProxy(input, draft, front, settings);
  mountFolder(input, draft, front, settings);
  answerItself(input, draft, front);
  if (settings.project.proxy?.output === undefined) rewire(draft, front, routed);
  oldVersion(input, draft, front);
}

/** The settings as they will be, as far as the proxy depends on them. */
function settingsWith({ model }: InitInput, routed: readonly string[]): Settings {
  const { settings } = readSettings(model);
  const routes = routed.map((name) => [name, { ...settings.services[name], route: { port: 80 } }] as const);
  return { ...settings, services: { ...settings.services, ...Object.fromEntries(routes) } };
}

function nameProxy(input: InitInput, draft: Draft, { service }: Front, settings: Settings): void {
  const versioned = new Set(Object.keys(settings.services));
  if (proxyServiceOf(input.model, settings, versioned) === service) return;
  draft.set(
    ['x-deploy-bg'],
    'proxy',
    { service },
    `more than one service could be the proxy; it is ${service} that sends requests on`,
  );
}

function mountFolder(input: InitInput, draft: Draft, front: Front, settings: Settings): void {
  const { service, kind } = front;
  const { findings } = readProxy(input.model, settings, service, input.directory);
  if (findings.length === 0) return;
  const mount = `${folderFor(input, front)}:${PROXY_FOLDER[kind]}`;
  const reason = `${service} gets a folder for the files that deploys write; it is recreated once for it`;
  addToList(draft, ['services', service], 'volumes', mount, reason);
}

/** Adds an item to a list of a service, which may not be there yet. */
function addToList(draft: Draft, path: readonly string[], key: string, item: string, reason: string): void {
  if (!draft.gives([...path, key])) {
    draft.set(path, key, [item], reason);
    return;
  }
  const by = `add ${JSON.stringify(item)} to ${[...path, key].join('.')}`;
  draft.edit(draft.fileWith([...path, key]), reason, (text) => withItem(text, [...path, key], item), by);
}

/** Beside the proxy's own files, where these have a folder that is not itself one of files to be read. */
function folderFor({ model, directory }: InitInput, { service, kind, files }: Front): string {
  const [folder = '', ...rest] = posix.relative(directory, files[0]?.path ?? directory).split('/');
  const mount = mountsOf(model, service).find(({ source }) => source === posix.join(directory, folder));
  const isBeside = rest.length > 0 && folder !== '..' && (mount === undefined || mount.target === `/etc/${kind}`);
  return isBeside ? `./${folder}/deploy-bg` : './deploy-bg-proxy';
}

/** Seen: the name of a replica that died was looked up outside for every request (W10). */
function answerItself({ model }: InitInput, draft: Draft, { service, kind }: Front): void {
  const options = strings(serviceOf(model, service)['dns_opt']);
  if (kind !== 'caddy' || options.some((option) => option.startsWith('ndots:'))) return;
  addToList(
    draft,
    ['services', service],
    'dns_opt',
    'ndots:1',
    'nobody outside is asked for the name of a replica that died',
  );
}

function rewire(draft: Draft, { service, kind, wiring, files }: Front, routed: readonly string[]): void {
  const { wired } = wiring;
  const missing = routed.filter((name) => wired !== 'all' && !wired.has(name));
  if (missing.length === 0) return;
  const sent = missing.filter((name) => wiring.sends.some((sending) => sending.service === name));
  const { files: changed, problems, notes } = wiring.rewire(new Set(routed));
  for (const file of files) draft.add(file.path, file.text);
  for (const { path, text, reasons } of changed) draft.write(path, text, ...reasons);
  draft.notes.push(...notes);
  if (files.length === 0)
    draft.byHand.push(`the configuration of ${service} is not mounted from here: ${LINES[kind](missing)}`);
  for (const problem of problems) draft.byHand.push(`${problem}: ${LINES[kind](missing)}`);
  const unsent = missing.filter((name) => !sent.includes(name));
  if (files.length > 0 && unsent.length > 0)
    draft.byHand.push(`${service} does not send to ${list(unsent)} in any file here: ${LINES[kind](unsent)}`);
}

/** What a person writes. */
const LINES: Readonly<Record<Front['kind'], (services: readonly string[]) => string>> = {
  caddy: (services) =>
    `write \`import ${PROXY_FOLDER.caddy}/*.caddy\` outside of any site, and ${services.map((name) => `\`import deploy-bg-${name}\``).join(', ')} in place of reverse_proxy`,
  nginx: (services) =>
    `write \`include ${PROXY_FOLDER.nginx}/http.conf;\` into the http block, and ${services.map((name) => `\`include ${PROXY_FOLDER.nginx}/route-${name}.conf;\``).join(', ')} in place of proxy_pass`,
};

const OLD: Readonly<Record<Front['kind'], { readonly tag: RegExp; readonly says: string }>> = {
  caddy: { tag: /:2\.[0-8]([.-]|$)|:1[.-]/, says: 'Caddy 2.9 or later is needed: caddy:2 is one' },
  nginx: {
    tag: /:1\.(1?\d|2[0-6])([.-]|$)|:1\.27\.[0-3]([.-]|$)/,
    says: 'nginx 1.27.4 or later loses no request at a switch, older ones reset idle connections: nginx:stable is one',
  },
};

function oldVersion({ model }: InitInput, draft: Draft, { service, kind }: Front): void {
  const image = String(serviceOf(model, service)['image']);
  if (OLD[kind].tag.test(image)) draft.notes.push(`${service} is ${image}; ${OLD[kind].says}`);
}
