import { cp, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from '../../src/cli/commands/init.ts';
import { localProject } from '../../src/cli/local-project.ts';
import type { Session } from '../../src/cli/session.ts';
import { shownError, type ShownError } from '../../src/cli/shown-error.ts';
import type { Proposal } from '../../src/config/init/proposal.ts';
import type { Project } from '../../src/core/project.ts';
import { fakeIo, GLOBALS } from '../unit/cli/support.ts';

/** Projects as people publish them. */
export const SHAPES = resolve(import.meta.dirname, '../fixtures/init');

/** Options of the command line. */
export type InitOptions = Partial<Parameters<typeof run>[0]>;

/** What `init --yes` did with a project: it can be read now, or nothing was written. */
export interface Initialized {
  readonly proposal: Proposal | null;
  /** As the reader of every command has it afterwards. */
  readonly project: Project | null;
  readonly error: ShownError | null;
  /** What a second `init` would change. */
  readonly again: Proposal | null;
  /** The files of the project afterwards, by their path in it; before: those that were changed. */
  readonly files: Readonly<Record<string, { readonly before: string | null; readonly after: string }>>;
}

/** Runs `init --yes` on a copy of a shape, with the real Compose, and reads what came of it. */
export async function initialized(shape: string, options: InitOptions = {}): Promise<Initialized> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'deploy-bg-init-')));
  const folder = join(root, shape);
  try {
    await cp(join(SHAPES, shape), folder, { recursive: true });
    return await initializedIn(folder, join(SHAPES, shape), options);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function initializedIn(folder: string, original: string, options: InitOptions): Promise<Initialized> {
  const first = await proposed(folder, options, true);
  const files = await changesIn(folder, original);
  if (first.proposal === null) return { ...first, project: null, again: null, files };
  const io = ioIn(folder);
  const project = await (await localProject({ ...GLOBALS, yes: true }, io)).read('v2');
  const { proposal: again } = await proposed(folder, options, false);
  return { ...first, project, again, files };
}

async function proposed(folder: string, options: InitOptions, yes: boolean) {
  const io = ioIn(folder);
  const session: Pick<Session, 'io' | 'globals'> = { io, globals: { ...GLOBALS, yes } };
  try {
    await run({ proxy: null, services: [], dryRun: false, json: true, ...options }, session as Session);
    return { proposal: JSON.parse(io.stdout.text) as Proposal, error: null };
  } catch (error) {
    return { proposal: null, error: shownError(error, false) };
  }
}

function ioIn(cwd: string) {
  const { PATH = '', HOME = '' } = process.env;
  return fakeIo({ PATH, HOME }, { cwd });
}

async function changesIn(folder: string, original: string): Promise<Initialized['files']> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = async (path: string) => {
    const name = path.slice(folder.length + 1);
    const before = await readFile(join(original, name), 'utf8').catch(() => null);
    return [name, { before, after: await readFile(path, 'utf8') }] as const;
  };
  const all = await Promise.all(names.map(read));
  return Object.fromEntries(all.filter(([, { before, after }]) => before !== after));
}

/** What becomes of each service that a deploy replaces: `web: blue-green, port 3000; worker: rolling in place`. */
export function becomes({ services }: Project): string {
  const replaced = Object.values(services).filter(({ placement }) => placement !== 'shared');
  return replaced.map(roleText).join('; ');
}

function roleText({ name, placement, strategy, route, update }: Project['services'][string]): string {
  if (placement === 'one-shot') return `${name}: once in each deploy`;
  const place = route === null ? '' : `${route.host ?? ''}${route.path ?? ''}`;
  const port = route === null ? '' : `, port ${String(route.port)}${place === '' ? '' : ` at ${place}`}`;
  const order = placement === 'in-place' && update.order === 'stop-first' ? ', the old one stops first' : '';
  return `${name}: ${strategy}${placement === 'in-place' ? ' in place' : ''}${port}${order}`;
}

interface Row {
  readonly name: string;
  readonly result: Initialized;
}

/** The text of docs/init.md. */
export async function tableOf(rows: readonly Row[]): Promise<string> {
  const lines = await Promise.all(rows.map(rowOf));
  const table = [
    '| project | a deploy then replaces | what is written, or why not |',
    '|---|---|---|',
    ...lines.toSorted(),
  ];
  return `${INTRODUCTION}\n${table.join('\n')}\n`;
}

async function rowOf({ name, result }: Row): Promise<string> {
  const compose = await readFile(join(SHAPES, name, 'compose.yml'), 'utf8');
  const title = /^# (.*)$/m.exec(compose)?.[1] ?? name;
  const { project, error, proposal, files } = result;
  const written = Object.entries(files).map(([file, { before }]) => `\`${file}\`${before === null ? ' (new)' : ''}`);
  const left = (proposal?.byHand.length ?? 0) > 0 ? ['the proxy’s lines are left to you, and shown'] : [];
  const did = [...written.toSorted(), ...left].join(', ');
  const why =
    error === null
      ? did || 'nothing: all of it is there'
      : `no: ${error.what.replaceAll(/\S*\/deploy-bg-init-\w+\/[\w-]+\//g, '')}`;
  return `| ${[title, project === null ? '–' : becomes(project), why].map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
}

const INTRODUCTION = `# init: a project of yours, ready for its first deploy

\`docker deploy-bg init\` reads the compose files and the configuration of the proxy in them, and shows what a deploy needs
and is not there: each change with its reason, and the differences line by line. It writes when you say yes, and asks no
engine. Comments and the order of your keys stay. What the result would be is checked by the reader that every command
uses; if that refuses it, the files are put back.

\`\`\`sh
docker deploy-bg init                      # shows it, asks, writes
docker deploy-bg init --dry-run            # shows it
docker deploy-bg init --yes                # for scripts
docker deploy-bg init --json               # the same for programs; writes with --yes only
docker deploy-bg init --services web,api   # these are what deploys shall replace
docker deploy-bg init --proxy nginx        # the proxy to add where there is none; else Caddy
\`\`\`

What it looks for, and what follows:

- **Your application** is what is built here, or has a variable for its tag, and all of the same author; else the one service
  that is reached from outside. Its tag becomes \`\${VERSION:-…}\`, with what it is now as default, so that plain Compose does
  what it did. Where the tags have a variable already, that is the one: \`version_env\`.
- **Databases, queues, caches and tools** are shared: a deploy never touches them.
- **The proxy** is the Caddy or nginx that sends requests on. It gets a folder for the files that deploys write, and where it
  says \`reverse_proxy web:3000\` or \`proxy_pass http://web:3000;\` it is made to import them. Where that could change what your
  configuration does, nothing of it is edited: you are shown the lines. Variables in the place of hosts it cannot follow.
- **A published port without a proxy** is taken over by a new one. Two versions cannot have one port, and neither can the service
  that runs and the new proxy: right before the first deploy, a command that \`init\` shows gives it up, and nobody answers
  until the new version is ready.
- **Workers** are replaced in place. What can be there only once (a scheduler, a fixed port, a \`container_name\`, data in a
  volume of its own) is replaced with a short downtime, the old one first.
- **Who is asked by name** by something behind the proxy goes into the color with it: its environment or command has the
  name, or it depends on it.
- **Further fixed ports** of what is behind the proxy get a number of their own in each color: \`compose.blue.yml\` and
  \`compose.green.yml\` are for that, and for nothing else here.
- **Traefik, nginx-proxy and caddy-docker-proxy** find containers by labels and variables, and nobody can tell them who gets
  the next request. Their services are replaced in place; a switch at once, a canary and a drain need a Caddy or nginx.
- **An nginx on the server itself** it neither sees nor sets up: [two includes and three words](../README.md#behind-the-nginx-of-the-server) do.
- **No health check**: the probe takes any answer below 500 for ready. Name a path of yours that says more.

What it does with projects as people publish them (each is a test):
`;
