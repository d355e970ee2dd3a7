import { endOfLine, startOfLine } from '../compose-text.ts';
import { PROXY_FOLDER } from '../proxy.ts';
import type { Known, Parsed, Pass } from './nginx-passes.ts';
import { isSaid, isSaidHeader, meansOtherwise, otherLimit, textOf } from './nginx-said.ts';
import type { Block, Directive } from './nginx-text.ts';
import type { Rewired } from './wiring.ts';

const FOLDER = PROXY_FOLDER.nginx;

interface Splice {
  readonly file: Parsed;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly reason: string;
}

/** The same files, with our files in the place of what they say about these services. */
export function rewire(known: Known, services: ReadonlySet<string>): Rewired {
  const passes = known.passes.filter(({ service }) => services.has(service));
  const problems = [...known.problems, ...passes.flatMap((pass) => passProblems(pass, known))];
  if (problems.length > 0 || passes.length === 0) return { files: [], problems, notes: [] };
  const together = isPlainServer(passes);
  const edits = [
    ...(together ? allRoutes(passes) : passes.map(oneRoute)),
    ...unusedUpstreams(known, passes),
    ...httpInclude(known, passes),
  ];
  return {
    files: known.parsed.flatMap((file) => spliced(file, edits)),
    problems: [],
    notes: together ? [] : [ONE_BY_ONE],
  };
}

const ONE_BY_ONE =
  'nginx keeps your locations and takes each route alone; with `include …/routes.conf` in the server, in place of them, it could also ask another replica when one dies';

/** Why a place cannot be changed without knowing more than its text says. */
function passProblems(pass: Pass, { upstreams, names }: Known): readonly string[] {
  const { file, location, above, uri, service } = pass;
  const at = `${file.path}: proxy_pass to ${service}`;
  if (location === null || above.at(-1) !== location) return [`${at} stands in ${above.at(-1)?.name ?? 'no block'}`];
  const hosts = pass.upstream === null ? [] : (upstreams.get(pass.upstream)?.servers ?? []);
  const mixed = hosts.map((host) => names.get(host.split(':')[0] ?? '')).filter((each) => each !== service);
  if (mixed.length > 0)
    return [`${at} goes through the upstream ${pass.upstream ?? ''}, which has others in it as well`];
  if (pass.scheme === 'https') return [`${at} is by TLS, and what the generated file says is not`];
  if (uri !== null && rewriteOf(location, uri) === undefined)
    return [`${at} puts ${uri} in the place of ${location.args.join(' ')}`];
  return contentProblems(pass, at);
}

/** The same of what stands beside it. */
function contentProblems(pass: Pass, at: string): readonly string[] {
  const beside = pass.location?.block?.directives ?? [];
  if (beside.some(({ name }) => name === 'location')) return [`${at} stands in a location that has others in it`];
  const otherwise = differing(pass);
  if (otherwise !== undefined) return [`${at} says ${textOf(otherwise)}, which the generated file says otherwise`];
  const pages = beside.filter(({ name }) => name === 'if' || name === 'proxy_cache');
  return pages.map(({ name }) => `${at} stands beside ${name}`);
}

/** What the generated file says too, with another meaning; undefined if there is no such thing. */
function differing(pass: Pass): Directive | undefined {
  return [...(pass.location?.block?.directives ?? []), ...headersAround(pass)].find(meansOtherwise);
}

/** The line that does what a path behind `proxy_pass` did; null if it changes nothing, undefined if no line does it. */
function rewriteOf({ args }: Directive, uri: string | null): string | null | undefined {
  const [prefix = '/'] = args;
  if (uri === null || (args.length === 1 && uri === prefix)) return null;
  const isPlain = (path: string) => /^\/[\w/-]*$/.test(path);
  if (args.length !== 1 || !isPlain(prefix) || !isPlain(uri)) return undefined;
  return `rewrite ^${prefix}(.*)$ ${uri}$1 break;`;
}

/** What of a location is not said by our file. */
function kept({ location }: Pass): readonly Directive[] {
  return (location?.block?.directives ?? []).filter((directive) => !isSaid(directive));
}

/** Headers of the blocks around, which nginx takes for a location only as long as that has none of its own. */
function inherited(pass: Pass): readonly string[] {
  const lost = headersAround(pass).filter((header) => !isSaidHeader(header));
  return lost.map(({ start, end }) => pass.file.text.slice(start, end));
}

function headersAround({ location, above }: Pass): readonly Directive[] {
  const headers = (block: Block | null | undefined) =>
    (block?.directives ?? []).filter(({ name }) => name === 'proxy_set_header');
  if (headers(location?.block).length > 0) return [];
  const around = above.toReversed().slice(1);
  return around.map((each) => headers(each.block)).find((each) => each.length > 0) ?? [];
}

/** True if one server has nothing but plain locations for all of them: then all routes are one line. */
function isPlainServer(passes: readonly Pass[]): boolean {
  const servers = new Set(passes.map(({ server }) => server));
  if (servers.size !== 1 || servers.has(null)) return false;
  const isPlain = (pass: Pass) =>
    pass.location?.args.length === 1 &&
    pass.location.block?.hasComments === false &&
    kept(pass).length === 0 &&
    inherited(pass).length === 0 &&
    rewriteOf(pass.location, pass.uri) === null;
  const places = passes.map(({ service, path }) => ({ service, path }));
  const covered = places.every(
    ({ service, path }) =>
      places.filter((each) => each.service === service).length === 1 || path === null || hasRoot(places, service),
  );
  return passes.every(isPlain) && covered;
}

function hasRoot(places: readonly { service: string; path: string | null }[], service: string): boolean {
  return places.some((each) => each.service === service && each.path === null);
}

function allRoutes(passes: readonly Pass[]): readonly Splice[] {
  const reason = `the locations of ${names(passes)} give way to the file with all routes, which deploys rewrite${limits(passes)}`;
  return passes.map((pass, index) => {
    const { start, end } = pass.location ?? { start: 0, end: 0 };
    if (index === 0) return { file: pass.file, start, end, text: `include ${FOLDER}/routes.conf;`, reason };
    return { ...lineRange(pass.file, start, end), text: '', reason };
  });
}

function names(passes: readonly Pass[]): string {
  return [...new Set(passes.map(({ service }) => service))].join(', ');
}

/** The whole lines of something, with the empty line before it. */
function lineRange(file: Parsed, start: number, end: number): { file: Parsed; start: number; end: number } {
  const first = startOfLine(file.text, start);
  const before = file.text.slice(0, first);
  return { file, start: before.endsWith('\n\n') ? first - 1 : first, end: endOfLine(file.text, end) };
}

/** The directives that our file says go, and the include takes the place of `proxy_pass`. */
function oneRoute(pass: Pass): Splice {
  const { file, location, service, uri } = pass;
  const block = location?.block;
  const said = (block?.directives ?? []).filter((each) => !kept(pass).includes(each));
  const body = file.text.slice(block?.start ?? 0, block?.end ?? 0);
  const base = block?.start ?? 0;
  const lines = [
    ...inherited(pass),
    `include ${FOLDER}/route-${service}.conf;`,
    ...(location === null ? [] : [rewriteOf(location, uri) ?? null]),
  ].filter((line) => line !== null);
  const text = said.toReversed().reduce((changed, { name, start, end }) => {
    const [from, to] = [start - base, end - base];
    if (name === 'proxy_pass') {
      const indent = /[ \t]*$/.exec(changed.slice(0, from))?.[0] ?? '';
      return changed.slice(0, from) + lines.join(body.includes('\n') ? `\n${indent}` : ' ') + changed.slice(to);
    }
    return withoutStatement(changed, from, to);
  }, body);
  const reason = `requests to ${service} go by the generated file, which deploys rewrite; what it says itself is left out${limits([pass])}`;
  return { file, start: base, end: block?.end ?? base, text, reason };
}

/** What becomes another limit by it. */
function limits(passes: readonly Pass[]): string {
  const said = passes.flatMap(({ location }) => location?.block?.directives ?? []);
  const other = [...new Set(said.flatMap((directive) => otherLimit(directive) ?? []))];
  return other.length === 0 ? '' : ` (${other.join(', ')}: proxy.template takes a file of yours)`;
}

/** With its line, if it stands alone there. */
function withoutStatement(text: string, from: number, to: number): string {
  const [first, last] = [startOfLine(text, from), endOfLine(text, to)];
  const isAlone = text.slice(first, from).trim() === '' && text.slice(to, last).trim() === '';
  return isAlone && text[last - 1] === '\n'
    ? text.slice(0, first) + text.slice(last)
    : text.slice(0, from) + text.slice(to);
}

/** nginx does not start with a name in an upstream that it cannot find, used or not. */
function unusedUpstreams({ upstreams }: Known, passes: readonly Pass[]): readonly Splice[] {
  const used = [...new Set(passes.flatMap(({ upstream }) => upstream ?? []))];
  return used.flatMap((name) => {
    const upstream = upstreams.get(name);
    if (upstream === undefined) return [];
    const { file, directive } = upstream;
    const reason = `nobody uses the upstream ${name} any more, and nginx would not start without the hosts that it names`;
    return [{ ...lineRange(file, directive.start, directive.end), text: '', reason }];
  });
}

/** What belongs into the http block, once. */
function httpInclude({ parsed }: Known, passes: readonly Pass[]): readonly Splice[] {
  const line = `include ${FOLDER}/http.conf;`;
  const isIncluded = parsed.some(({ all }) =>
    all.some(({ directive }) => directive.name === 'include' && directive.args[0] === `${FOLDER}/http.conf`),
  );
  const file = passes[0]?.file;
  if (isIncluded || file === undefined) return [];
  const reason = 'nginx learns here where the replicas are';
  const http = file.block.directives.find(({ name }) => name === 'http');
  if (http?.block === null || http === undefined) return [{ file, start: 0, end: 0, text: `${line}\n\n`, reason }];
  const indent = /\n([ \t]+)\S/.exec(file.text.slice(http.block.start))?.[1] ?? '    ';
  return [{ file, start: http.block.start, end: http.block.start, text: `\n${indent}${line}`, reason }];
}

function spliced(file: Parsed, edits: readonly Splice[]): Rewired['files'] {
  const own = edits
    .filter((edit) => edit.file.path === file.path)
    .toSorted((a, b) => b.start - a.start || b.end - a.end);
  if (own.length === 0) return [];
  const text = own.reduce(
    (changed, { start, end, text }) => changed.slice(0, start) + text + changed.slice(end),
    file.text,
  );
  return [{ path: file.path, text, reasons: [...new Set(own.map(({ reason }) => reason))].toReversed() }];
}
