import { normalPath } from '../../core/route-place.ts';
import { endOfLine, startOfLine } from '../compose-text.ts';
import { PROXY_FOLDER } from '../proxy.ts';
import { parseCaddyfile, type Body, type Segment } from './caddy-text.ts';
import type { ConfigFile, Rewired, Sending, Wiring } from './wiring.ts';

const FOLDER = PROXY_FOLDER.caddy;
const IMPORT = `import ${FOLDER}/*.caddy`;

/** Of `reverse_proxy`: what the generated snippet does itself, or what means nothing where deploys say who is asked. */
const MOOT = /^(to|lb_\w+|health_\w+|fail_duration|max_fails|unhealthy_\w+|flush_interval|stream_\w+)$/;
/** What Caddy sends by itself, where it is told to send the same. */
const MOOT_HEADERS: Readonly<Record<string, RegExp>> = {
  host: /^\{(http\.request\.)?(host|hostport)\}$/,
  'x-forwarded-for': /^\{(http\.request\.remote\.host|remote_host)\}$/,
  'x-forwarded-host': /^\{(http\.request\.)?(host|hostport)\}$/,
  'x-forwarded-proto': /^\{(http\.request\.)?scheme\}$/,
};

/** What answers as well, and would come too late behind a route, which Caddy puts before all of them. */
const ANSWERS = new Set(['respond', 'file_server', 'php_fastcgi', 'error', 'abort', 'metrics', 'acme_server']);

/** Those of them that came before it, whatever it takes (Caddy's directive order). */
const EARLIER = new Set(['respond', 'error', 'abort', 'metrics']);

interface Pass extends Sending {
  readonly file: ConfigFile;
  readonly segment: Segment;
  /** What it stands beside, itself included. */
  readonly siblings: readonly Segment[];
  /** The word before the addresses: a path or the name of a matcher. */
  readonly matcher: string | null;
  readonly problem: string | null;
  readonly health: string | null;
}

/** What Caddy is told by files of its configuration. */
export function caddyWiring(files: readonly ConfigFile[], names: ReadonlyMap<string, string>): Wiring {
  const read = files.map((file) => ({ file, body: parseCaddyfile(file.text) }));
  const unread = read.filter(({ body }) => body === null).map(({ file }) => file.path);
  const problems = [
    ...unread.map((path) => `${path} has texts of several lines in it, or braces that do not match`),
    ...files.flatMap(variableProblem),
  ];
  const whole = read.flatMap(({ file, body }) => (body === null ? [] : [{ file, ...sitesOf(body) }]));
  const found = whole.flatMap(({ file, sites }) =>
    sites.flatMap((site) => passesIn(file, site.segments, site.hosts, names)),
  );
  const health = found.flatMap((pass) => (pass.health === null ? [] : [[pass.service, pass.health] as const]));
  return {
    sends: found,
    wired: wiredOf(files),
    others: [],
    unclear: problems,
    health: Object.fromEntries(health),
    rewire: (services) => rewire(whole, found, problems, services),
  };
}

function variableProblem({ path, text }: ConfigFile): readonly string[] {
  const [line] = /^[ \t]*reverse_proxy[ \t].*\{(\$|env\.).*$/m.exec(text) ?? [];
  return line === undefined ? [] : [`${path} says ${line.trim()}: where a variable leads cannot be seen in the file`];
}

interface Site {
  readonly hosts: readonly string[];
  readonly segments: readonly Segment[];
}

interface Whole {
  readonly file: ConfigFile;
  /** The line of the only site, where the file has no braces around it. */
  readonly bare: Segment | null;
  readonly sites: readonly Site[];
}

const DIRECTIVE =
  /^(import|reverse_proxy|encode|root|file_server|log|header|tls|handle|handle_path|route|respond|redir)$/;

/** The sites of a file; one whose file has nothing else needs no braces. */
function sitesOf(body: Body): Pick<Whole, 'bare' | 'sites'> {
  const [first, ...rest] = body.segments;
  const isBare = first?.body === null && !DIRECTIVE.test(first.words[0] ?? '') && !first.words[0]?.startsWith('(');
  if (isBare) return { bare: first, sites: [{ hosts: hostsOf(first.words), segments: rest }] };
  const sites = body.segments.map((site) => ({ hosts: hostsOf(site.words), segments: site.body?.segments ?? [] }));
  return { bare: null, sites };
}

function hostsOf(words: readonly string[]): readonly string[] {
  const hosts = words.map((word) =>
    word
      .replace(/,$/, '')
      .replace(/^https?:\/\//, '')
      .replace(/[:/].*$/, ''),
  );
  return hosts.filter((host) => /^[a-z0-9*][a-z0-9.-]*\.[a-z0-9-]+$/i.test(host));
}

type Names = ReadonlyMap<string, string>;

function passesIn(
  file: ConfigFile,
  siblings: readonly Segment[],
  hosts: readonly string[],
  names: Names,
  around: string | null = null,
): readonly Pass[] {
  return siblings.flatMap((segment) => {
    if (segment.words[0] === 'reverse_proxy') return passOf({ file, segment, siblings, hosts }, names, around);
    const inner = segment.body?.segments ?? [];
    const [name = '', matcher = null] = segment.words;
    const isHandler = /^(handle|handle_path|route)$/.test(name);
    const path = isHandler && matcher !== null ? pathOf(matcher, siblings) : null;
    return passesIn(file, inner, hosts, names, path ?? around);
  });
}

/** A `reverse_proxy` to services of the project: one entry for each address of its own. */
function passOf(
  place: Pick<Pass, 'file' | 'segment' | 'siblings' | 'hosts'>,
  names: Names,
  around: string | null,
): readonly Pass[] {
  const { segment, siblings } = place;
  const [, ...words] = segment.words;
  const matcher = /^[/@*]/.test(words[0] ?? '') ? (words[0] ?? null) : null;
  const options = segment.body?.segments ?? [];
  const to = options.flatMap((option) => (option.words[0] === 'to' ? option.words.slice(1) : []));
  const addresses = [...(matcher === null ? words : words.slice(1)), ...to];
  const path = matcher === null ? around : (pathOf(matcher, siblings) ?? around);
  const health = options.find((option) => option.words[0] === 'health_uri')?.words[1] ?? null;
  const found = [...new Set(addresses)].flatMap((address) => {
    const [, scheme = 'http', host = '', port = '80'] = /^(?:(\w+):\/\/)?([\w.-]+)(?::(\d+))?$/.exec(address) ?? [];
    const service = names.get(host);
    return service === undefined ? [] : [{ service, port: Number(port), scheme }];
  });
  const isAlone = new Set(addresses).size === 1;
  return found.map(({ service, port, scheme }) => ({
    ...place,
    ...{ service, port, matcher, health },
    path: path === null ? null : normalPath(path),
    problem: isAlone ? optionProblem(scheme, options) : 'has other addresses as well',
  }));
}

function optionProblem(scheme: string, options: readonly Segment[]): string | null {
  if (scheme !== 'http') return `speaks ${scheme} to it`;
  const own = options.find(
    ({ words: [name = '', header = '', value = ''] }) =>
      !MOOT.test(name) && !(name === 'header_up' && MOOT_HEADERS[header.toLowerCase()]?.test(value) === true),
  );
  return own === undefined ? null : `says ${own.words.join(' ')}, which the generated file does not`;
}

/** The path of a matcher, written in place or by its name; null if it is none. */
function pathOf(matcher: string, siblings: readonly Segment[]): string | null {
  if (!matcher.startsWith('@')) return matcher;
  const named = siblings.find(({ words }) => words[0] === matcher);
  const [, kind, path = null] = named?.words ?? [];
  const inner = named?.body?.segments.find(({ words }) => words[0] === 'path')?.words[1] ?? null;
  return kind === 'path' ? path : inner;
}

function wiredOf(files: readonly ConfigFile[]): ReadonlySet<string> | 'all' {
  const imported = files.flatMap(({ text }) =>
    [...text.matchAll(/^[^#\n]*\bimport deploy-bg(?:-(\S+))?[ \t]*$/gm)].map(([, service]) => service ?? null),
  );
  if (imported.includes(null)) return 'all';
  return new Set(imported.flatMap((service) => service ?? []));
}

interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

function rewire(
  files: readonly Whole[],
  found: readonly Pass[],
  unread: readonly string[],
  services: ReadonlySet<string>,
): Rewired {
  const passes = found.filter(({ service }) => services.has(service));
  const problems = [...unread, ...passes.flatMap(passProblems)];
  if (problems.length > 0 || passes.length === 0) return { files: [], problems, notes: [] };
  // What has all routes tells them apart by their paths, which may be gone where it stands.
  const isOne = services.size === 1 && passes.every(({ path }) => path === null);
  const isImported = files.some(({ file }) => file.text.includes(IMPORT));
  const first = passes[0]?.file;
  const changed = files.flatMap(({ file, bare }) => {
    const own = passes.filter((pass) => pass.file === file);
    if (own.length === 0) return [];
    const edited = spliced(
      file.text,
      own.map((pass) => importOf(pass, isOne)),
    );
    const braced = bare === null ? edited : inBraces(edited, bare);
    const reasons = [
      `where reverse_proxy stood for ${[...new Set(own.map(({ service }) => service))].join(', ')}, the generated file is imported, which deploys rewrite`,
      ...(bare === null ? [] : ['the site gets braces, for a line has to stand outside of it']),
      ...(isImported || file !== first ? [] : ['the first line has Caddy read the generated files']),
    ];
    const text = isImported || file !== first ? braced : withImport(braced);
    return [{ path: file.path, text, reasons }];
  });
  return { files: changed, problems: [], notes: [] };
}

function passProblems(pass: Pass): readonly string[] {
  const { file, segment, siblings, problem, service } = pass;
  const at = `${file.path}: reverse_proxy to ${service}`;
  if (problem !== null) return [`${at} ${problem}`];
  const late = isMatched(pass) ? EARLIER : ANSWERS;
  const other = siblings.find((each) => each !== segment && late.has(each.words[0] ?? ''));
  if (other === undefined) return [];
  return [
    `${at} stands beside ${other.words[0] ?? ''}, which would no longer be asked: each needs a handle of its own`,
  ];
}

/** The import that takes the place of a `reverse_proxy`. */
function importOf(pass: Pass, isOne: boolean): Splice {
  const { file, segment, matcher, service } = pass;
  const line = isOne ? 'import deploy-bg' : `import deploy-bg-${service}`;
  const { start, end } = segment;
  if (!isMatched(pass)) return { start, end, text: line };
  const indent = file.text.slice(startOfLine(file.text, start), start);
  const unit = indent.startsWith(' ') ? '    ' : '\t';
  return { start, end, text: `handle ${matcher ?? ''} {\n${indent}${unit}${line}\n${indent}}` };
}

/** Takes some requests only. What is imported takes all, so that it needs a handle around it then. */
function isMatched({ matcher }: Pass): boolean {
  return matcher !== null && matcher !== '*' && matcher !== '/*';
}

function spliced(text: string, edits: readonly Splice[]): string {
  const last = edits.toSorted((a, b) => b.start - a.start);
  return last.reduce((changed, { start, end, text: put }) => changed.slice(0, start) + put + changed.slice(end), text);
}

/** A site that was the whole file. */
function inBraces(text: string, bare: Segment): string {
  const end = endOfLine(text, bare.end);
  const body = text
    .slice(end)
    .replace(/^\s*\n/, '')
    .trimEnd();
  const head = text.slice(0, bare.end);
  return `${head} {${text.slice(bare.end, end).trimEnd()}\n${body.replace(/^(?=.)/gm, '\t')}\n}\n`;
}

/** Behind the global options, which have to come first. */
function withImport(text: string): string {
  const [first] = parseCaddyfile(text)?.segments ?? [];
  if (first?.words.length !== 0 || first.body === null) return `${IMPORT}\n\n${text}`;
  const end = endOfLine(text, first.end);
  return `${text.slice(0, end)}\n${IMPORT}\n${text.slice(end)}`;
}
