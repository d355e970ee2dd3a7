import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as timeout } from 'node:timers/promises';
import { FileStore } from '../../src/adapters/store/file-store.ts';
import { deploy, type DeployOptions } from '../../src/app/deploy.ts';
import type { Outcome } from '../../src/app/outcome.ts';
import type {
  Compose,
  Engine,
  EngineMachine,
  FrozenRelease,
  HostMemory,
  ImageSource,
  Ports,
  Registry,
  Router,
} from '../../src/app/ports.ts';
import { DeployError } from '../../src/core/errors.ts';
import type { ProgressEvent } from '../../src/core/events.ts';
import type { Raw } from '../../src/core/checks.ts';
import { releaseSide } from '../../src/core/live.ts';
import { type Hooks, NO_HOOKS } from '../../src/core/hooks.ts';
import type { ObservedContainer, Unreadable } from '../../src/core/observed.ts';
import type { Diagnostic, Project, ProxySpec, ServiceSpec } from '../../src/core/project.ts';
import type { RolloutRecord } from '../../src/core/record.ts';
import type { GivenTimes } from '../../src/core/times.ts';
import type { UpdateSpec } from '../../src/core/update.ts';
import { FastClock } from './fast-clock.ts';
import { World, type WorldOptions } from './simulator.ts';

/** How a verb ended, as a shell sees it. */
export interface Ended {
  readonly exit: number;
  readonly outcome: Outcome | null;
  readonly error: DeployError | null;
}

/** One process of ours: what it said, how it ended, and how to end it. */
export interface Terminal {
  readonly ports: Ports;
  readonly events: ProgressEvent[];
  readonly ended: Promise<Ended>;
  readonly interrupt: () => void;
  /** Takes its engine away: it ends without a word to the others. */
  readonly cutOff: () => void;
}

/**
 * A host on which use cases run as processes do: the real store in a real folder, and an engine, a Compose and a proxy
 * that are simulated, on a clock that runs fast.
 */
export class Host {
  readonly world: World;
  readonly folder: string;
  /** Services of the compose files, by version. */
  services: (version: string) => readonly ServiceSpec[];
  /** What was rebuilt: image ids by reference, where they are not the reference itself. */
  readonly images = new Map<string, string>();
  /** Images were fetched for these versions. */
  readonly fetched: string[] = [];
  readonly clock: FastClock;
  /** Containers of the project that nobody here made. */
  strangers: readonly ObservedContainer[] = [];
  /** What colored containers say whose they are; null: this checkout's. */
  storeOfLabels: string | null = null;
  /** Image tags that the engine has. */
  readonly tags = new Set<string>();
  /** What the proxy’s driver finds wrong with its files; it writes them anew when it is told routes. */
  readonly faults: string[] = [];
  /** Digests by name that the registry has; one that it does not have is not answered. */
  readonly registry = new Map<string, string>();
  /** Ids of images that no registry knows. */
  readonly built = new Set<string>();
  hasAgent = false;
  proxy: ProxySpec = { driver: 'none', service: null, output: null, mounted: null, template: null };
  /** Requests that each container holds, by the proxy's word. */
  inFlight = 0;
  /** Names of containers that were restarted. */
  readonly restarted: string[] = [];
  /** What the engine says when containers are to be removed; null: it removes them. */
  refuseRemoval: (() => DeployError) | null = null;
  hooks: Hooks = NO_HOOKS;
  registryTags: readonly string[] | null = null;
  update: UpdateSpec = { image: null, range: null, version: null, schedule: null, window: null };
  /** What the engine says of its machine, and what this machine says of itself. */
  machine: EngineMachine = { memoryBytes: null, dataRoot: null };
  memory: HostMemory | null = null;
  /** Bytes that every container has, and those that the compose files allow it. */
  memoryUsed: number | null = null;
  memoryLimit: number | null = null;
  /** Where images come from, by service; of the others they are here. */
  readonly sources = new Map<string, ImageSource>();
  /** The proxy's answer to the question whether it reloads. */
  reloads: boolean | null = false;
  /** What shared services are otherwise than the files say. */
  readonly drift: Diagnostic[] = [];
  /** Why the proxy does not answer; null: it does. */
  silence: Unreadable | null = null;
  /** What checks measure. */
  measures: () => Raw = () => ({ kind: 'no-data', detail: 'nobody measures here' });
  /** Called when images are fetched. */
  onFetch: () => void = () => undefined;
  /** Called before the engine is looked at, and after something was told. */
  onLook: () => void = () => undefined;
  onEvent: (event: ProgressEvent) => void = () => undefined;
  /** What the environment of the next commands says. */
  times: GivenTimes = {};
  /** Ends what `hold` began. */
  release: () => void = () => undefined;
  #held: Promise<void> = Promise.resolve();
  readonly #listeners: (() => void)[] = [];
  readonly #sick = new Set<string>();
  #ids = 0;

  private constructor(folder: string, services: (version: string) => readonly ServiceSpec[], options: WorldOptions) {
    this.folder = folder;
    this.services = services;
    this.world = new World(options);
    this.clock = new FastClock(this.world.now);
  }

  static async create(
    services: (version: string) => readonly ServiceSpec[],
    options: WorldOptions = {},
  ): Promise<Host> {
    return new Host(await realpath(await mkdtemp(join(tmpdir(), 'deploy-bg-host-'))), services, options);
  }

  dispose(): Promise<void> {
    this.clock.stop();
    return rm(this.folder, { recursive: true, force: true });
  }

  /** A store as any process opens it. */
  store(): FileStore {
    return new FileStore({ projectDirectory: this.folder, stateDirectory: join(this.folder, '.deploy-bg') });
  }

  async lastRollout(): Promise<RolloutRecord> {
    const last = (await this.store().rollouts()).at(-1);
    if (last === undefined) throw new Error('there is no rollout');
    return last;
  }

  /** Runs a use case as a process of its own. */
  run(who: string, work: (ports: Ports, signal: AbortSignal) => Promise<Outcome>): Terminal {
    const events: ProgressEvent[] = [];
    const [interrupt, cut] = [new AbortController(), new AbortController()];
    const ports = this.#ports(who, events, cut.signal);
    const ended = work(ports, interrupt.signal).then(
      (outcome): Ended => ({ exit: outcome.exit, outcome, error: null }),
      (error: unknown): Ended => {
        if (!(error instanceof DeployError)) throw error;
        return { exit: error.exit, outcome: null, error };
      },
    );
    const abort = (): void => {
      interrupt.abort('interrupt');
    };
    const cutOff = (): void => {
      cut.abort();
    };
    return { ports, events, ended, interrupt: abort, cutOff };
  }

  /** `deploy VERSION`, in a terminal of its own. */
  deploying(who: string, version: string, over: Partial<DeployOptions> = {}): Terminal {
    return this.run(who, (ports, signal) => deploy(ports, { ...PLAINLY, version, ...over }, signal));
  }

  /** The same, to its end. */
  deploy(version: string, over: Partial<DeployOptions> = {}): Promise<Ended> {
    return this.deploying('anna', version, over).ended;
  }

  /** Containers are not removed from now on until they are `release`d: the way back takes its time. */
  hold(): void {
    this.#held = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  /** Containers of a version die, and the engine says so. */
  kill(version: string): void {
    const dead = { state: 'exited', exitCode: 137, health: 'none' } as const;
    const { containers } = this.world;
    containers.splice(0, containers.length, ...containers.map((c) => (c.version === version ? { ...c, ...dead } : c)));
    for (const changed of this.#listeners) changed();
  }

  /** The first container of a version is unhealthy from now on, or well again, and the engine says so. @returns its name */
  sicken(version: string, isSick = true): string {
    const container = this.world.containers.find((c) => c.version === version);
    if (container === undefined) throw new Error(`${version} has no containers`);
    if (isSick) this.#sick.add(container.id);
    else this.#sick.delete(container.id);
    for (const changed of this.#listeners) changed();
    return container.name;
  }

  /** Waits until something is so. @throws naming it */
  async until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
    const deadline = performance.now() + 10_000;
    while (!(await condition())) {
      if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
      await timeout(5);
    }
  }

  /** Waits until the last rollout is in a state. */
  untilState(state: RolloutRecord['state']): Promise<void> {
    return this.until(state, async () => (await this.store().rollouts()).at(-1)?.state === state);
  }

  #ports(who: string, events: ProgressEvent[], cut: AbortSignal): Ports {
    const id = (): string => `id-${String((this.#ids += 1))}`;
    return {
      clock: this.clock,
      ids: { release: id, rollout: id },
      engine: this.#engine(cut),
      host: {
        hears: () => Promise.resolve(null),
        freeBytes: () => Promise.resolve(FREE_BYTES),
        memory: () => Promise.resolve(this.memory),
      },
      compose: this.#compose(),
      registry: this.#registry(),
      router: () => this.#router(),
      prober: { probe: () => Promise.resolve({ ok: true, at: this.clock.now(), detail: '200' }) },
      checker: () => ({ measure: () => Promise.resolve(this.measures()) }),
      hooks: { run: () => Promise.reject(new Error('no hooks run here')) },
      notices: () => ({ emit: () => undefined, close: () => Promise.resolve() }),
      store: this.store(),
      agent: {
        ping: () =>
          this.hasAgent
            ? Promise.resolve()
            : Promise.reject(new DeployError('agent-unreachable', { what: 'no agent runs here' })),
        about: () => Promise.reject(new Error('nobody asks for it here')),
      },
      secrets: [],
      emit: (event) => {
        events.push(event);
        this.onEvent(event);
      },
      pollMs: 400,
      times: this.times,
      who,
    };
  }

  /** The world as it is now. */
  #now(): World {
    this.world.now = Math.max(this.world.now, this.clock.now());
    return this.world;
  }

  #engine(cut: AbortSignal): Engine {
    const nothing = (): Promise<void> => Promise.resolve();
    const each = (kind: 'start' | 'stop' | 'remove', id: string): Promise<void> => {
      const there = this.world.containers.some((c) => c.id === id);
      const about = { containers: [id], graceful: true };
      if (there) this.#now().perform(NO_RECORD, { kind, ...about });
      return Promise.resolve();
    };
    return {
      ping: nothing,
      containers: async () => {
        this.onLook();
        if (cut.aborted) throw new DeployError('engine-unreachable', { what: 'the engine does not answer' });
        const store = this.storeOfLabels ?? (await this.store().id());
        const sick = { health: 'unhealthy' } as const;
        const seen = this.#now().observed().containers;
        const own = seen.map((c) => (this.#sick.has(c.id) ? { ...c, ...sick } : c));
        return [...own.map((c) => (c.store === null ? c : { ...c, store })), ...this.strangers];
      },
      watch: (_project, changed) => {
        this.#listeners.push(changed);
        return Promise.resolve();
      },
      stop: (id) => each('stop', id),
      start: (id) => each('start', id),
      restart: (id) => {
        this.restarted.push(this.world.containers.find((c) => c.id === id)?.name ?? id);
        return Promise.resolve();
      },
      startCreated: nothing,
      setRestart: nothing,
      remove: async (id) => {
        const refused = this.refuseRemoval?.() ?? null;
        if (refused !== null) throw refused;
        await this.#held;
        await each('remove', id);
      },
      logTail: () => Promise.resolve([`its last words with ${HOST_SECRET}`]),
      lastLines: () => Promise.resolve([]),
      followedLines: () => (async function* () {})(),
      stopSignal: () => Promise.resolve('SIGTERM'),
      healthLog: () => Promise.resolve([]),
      image: (reference) =>
        Promise.resolve({
          id: this.#imageId(reference),
          taggedAt: null,
          digests: this.built.has(this.#imageId(reference)) ? [] : [`digest of ${this.#imageId(reference)}`],
        }),
      tag: (_image, reference) => {
        this.tags.add(reference);
        return Promise.resolve();
      },
      untag: (reference) => {
        this.tags.delete(reference);
        return Promise.resolve();
      },
      pinnedTags: () => Promise.resolve([...this.tags]),
      composeProjectsWithNetworks: () => Promise.resolve([...this.world.networks]),
      removeNetworks: (name) => {
        this.world.networks.delete(name);
        return Promise.resolve();
      },
      machine: () => Promise.resolve(this.machine),
      memoryOf: () => Promise.resolve(this.memoryUsed),
    };
  }

  #registry(): Registry {
    const asked = <T>(answer: T | undefined): Promise<T> =>
      answer === undefined
        ? Promise.reject(new DeployError('registry-unreachable', { what: 'the registry does not answer' }))
        : Promise.resolve(answer);
    return {
      digest: (reference) => asked(this.registry.get(reference)),
      tags: () => asked(this.registryTags ?? undefined),
    };
  }

  #imageId(reference: string): string {
    if (reference.startsWith('sha256:')) return reference;
    return this.images.get(reference) ?? `sha256:${reference}`;
  }

  #compose(): Compose {
    const nothing = (): Promise<void> => Promise.resolve();
    return {
      read: (version) => Promise.resolve(this.#project(version)),
      fetchImages: ({ version }) => {
        this.fetched.push(version);
        this.onFetch();
        return Promise.resolve();
      },
      imageSource: (_project, service) => Promise.resolve(this.sources.get(service) ?? 'here'),
      sharedDrift: () => Promise.resolve(this.drift),
      startShared: nothing,
      identity: (_project, service, imageId) => Promise.resolve(`${service} of ${imageId}`),
      freeze: nothing,
      up: (frozen, service, total) => this.#up(frozen, service, total),
      runOnce: nothing,
    };
  }

  #up({ release, color, rollout }: FrozenRelease, service: string, total: number): Promise<'started'> {
    const record = { ...NO_RECORD, id: rollout, candidate: releaseSide(release, color) };
    const error = this.#now().perform(record, { kind: 'create', side: 'candidate', service, total });
    if (error !== null) throw new DeployError('engine-failed', { what: error });
    return Promise.resolve('started');
  }

  #router(): Router {
    const nothing = (): Promise<void> => Promise.resolve();
    return {
      require: nothing,
      prepare: nothing,
      apply: (routes) => {
        this.faults.length = 0;
        this.#now().perform(NO_RECORD, { kind: 'route', weight: 0, routes });
        return Promise.resolve();
      },
      check: nothing,
      reloads: () => Promise.resolve(this.reloads),
      read: () => Promise.resolve(this.silence ?? this.#now().observed().router),
      faults: () => Promise.resolve([...this.faults]),
      readingsApartMs: 100,
      inFlight: (containers) => Promise.resolve(Object.fromEntries(containers.map(({ id }) => [id, this.inFlight]))),
      warnings: () => Promise.resolve([]),
    };
  }

  #project(version: string): Project {
    const specs = this.services(version).map((spec) => ({ ...spec, image: `app:${version}` }));
    return {
      name: 'shop',
      directory: this.folder,
      version,
      services: Object.fromEntries(specs.map((spec) => [spec.name, spec])),
      facts: Object.fromEntries(specs.map(({ name }) => [name, { ...NO_FACTS, memoryLimit: this.memoryLimit }])),
      proxy: this.proxy,
      hooks: this.hooks,
      notify: [],
      update: this.update,
      history: 5,
      dependsOnVersion: true,
      models: { base: {}, overlays: { blue: {}, green: {} } },
      environmentValues: { TOKEN: HOST_SECRET },
      secretTexts: [],
      warnings: [],
    };
  }
}

/** What containers of the host know and nobody is to see. */
export const HOST_SECRET = 't0p-secret-value';

/** On every disk of the host. */
const FREE_BYTES = 1024 ** 3;

const NO_FACTS = {
  ...{ role: 'it has x-deploy-bg', strategy: 'default: it has a route', memoryReserved: null },
  containerNames: { plain: null, blue: null, green: null },
};

/** Actions that look at no record are performed with this one. */
const NO_RECORD = {} as RolloutRecord;

/** A deploy without a flag. */
export const PLAINLY: Omit<DeployOptions, 'version'> = {
  ...{ services: [], pull: false, build: false, refresh: false, force: false, dryRun: false, takeOver: false },
  ...{ supersede: false, attach: false, detach: false, waitMs: null, timeoutMs: null },
};
