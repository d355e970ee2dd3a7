import { posix } from 'node:path';
import { mapping, serviceOf, servicesOf } from '../model.ts';
import { withKey } from '../compose-text.ts';
import { PROXY_FOLDER } from '../proxy.ts';
import type { Draft } from './draft.ts';
import { portText, type Published } from './http.ts';
import type { AddedProxy, InitInput } from './proposal.ts';

/** A port of the host that a new proxy takes over from a service. */
export interface TakenOver {
  readonly service: string;
  readonly port: Published;
}

/** Puts a new proxy before services whose ports people used until now. */
export function addProxy(input: InitInput, draft: Draft, ports: readonly TakenOver[]): void {
  const kind = input.proxy ?? 'caddy';
  const service = ['proxy', kind, 'edge'].find((name) => !(name in servicesOf(input.model))) ?? 'deploy-bg-proxy';
  const folder = input.taken.has(kind) ? 'deploy-bg-proxy' : kind;
  const isOne = ports.length === 1;
  const sites = ports.map(({ service: to, port }) => ({ to, port, inside: isOne ? 80 : port.published }));
  const definition = {
    image: kind === 'caddy' ? 'caddy:2' : 'nginx:stable',
    restart: 'unless-stopped',
    ports: sites.map(({ port, inside }) => portText(port, inside)),
    volumes: VOLUMES[kind](folder),
    ...(kind === 'caddy' ? { dns_opt: ['ndots:1'] } : {}),
    ...networksOf(input, ports),
  };
  const taken = ports.map(({ port }) => String(port.published)).join(', ');
  draft.edit(
    draft.fileWith(['services']),
    `a proxy takes over port ${taken}: two versions cannot both have it, and it is the proxy that moves the traffic`,
    (text) => withKey(text, ['services'], service, definition),
    `add the service ${service}: ${JSON.stringify(definition)}`,
  );
  const site = sites.map(({ to, inside }) => SITES[kind](inside, isOne ? null : to)).join('\n');
  const [file, text] = FILES[kind](site);
  draft.write(
    posix.join(input.directory, folder, file),
    text,
    `what the new ${kind} does: it sends requests by the files that deploys write`,
  );
}

const VOLUMES: Readonly<Record<AddedProxy, (folder: string) => readonly string[]>> = {
  caddy: (folder) => [`./${folder}:/etc/caddy`],
  nginx: (folder) => [`./${folder}/conf.d:/etc/nginx/conf.d:ro`, `./${folder}/deploy-bg:${PROXY_FOLDER.nginx}`],
};

/** A site for a port; of all routes, or of one. */
const SITES: Readonly<Record<AddedProxy, (port: number, service: string | null) => string>> = {
  caddy: (port, service) => `:${String(port)} {\n\timport deploy-bg${service === null ? '' : `-${service}`}\n}\n`,
  nginx: (port, service) => {
    const all = `    include ${PROXY_FOLDER.nginx}/routes.conf;\n`;
    const one = `    location / {\n        include ${PROXY_FOLDER.nginx}/route-${service ?? ''}.conf;\n    }\n`;
    return `server {\n    listen ${String(port)};\n${service === null ? all : one}}\n`;
  },
};

const FILES: Readonly<Record<AddedProxy, (sites: string) => readonly [file: string, text: string]>> = {
  caddy: (sites) => ['Caddyfile', `import ${PROXY_FOLDER.caddy}/*.caddy\n\n${sites}`],
  nginx: (sites) => ['conf.d/default.conf', `include ${PROXY_FOLDER.nginx}/http.conf;\n\n${sites}`],
};

/** It has to reach those that it sends to. */
function networksOf({ model }: InitInput, ports: readonly TakenOver[]): { readonly networks?: readonly string[] } {
  const all = ports.flatMap(({ service }) => Object.keys(mapping(serviceOf(model, service)['networks'])));
  const networks = [...new Set(all)];
  return networks.every((network) => network === 'default') ? {} : { networks };
}
