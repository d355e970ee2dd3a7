import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Docker from 'dockerode';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { startLoad, type Load, type LoadOptions } from '../../demo/load/load.ts';
import { AgentClient } from '../../src/adapters/agent-socket/client.ts';
import { DockerEngine } from '../../src/adapters/docker/engine.ts';
import { EXIT } from '../../src/core/errors.ts';
import type { HostNginx } from './host-nginx.ts';
import type { ObservedContainer } from '../../src/core/observed.ts';

const ROOT = join(import.meta.dirname, '..', '..');
export const CLI = join(ROOT, 'dist', 'docker-deploy-bg.js');
const APP = join(ROOT, 'dist', 'demo', 'app');

/** Label of everything that engine tests create besides what Compose and we label ourselves. */
export const TEST_LABEL = 'deploy-bg.test';

/** Where ports are published: scripts/own-engine has an engine on another address. */
const HOST = process.env['DEPLOY_BG_TEST_APART'] ?? '127.0.0.1';

export const docker = new Docker();
export const engine = new DockerEngine(docker);

export type ProxyKind = 'caddy' | 'nginx';

type Yaml = Readonly<Record<string, unknown>>;

export interface ProjectOptions {
  readonly proxy: ProxyKind;
  /** An nginx of this machine in the place of the proxy's service. */
  readonly host?: HostNginx;
  /** Merged over the one routed service `web` with two replicas. */
  readonly web?: Yaml;
  /** Also serve https://localhost with HTTP/2, with a certificate that nobody signed. */
  readonly tls?: boolean;
  /** Have the proxy write down what it answered, for `builtin` checks. */
  readonly accessLog?: boolean;
  /** Merged over the proxy's service. */
  readonly proxyService?: Yaml;
  /** Further services by name. */
  readonly services?: Readonly<Record<string, Yaml>>;
  /** Merged over the top-level `x-deploy-bg`. */
  readonly settings?: Yaml;
  /** Further top-level keys (volumes, networks, secrets). */
  readonly top?: Yaml;
}

/** What a command of ours printed and how it ended. */
export interface Run {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** When it returned, on the load generator's clock. */
  readonly endedAt: number;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  /** A command that runs another one, as another user. */
  readonly as?: readonly string[];
}

/** Every deploy is the agent's, and the command that began it only watches. */
export const DETACHED = process.env['DEPLOY_BG_TEST_DETACHED'] === '1';
/** Those that say themselves who runs them. */
const STAYS: ReadonlySet<string> = new Set(['--detach', '--attach', '--dry-run']);
export const AGENT = 'deploy-bg-agent';

/** A Compose project of its own on the real engine, with the demo application behind a real proxy. */
export class TestProject {
  readonly name: string;
  readonly directory: string;
  readonly port: number;
  readonly proxy: ProxyKind;
  /** Null without TLS. */
  readonly tlsPort: number | null;
  /** What every command has in its environment. */
  #env: Readonly<Record<string, string>> = {};
  readonly #loads: Load[] = [];
  readonly #images = new Set<string>();
  /** Ids by content: built again, an image is the same. */
  readonly #builds = new Map<string, string>();

  private constructor(name: string, directory: string, port: number, tlsPort: number | null, proxy: ProxyKind) {
    this.name = name;
    this.tlsPort = tlsPort;
    this.directory = directory;
    this.port = port;
    this.proxy = proxy;
  }

  /** Writes the compose file and the proxy's configuration as a user would; starts nothing. */
  static async create(options: ProjectOptions): Promise<TestProject> {
    const name = `dbg${randomBytes(3).toString('hex')}`;
    const directory = await realpath(await mkdtemp(join(tmpdir(), `${name}-`)));
    const tlsPort = options.tls === true ? await freePort() : null;
    const project = new TestProject(name, directory, await freePort(), tlsPort, options.proxy);
    await project.write('compose.yml', stringify(composeFile(project, options)));
    if (options.host === undefined) await project.write(...proxyFile(options));
    else await project.#behind(options.host);
    if (options.tls === true) await makeCertificate(join(directory, 'proxy'));
    await mkdir(join(directory, 'proxy', 'deploy-bg'), { recursive: true });
    return project;
  }

  /**
   * A copy of a folder of examples/, file by file as it is. Only what a person may choose is another one: the project's
   * name, the ports and the registry, in `.env`.
   */
  static async example(folder: string, proxy: ProxyKind): Promise<TestProject> {
    const name = `dbg${randomBytes(3).toString('hex')}`;
    const directory = await realpath(await mkdtemp(join(tmpdir(), `${name}-`)));
    const project = new TestProject(name, directory, await freePort(), null, proxy);
    await cp(join(ROOT, 'examples', folder), directory, { recursive: true });
    const ports = {
      PORT: project.port,
      REGISTRY_PORT: await freePort(),
      BLUE_PORT: await freePort(),
      GREEN_PORT: await freePort(),
    };
    const chosen = Object.entries({ COMPOSE_PROJECT_NAME: name, REGISTRY: name, ...ports });
    await project.write('.env', chosen.map(([key, value]) => `${key}=${String(value)}\n`).join(''));
    return project;
  }

  /** What a person does whose nginx is on the machine: a site that includes what deploys write, and the nginx in PATH. */
  async #behind(nginx: HostNginx): Promise<void> {
    this.#env = { PATH: nginx.path };
    await nginx.site(this.hostSite());
  }

  /** The same with something of the user's own behind it. */
  hostSite(more = ''): string {
    const folder = join(this.directory, 'proxy', 'deploy-bg');
    const log = `include ${folder}/access-log.conf;`;
    const server = `listen ${HOST}:${String(this.port)}; ${log} include ${folder}/routes.conf;`;
    return `include ${folder}/http.conf;\nserver { ${server} }\n${more}`;
  }

  /** Writes the compose file anew, as a user who edits it. */
  async edit(options: Omit<ProjectOptions, 'proxy'>): Promise<void> {
    await this.write('compose.yml', stringify(composeFile(this, { ...options, proxy: this.proxy })));
  }

  get url(): string {
    return `http://${HOST}:${String(this.port)}`;
  }

  /** Writes a file of the project folder. */
  async write(path: string, content: string): Promise<void> {
    await mkdir(dirname(join(this.directory, path)), { recursive: true });
    await writeFile(join(this.directory, path), content);
  }

  /** A file of the project folder. */
  read(path: string): Promise<string> {
    return readFile(join(this.directory, path), 'utf8');
  }

  /** Removes a file or folder of the project folder. */
  async remove(path: string): Promise<void> {
    await rm(join(this.directory, path), { recursive: true });
  }

  /** Has the proxy check the configuration that it has on disk. @throws with its words */
  async proxyAccepts(): Promise<void> {
    const config = '/etc/caddy/Caddyfile';
    const check = this.proxy === 'caddy' ? ['caddy', 'validate', '--config', config] : ['nginx', '-t'];
    await execa('docker', ['exec', `${this.name}-proxy-1`, ...check]);
  }

  /** Image reference that the compose file names for a service at a version. */
  image(version: string, service = 'app'): string {
    return `${this.name}/${service}:${version}`;
  }

  /** Makes an image of the application at a version, with its behaviour given by environment (see demo/app/settings.ts). */
  async build(version: string, behaviour: Readonly<Record<string, string>> = {}, service = 'app'): Promise<void> {
    const reference = this.image(version, service);
    this.#images.add(reference);
    const env = Object.entries({ APP_VERSION: version, ...behaviour }).map(
      ([key, value]) => `ENV ${key}=${JSON.stringify(value)}\n`,
    );
    const changes = `LABEL ${TEST_LABEL}=${this.name}\n${env.join('')}`;
    const [repo, tag] = [reference.slice(0, -version.length - 1), version];
    const same = this.#builds.get(changes);
    if (same === undefined) this.#builds.set(changes, await commit({ repo, tag, changes }));
    else await docker.getImage(same).tag({ repo, tag });
  }

  /** Runs `docker-deploy-bg` in the project folder, as a process of its own. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Run> {
    const [verb = '', ...words] = args;
    const handsOver = DETACHED && verb === 'deploy' && !words.some((word) => STAYS.has(word));
    if (handsOver && isOwners(options) && (await this.hasAgent())) {
      const run = ended(await this.spawn([verb, '--detach', '--attach', ...words], options));
      // What only the host can do it does itself.
      if (!run.stderr.includes('--detach is not possible')) return run;
    }
    return ended(await this.spawn(args, options));
  }

  /** Has an agent that takes deploys over; false where the agent is none for this project. */
  async hasAgent(): Promise<boolean> {
    if (!(await this.read('compose.yml')).includes(AGENT)) {
      const { exitCode, stderr } = await this.spawn(['agent', 'init']);
      if (exitCode === EXIT.failed) throw new Error(`no agent could be made:\n${stderr}`);
      // What is refused there is refused to the deploy, too.
      if (exitCode !== 0) return false;
    }
    const client = new AgentClient(join(this.directory, '.deploy-bg'));
    const answers = (): Promise<boolean> =>
      client.about().then(
        () => true,
        () => false,
      );
    if (await answers()) return true;
    await this.compose(['up', '-d', '--wait', AGENT]);
    // It makes its socket again where the state was removed.
    await until('the agent to answer', answers);
    return true;
  }

  /** The same, as a process that can be signalled. */
  spawn(args: readonly string[], options: RunOptions = {}) {
    const [binary = 'node', ...words] = [...(options.as ?? []), 'node', CLI, ...args];
    return execa(binary, words, {
      cwd: options.cwd ?? this.directory,
      env: { NO_COLOR: '1', ...this.#env, ...options.env },
      stdin: 'ignore',
      reject: false,
      ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    });
  }

  deploy(version: string, ...args: string[]): Promise<Run> {
    return this.run(['deploy', version, ...args]);
  }

  /** A line as a person types it, where `docker deploy-bg` and `docker-deploy-bg` are this one. */
  async type(line: string, env: Readonly<Record<string, string>> = {}): Promise<Run> {
    const plugin = `docker() { if [ "$1" = deploy-bg ]; then node ${CLI} "\${@:2}"; else command docker "$@"; fi; }`;
    const program = `docker-deploy-bg() { node ${CLI} "$@"; }`;
    return ended(
      await execa('bash', ['-c', `${plugin}\n${program}\n${line}`], {
        cwd: this.directory,
        env: { NO_COLOR: '1', ...env },
        stdin: 'ignore',
        reject: false,
      }),
    );
  }

  /** Plain Compose, as a person types it. */
  async compose(args: readonly string[], version = 'v1'): Promise<string> {
    const { stdout } = await execa('docker', ['compose', ...args], {
      cwd: this.directory,
      env: { VERSION: version },
      stdin: 'ignore',
    });
    return stdout;
  }

  /** Everything of the project, in every state. */
  containers(): Promise<readonly ObservedContainer[]> {
    return engine.containers(this.name);
  }

  /** Running replicas of a service, wherever they are. */
  async replicas(service = 'web'): Promise<readonly ObservedContainer[]> {
    return (await this.containers()).filter((c) => c.service === service && c.state === 'running' && !c.oneOff);
  }

  /** Accounted load through the proxy; stopped with the project if the test does not stop it. */
  load(options: Partial<LoadOptions> = {}): Load {
    const load = startLoad({ url: this.url, ...options });
    this.#loads.push(load);
    return load;
  }

  /** `status --json`. */
  async status(): Promise<StatusJson> {
    const { stdout } = await this.run(['status', '--json']);
    return JSON.parse(stdout) as StatusJson;
  }

  /** Ids of the running containers of some services in the user's own project, sorted. */
  async plainIds(...services: string[]): Promise<readonly string[]> {
    const all = await this.containers();
    return all
      .filter((c) => c.color === null && services.includes(c.service) && c.state === 'running')
      .map((c) => c.id)
      .sort();
  }

  /** Removes everything of this project, by label, also after a failure. */
  async dispose(): Promise<void> {
    await Promise.allSettled(this.#loads.map((load) => load.stop()));
    // Colors first: their containers are on the networks of the user's own project.
    for (const project of [`${this.name}-blue`, `${this.name}-green`, this.name]) await removeComposeProject(project);
    const tags = await engine.pinnedTags(this.name);
    const [built, pulled] = await Promise.all([
      docker.listImages({ filters: { reference: [`${this.name}/*`, `*/${this.name}/*`] } }),
      docker.listImages({ filters: { label: [`${TEST_LABEL}=${this.name}`] } }),
    ]);
    for (const { RepoTags } of [...built, ...pulled]) for (const tag of RepoTags ?? []) this.#images.add(tag);
    // By name: another project may have the same image.
    const digests = built.flatMap(({ RepoDigests }) => RepoDigests ?? []).filter((name) => name.includes(this.name));
    for (const digest of digests) this.#images.add(digest);
    await Promise.allSettled([...tags, ...this.#images].map((tag) => docker.getImage(tag).remove({ force: true })));
    // A pulled image whose tag moved on is known by its digest only.
    await Promise.allSettled(pulled.map(({ Id }) => docker.getImage(Id).remove({ force: true })));
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** An agent listens to its owner, about one folder and its state. */
function isOwners({ as, cwd, env }: RunOptions): boolean {
  return as === undefined && cwd === undefined && env?.['DEPLOY_BG_STATE_DIR'] === undefined;
}

function ended(result: { readonly exitCode?: number; readonly stdout: string; readonly stderr: string }): Run {
  const { exitCode = -1, stdout, stderr } = result;
  return { exit: exitCode, stdout, stderr, endedAt: performance.timeOrigin + performance.now() };
}

export type StatusJson = Awaited<ReturnType<typeof import('../../src/app/status.ts').status>>;

/** Creates a project, hands it to the test, and removes everything afterwards, whatever happened. */
export async function withProject(
  options: ProjectOptions,
  test: (project: TestProject) => Promise<void>,
): Promise<void> {
  const project = await TestProject.create(options);
  try {
    await test(project);
  } finally {
    await project.dispose();
  }
}

/** The run, which has to have succeeded. @throws with what it said */
export async function ok(run: Promise<Run>): Promise<Run> {
  const ended = await run;
  if (ended.exit !== 0) throw new Error(`exit ${String(ended.exit)}:\n${ended.stderr}`);
  return ended;
}

/** Polls until a condition holds. @throws naming what was waited for */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  deadlineMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${String(deadlineMs)} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function composeFile(project: TestProject, options: ProjectOptions): Yaml {
  const [proxy, service] =
    options.host === undefined
      ? [{ service: 'proxy' }, { proxy: { ...proxyService(project), ...options.proxyService } }]
      : [{ driver: 'nginx', host: true, output: './proxy/deploy-bg' }, {}];
  return {
    name: project.name,
    'x-deploy-bg': { proxy, strategy: 'blue-green', drain_timeout: '12s', ...options.settings },
    ...options.top,
    services: {
      ...service,
      web: { ...webService(project), ...options.web },
      ...options.services,
    },
  };
}

function proxyService({ proxy, port, tlsPort }: TestProject): Yaml {
  const tls = tlsPort === null ? [] : [`${HOST}:${String(tlsPort)}:443`];
  const ports = [`${HOST}:${String(port)}:80`, ...tls];
  return proxy === 'caddy'
    ? {
        image: 'caddy:2',
        ports,
        volumes: ['./proxy:/etc/caddy'],
        dns_opt: ['ndots:1'],
        stop_grace_period: '1s',
      }
    : {
        image: 'nginx:stable',
        ports,
        volumes: [
          './proxy/nginx.conf:/etc/nginx/nginx.conf:ro',
          './proxy/tls:/etc/nginx/tls:ro',
          './proxy/deploy-bg:/etc/nginx/deploy-bg',
        ],
        stop_grace_period: '1s',
      };
}

/** A replica that is ready 300 ms after its start and drains on SIGTERM. */
export function webService(project: TestProject, over: Yaml = {}): Yaml {
  return {
    image: `${project.name}/app:\${VERSION:-v1}`,
    healthcheck: { test: CALM_HEALTHCHECK.test, interval: '1s', timeout: '10s', retries: 2 },
    deploy: { replicas: 2, update_config: { monitor: '1s' } },
    'x-deploy-bg': { route: { port: 3000, probe: { path: '/health' } } },
    ...over,
  };
}

/**
 * A health check that leaves the machine alone: nine containers that start a node every second are all that two
 * cores can do. Asked often only while the container starts.
 */
export const CALM_HEALTHCHECK = {
  test: [
    'CMD',
    'bash',
    '-c',
    "exec 3<>/dev/tcp/127.0.0.1/3000; printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3; grep -q '200 OK' <&3",
  ],
  interval: '5s',
  timeout: '5s',
  retries: 2,
  start_period: '20s',
  start_interval: '500ms',
} as const;

function proxyFile({ proxy, tls = false, accessLog = false }: ProjectOptions): [string, string] {
  return proxy === 'caddy'
    ? ['proxy/Caddyfile', caddyfile(tls, accessLog)]
    : ['proxy/nginx.conf', nginxConf(tls, accessLog)];
}

function caddyfile(tls: boolean, accessLog: boolean): string {
  const certificate = '\ttls /etc/caddy/tls/cert.pem /etc/caddy/tls/key.pem\n';
  const secure = `https://localhost {\n${certificate}\timport deploy-bg\n}\n`;
  const log = accessLog ? '\timport deploy-bg-log\n' : '';
  return `import /etc/caddy/deploy-bg/*.caddy\n:80 {\n${log}\timport deploy-bg\n}\n${tls ? secure : ''}`;
}

function nginxConf(tls: boolean, accessLog: boolean): string {
  const secure = `listen 443 ssl;
    http2 on;
    ssl_certificate /etc/nginx/tls/cert.pem;
    ssl_certificate_key /etc/nginx/tls/key.pem;`;
  return `worker_processes 2;
events { worker_connections 1024; }
http {
  access_log off;
  include /etc/nginx/deploy-bg/http.conf;
  server {
    listen 80;
    ${tls ? secure : ''}
    ${accessLog ? 'include /etc/nginx/deploy-bg/access-log.conf;' : ''}
    include /etc/nginx/deploy-bg/routes.conf;
  }
}
`;
}

async function makeCertificate(folder: string): Promise<void> {
  await mkdir(join(folder, 'tls'), { recursive: true });
  const files = ['-keyout', join(folder, 'tls', 'key.pem'), '-out', join(folder, 'tls', 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  await execa('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, ...files]);
}

/** An image by the engine alone, in a tenth of the time that a build takes. @returns its id */
async function commit(image: {
  readonly repo: string;
  readonly tag: string;
  readonly changes: string;
}): Promise<string> {
  const container = await docker.createContainer({ Image: await baseImage(), Labels: { [TEST_LABEL]: 'base' } });
  try {
    await container.commit({ ...image, pause: false });
    return (await docker.getImage(`${image.repo}:${image.tag}`).inspect()).Id;
  } finally {
    await container.remove();
  }
}

let base: Promise<string> | null = null;

/** The application's own image, built once for all tests; Docker's cache makes it cheap. */
function baseImage(): Promise<string> {
  base ??= execa('docker', [
    'build',
    '-q',
    '-t',
    'deploy-bg-test-app',
    '--label',
    `${TEST_LABEL}=base`,
    '--build-arg',
    'VERSION=base',
    APP,
  ]).then(() => 'deploy-bg-test-app');
  return base;
}

/** A port of this machine that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

async function removeComposeProject(project: string): Promise<void> {
  const filters = { label: [`com.docker.compose.project=${project}`] };
  const containers = await docker.listContainers({ all: true, filters });
  await Promise.allSettled(containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })));
  const networks = await docker.listNetworks({ filters });
  await Promise.allSettled(networks.map(({ Id }) => docker.getNetwork(Id).remove()));
  const { Volumes: volumes } = await docker.listVolumes({ filters });
  await Promise.allSettled(volumes.map(({ Name }) => docker.getVolume(Name).remove()));
}
