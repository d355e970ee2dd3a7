import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Load, LoadOptions } from '../../demo/load/load.ts';
import type { LoadReport } from '../../demo/load/types.ts';
import { HostNginx } from './host-nginx.ts';
import { docker, engine, type ProxyKind, type Run, type TestProject } from './project.ts';
import { TestSshd } from './sshd.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'examples');
const KINDS = { kept: 3, fresh: 2 };

/** A folder of examples/, as a person runs it. */
export interface Example {
  readonly folder: string;
  readonly proxy: ProxyKind;
  /** Lines that do not end with 0. */
  readonly exits?: Readonly<Record<string, number>>;
  /** What lines say. */
  readonly says?: Readonly<Record<string, RegExp>>;
  /** What is true after lines. @throws if it is not */
  readonly after?: Readonly<Record<string, (project: TestProject) => Promise<void>>>;
  readonly load?: (port: number) => Partial<LoadOptions>;
  /** What a person who runs it has besides: variables of his shell, until they are taken away. */
  readonly has?: (project: TestProject) => Promise<Belongings>;
  /** Begins the line that nobody asks the project after; without it, `docker compose down`. */
  readonly ends?: string;
  /** Who answers; without it, v1 and v2. */
  readonly versions?: readonly string[];
  /** Requests that fail all the same, by the version that answered them; '' is nobody. */
  readonly fails?: readonly string[];
}

interface Belongings {
  readonly env: Readonly<Record<string, string>>;
  readonly remove: () => Promise<void>;
}

/** Debian's nginx resets idle connections when it reloads (W06): each request has one of its own. */
const BEHIND_HOST = {
  proxy: 'nginx',
  has: nginxOfHost,
  load: () => ({ kinds: { fresh: 5 } }),
  ends: 'docker deploy-bg reset',
} as const satisfies Partial<Example>;

/** What a person types in each of them, and what is true of it. */
export const EXAMPLES: readonly Example[] = [
  {
    folder: 'caddy-tls',
    proxy: 'caddy',
    load: (port) => ({
      url: `https://127.0.0.1:${String(port)}`,
      host: 'localhost',
      kinds: { ...KINDS, 'kept-h2': 2 },
    }),
  },
  { folder: 'nginx', proxy: 'nginx' },
  { folder: 'nginx-host', ...BEHIND_HOST },
  { folder: 'two-ports', ...BEHIND_HOST },
  { folder: 'rolling', proxy: 'caddy' },
  { folder: 'canary', proxy: 'caddy', exits: { 'docker deploy-bg deploy v3': 1 }, fails: ['v3'] },
  { folder: 'recreate', proxy: 'caddy', fails: [''] },
  { folder: 'coming-from', proxy: 'caddy', versions: ['v2', 'v3'] },
  { folder: 'ci', proxy: 'nginx', has: sshServer },
  {
    folder: 'leaving',
    proxy: 'nginx',
    says: { 'docker compose up -d --no-build': /^(?![^]*(Creat|Recreat|Start|Stop|Remov))[^]*web-1 {2}Running/ },
    after: { 'rm -r nginx/deploy-bg': isPlain },
  },
  {
    folder: 'updates',
    proxy: 'caddy',
    exits: { 'docker deploy-bg update --quiet': 1 },
    says: {
      'docker deploy-bg update --dry-run': /would bring in latest/,
      'docker-deploy-bg update --wait=10m --quiet': /^$/,
      'docker deploy-bg update --quiet': /not ready after 15 s[^]*\n {2}serving: [^]*\n {2}next: /,
      'systemd-analyze verify ./deploy-bg-*': /^$/,
    },
  },
];

/** One line of a README, typed. */
export interface Typed {
  readonly line: string;
  readonly run: Run;
  /** What became of all requests so far; null before the first deploy. */
  readonly report: LoadReport | null;
}

/** Every line that its README says to type, in their order. */
export async function printed(folder: string): Promise<readonly string[]> {
  const text = await readFile(join(FOLDER, folder, 'README.md'), 'utf8');
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.trim().split('\n'));
}

/** Types what is printed, under load from the end of the first deploy until the project is taken down. */
export async function* typed(project: TestProject, example: Example): AsyncGenerator<Typed> {
  const { env = {}, remove } = (await example.has?.(project)) ?? {};
  try {
    yield* typedWith(project, example, env);
  } finally {
    await remove?.();
  }
}

async function sshServer(project: TestProject): Promise<Belongings> {
  const sshd = await TestSshd.create();
  return { env: sshd.variables(project.directory), remove: () => sshd.dispose() };
}

async function nginxOfHost({ port }: TestProject): Promise<Belongings> {
  const nginx = await HostNginx.create();
  await nginx.start();
  return { env: { PATH: nginx.path, NGINX: nginx.folder, PORT: String(port) }, remove: () => nginx.remove() };
}

async function* typedWith(
  project: TestProject,
  { folder, load: options, ends = 'docker compose down' }: Example,
  env: Readonly<Record<string, string>>,
): AsyncGenerator<Typed> {
  let load: Load | null = null;
  for (const line of await printed(folder)) {
    if (isMissing(line)) continue;
    if (line.startsWith(ends)) await load?.stop();
    const run = await project.type(line, env);
    if (load === null && deploys(line)) {
      load = project.load({ kinds: KINDS, ...options?.(project.port) });
      await load.waitFor((report) => report.requests > 0, 10_000, 'requests');
    }
    yield { line, run, report: load?.report() ?? null };
  }
}

/** Nothing of ours is left, in the engine or in the folder. @throws naming what is */
async function isPlain(project: TestProject): Promise<void> {
  const filters = { label: [`com.docker.compose.project=${project.name}`] };
  const containers = await docker.listContainers({ all: true, filters });
  const networks = await docker.listNetworks({ filters: { name: [project.name] } });
  const left = [
    ...(await project.containers()).flatMap(({ name, color }) => (color === null ? [] : [name])),
    ...networks.flatMap(({ Name }) => (Name === `${project.name}_default` ? [] : [Name])),
    ...(await engine.pinnedTags(project.name)),
    ...(await readdir(project.directory, { recursive: true })).filter((path) =>
      /deploy-bg|deployment-color/.test(path),
    ),
  ];
  if (containers.length === 0 || left.length > 0) throw new Error(`left of ours: ${left.join(', ')}`);
}

/** True of lines that bring a version in. */
export function deploys(line: string): boolean {
  return /deploy-bg (deploy|update)\b|^\.\/deploy\.sh /.test(line) && !line.includes('--dry-run');
}

/** What a machine without systemd cannot say. */
function isMissing(line: string): boolean {
  return line.startsWith('systemd-analyze ') && !existsSync('/usr/bin/systemd-analyze');
}
