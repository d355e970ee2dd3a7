import { normalPath } from '../../core/route-place.ts';
import { PROXY_FOLDER } from '../proxy.ts';
import type { Parsed, Pass, Upstream } from './nginx-passes.ts';
import { rewire } from './nginx-rewire.ts';
import { parseNginx, walk, type Directive, type Placed } from './nginx-text.ts';
import type { ConfigFile, Wiring } from './wiring.ts';

const FOLDER = PROXY_FOLDER.nginx;

/** Other languages that nginx speaks to services. */
const OTHER = /^(fastcgi|uwsgi|scgi|grpc|memcached)_pass$/;

/** What nginx is told by files of its configuration. */
export function nginxWiring(files: readonly ConfigFile[], names: ReadonlyMap<string, string>): Wiring {
  const read = files.map((file) => ({ ...file, block: parseNginx(file.text) }));
  const unread = read.filter(({ block }) => block === null).map(({ path }) => path);
  const parsed = read.flatMap((file) =>
    file.block === null ? [] : [{ ...file, all: walk(file.block), block: file.block }],
  );
  const upstreams = new Map(parsed.flatMap(upstreamsOf).map((each) => [each.directive.args[0] ?? '', each]));
  const targets = { names, upstreams };
  const passes = parsed.flatMap((file) => file.all.flatMap((placed) => passOf(file, placed, targets)));
  const problems = [
    ...unread.map((path) => `${path} has more in it than plain nginx directives`),
    ...parsed.flatMap((file) => file.all.flatMap(({ directive }) => variableProblem(file, directive))),
  ];
  return {
    sends: passes,
    wired: wiredOf(parsed),
    others: parsed.flatMap(({ all }) => all.flatMap(({ directive }) => otherOf(directive, targets))),
    health: {},
    unclear: problems,
    rewire: (services) => rewire({ parsed, passes, upstreams, names, problems }, services),
  };
}

function upstreamsOf(file: Parsed): readonly Upstream[] {
  const found = file.all.filter(({ directive }) => directive.name === 'upstream' && directive.block !== null);
  return found.map(({ directive }) => ({
    file,
    directive,
    servers: (directive.block?.directives ?? [])
      .filter(({ name }) => name === 'server')
      .map(({ args }) => args[0] ?? ''),
  }));
}

interface Targets {
  readonly names: ReadonlyMap<string, string>;
  readonly upstreams: ReadonlyMap<string, Upstream>;
}

const PASS = /^(https?):\/\/([^/:$\s]+)(?::(\d+))?(\/[^\s]*)?$/;

/** A `proxy_pass` to services of the project; several where an upstream names several. */
function passOf(file: Parsed, { directive, above }: Placed, { names, upstreams }: Targets): readonly Pass[] {
  const [, scheme, host = '', port, uri = null] = PASS.exec(directive.args[0] ?? '') ?? [];
  if (directive.name !== 'proxy_pass' || scheme === undefined) return [];
  const upstream = upstreams.get(host);
  const addresses = upstream?.servers ?? [port === undefined ? host : `${host}:${port}`];
  const common = { file, ...placeOf(above), above, uri, scheme, upstream: upstream === undefined ? null : host };
  return addresses.flatMap((address) => {
    const [name = '', given] = address.split(':');
    const service = names.get(name);
    return service === undefined
      ? []
      : [{ ...common, service, port: Number(given ?? (scheme === 'https' ? 443 : 80)) }];
  });
}

function placeOf(above: readonly Directive[]): Pick<Pass, 'server' | 'location' | 'path' | 'hosts'> {
  const server = above.findLast(({ name }) => name === 'server') ?? null;
  const location = above.findLast(({ name }) => name === 'location') ?? null;
  const hosts = server?.block?.directives.find(({ name }) => name === 'server_name')?.args ?? [];
  const path = location === null ? null : normalPath(location.args.at(-1) ?? '/');
  return { server, location, path, hosts: hosts.filter(isHost) };
}

function isHost(name: string): boolean {
  return /^[a-z0-9*][a-z0-9.-]*\.[a-z0-9-]+$/i.test(name) && !name.endsWith('.');
}

function otherOf(directive: Directive, { names, upstreams }: Targets) {
  if (!OTHER.test(directive.name)) return [];
  const host = (directive.args[0] ?? '').replace(/^\w+:\/\//, '').split(':')[0] ?? '';
  const hosts = upstreams.get(host)?.servers.map((server) => server.split(':')[0] ?? '') ?? [host];
  return hosts.flatMap((each) => {
    const service = names.get(each);
    return service === undefined ? [] : [{ service, by: directive.name }];
  });
}

function variableProblem({ path }: Parsed, { name, args }: Directive): readonly string[] {
  const target = args[0] ?? '';
  if (name !== 'proxy_pass' || !/^(https?:\/\/)?[^/]*\$/.test(target)) return [];
  return [`${path} says proxy_pass ${target}: where a variable leads cannot be seen in the file`];
}

function wiredOf(parsed: readonly Parsed[]): ReadonlySet<string> | 'all' {
  const included = parsed.flatMap(({ all }) =>
    all.flatMap(({ directive }) => (directive.name === 'include' ? directive.args : [])),
  );
  const ours = included.filter((file) => file.startsWith(`${FOLDER}/`)).map((file) => file.slice(FOLDER.length + 1));
  if (ours.includes('routes.conf')) return 'all';
  return new Set(ours.flatMap((file) => /^route-(.+)\.conf$/.exec(file)?.[1] ?? []));
}
