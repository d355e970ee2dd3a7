import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { createAccessLog } from '../../src/adapters/proxy/access-log.ts';
import type { ProxyEngine } from '../../src/adapters/proxy/engine.ts';
import { createRouter } from '../../src/adapters/proxy/router.ts';
import type { AccessLog } from '../../src/app/check-ports.ts';
import type { Clock, Router, RouterTarget } from '../../src/app/ports.ts';
import type { RouteState } from '../../src/core/observed.ts';
import { docker, proxyEngine } from './proxy-engine.ts';

const LABELS = { 'deploy-bg.test': 'proxy' };
const APP = resolve(import.meta.dirname, '../../demo/app/server.ts');
const STARTED_DEADLINE_MS = 15_000;

export const clock: Clock = {
  now: () => Date.now(),
  wait: (ms) => new Promise((done) => setTimeout(done, ms)),
};

export type Driver = 'caddy' | 'nginx';

interface Image {
  readonly image: string;
  readonly folder: string;
  readonly config: string;
}

const PROXY: Readonly<Record<Driver, Image>> = {
  caddy: { image: 'caddy:2', folder: '/etc/caddy', config: 'Caddyfile' },
  nginx: { image: 'nginx:stable', folder: '/etc/nginx', config: 'nginx.conf' },
};

/** One by which time goes faster, so that a deadline is over sooner; files are as old as by the other. */
export function fastClock(times: number): Clock {
  const begin = Date.now();
  return {
    now: () => begin + (Date.now() - begin) * times,
    wait: (ms) => clock.wait(ms / times),
  };
}

/** A proxy and applications in a network of their own, with a router for them. */
export interface Rig {
  readonly project: string;
  readonly output: string;
  readonly router: Router;
  readonly network: string;
  /** A router for the same proxy with a template of the user's. */
  withTemplate(text: string): Promise<Router>;
  /** Another router for the same proxy, as another process has it. */
  another(deps?: { readonly clock?: Clock; readonly engine?: Partial<ProxyEngine> }): Router;
  /** What the proxy wrote down. */
  accessLog(): AccessLog;
  /** Writes the user's own configuration of the proxy. */
  configure(text: string): Promise<void>;
  /** `user` runs it as somebody else, `mounted: false` without the folder of the generated files. */
  startProxy(options?: { readonly user?: string; readonly mounted?: boolean }): Promise<string>;
  /** A demo application that answers with its version; its container is `<project>-<name>`. */
  startApp(name: string, environment?: Readonly<Record<string, string>>, port?: number): Promise<string>;
  address(container: string): Promise<string>;
  routes(...backends: readonly string[]): readonly RouteState[];
  remove(): Promise<void>;
}

export async function makeRig(driver: Driver): Promise<Rig> {
  const project = `dbgp${driver}${process.pid.toString(36)}${Math.random().toString(36).slice(2, 6)}`;
  const network = `${project}-net`;
  await createNetwork(network);
  const folder = await mkdtemp(join(tmpdir(), `${project}-`));
  await chmod(folder, 0o755);
  await bundle(folder);
  const output = join(folder, 'generated');
  await mkdir(output);
  const proxy = PROXY[driver];
  const mounted = `${proxy.folder}/deploy-bg`;
  const config = join(folder, proxy.config);

  const create = async (name: string, image: string, more: object, environment: readonly string[]): Promise<string> => {
    const { HostConfig, ...rest } = more as { HostConfig: object };
    const container = await docker.createContainer({
      name,
      Image: image,
      Labels: LABELS,
      Env: [...environment],
      HostConfig: { NetworkMode: network, ...HostConfig },
      ...rest,
    });
    await container.start();
    return name;
  };

  const targetWith = (template: string | null): RouterTarget => ({
    project,
    spec: { driver, service: 'proxy', output, mounted, template },
  });
  const routerWith = (template: string | null): Router =>
    createRouter(targetWith(template), { engine: proxyEngine, clock });

  return {
    project,
    output,
    network,
    router: routerWith(null),
    withTemplate: async (text) => {
      await writeFile(join(folder, 'own.hbs'), text);
      return routerWith(join(folder, 'own.hbs'));
    },
    another: ({ clock: own = clock, engine = {} } = {}) =>
      createRouter(targetWith(null), { engine: { ...proxyEngine, ...engine }, clock: own }),
    accessLog: () => {
      const log = createAccessLog(targetWith(null), clock);
      if (log === null) throw new Error('this proxy has no log');
      return log;
    },
    configure: (text) => writeFile(config, text),
    startProxy: ({ user = '', mounted: withFolder = true } = {}) => {
      const own = `${config}:${proxy.folder}/${proxy.config}`;
      const Binds = withFolder ? [own, `${output}:${mounted}`] : [own];
      return create(
        `${project}-proxy`,
        proxy.image,
        { User: user, HostConfig: { Binds, DnsOptions: ['ndots:1'] } },
        [],
      );
    },
    startApp: async (name, environment = {}, port = 3000) => {
      const Env = Object.entries({ APP_VERSION: name, ...environment }).map(([key, value]) => `${key}=${value}`);
      const more = { Cmd: ['node', '/app/server.mjs'], HostConfig: { Binds: [`${folder}/app:/app:ro`] } };
      const container = await create(`${project}-${name}`, 'node:24-slim', more, Env);
      await answers(`http://${await addressOf(container, network)}:${port}/health`);
      return container;
    },
    address: (container) => addressOf(container, network),
    routes: (...backends) => [
      {
        service: 'web',
        host: null,
        path: null,
        backends: backends.map((container) => ({ container, port: 3000, weight: 1 })),
      },
    ],
    remove: async () => {
      const all = await docker.listContainers({ all: true, filters: { network: [network] } });
      const named = await docker.listContainers({ all: true, filters: { name: [`${project}-`] } });
      const ids = new Set([...all, ...named].map(({ Id }) => Id));
      await Promise.all([...ids].map((id) => docker.getContainer(id).remove({ force: true, v: true })));
      await docker.getNetwork(network).remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** With addresses outside of the engine's pools, which are small, and used up by other tests. The engine says what is free. */
async function createNetwork(name: string): Promise<void> {
  const first = Math.floor(Math.random() * 256);
  for (let nth = 0; nth < 256; nth += 1) {
    const Subnet = `10.213.${String((first + nth) % 256)}.0/24`;
    try {
      await docker.createNetwork({ Name: name, Labels: LABELS, IPAM: { Driver: 'default', Config: [{ Subnet }] } });
      return;
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('Pool overlaps'))) throw error;
    }
  }
  throw new Error('all of 10.213.0.0/16 is taken by networks');
}

/** The demo application in one file, as its image has it. */
async function bundle(folder: string): Promise<void> {
  await build({
    entryPoints: [APP],
    outfile: join(folder, 'app', 'server.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
  });
}

async function addressOf(container: string, network: string): Promise<string> {
  const found = await docker.getContainer(container).inspect();
  return found.NetworkSettings.Networks[network]?.IPAddress ?? '';
}

/** Resolves when the URL answers with any status. */
export async function answers(url: string): Promise<void> {
  const until = Date.now() + STARTED_DEADLINE_MS;
  for (;;) {
    const status = await fetch(url).then(
      (response) => response.status,
      () => null,
    );
    if (status !== null) return;
    if (Date.now() > until) throw new Error(`waited for ${url} to answer`);
    await clock.wait(50);
  }
}
