import { join } from 'node:path';
import type { Clock, Router } from '../../../app/ports.ts';
import { DeployError, messageOf } from '../../../core/errors.ts';
import type { ObservedContainer, RouterReading, RouteState } from '../../../core/observed.ts';
import { ended, fromProxy, type InFlight } from '../../drain/evidence.ts';
import type { ProxyContainer, ProxyEngine } from '../engine.ts';
import { makeFolder, onDisk, readIfThere, restore, snapshot, writeChanged } from '../files.ts';
import { integrityFaults } from '../integrity.ts';
import { LOG_FOLDER } from '../log-place.ts';
import { checkedRoutes, sameRoutes } from '../routes.ts';
import { packaged, templateOf } from '../template.ts';
import { unreadable } from '../unreadable.ts';
import { settled } from '../wait.ts';
import { runningProxy, type Place } from '../wiring.ts';
import { ask } from './ask.ts';
import { checkAble, checkAdapted, refuseMirror, rejected } from './check.ts';
import { reload, validate } from './command.ts';
import { parseReadBack, parseUpstreams, type ReadBack } from './read-back.ts';
import {
  CONFIG_FILES,
  NO_DIGEST,
  READ_BACK_FILE,
  renderCaddy,
  SOCKET_FILE,
  SOCKET_FOLDER,
  type CaddyConfig,
} from './render.ts';
import { makeSharedFolder, readSlots, slotStates, slotTable, writeSlots, type SlotTable } from './slots.ts';
import { SLOTS } from './spread.ts';
import { caddyWarnings } from './warnings.ts';

const LOADED_DEADLINE_MS = 15_000;
const SWITCHED_DEADLINE_MS = 5000;
const POLL_MS = 20;

export interface CaddyDeps {
  readonly engine: ProxyEngine;
  readonly clock: Clock;
  readonly place: Place;
  readonly proc?: string | undefined;
}

/** Caddy: a switch is one rename of slot files; only another set of routes is a reload. */
export class CaddyRouter implements Router {
  /** Caddy counts requests, not connections: what it says holds at once. */
  readonly readingsApartMs = 20;
  readonly #engine: ProxyEngine;
  readonly #clock: Clock;
  readonly #place: Place;
  readonly #proc: string | undefined;

  constructor({ engine, clock, place, proc }: CaddyDeps) {
    this.#engine = engine;
    this.#clock = clock;
    this.#place = place;
    this.#proc = proc;
  }

  require(): Promise<void> {
    return Promise.resolve();
  }

  async prepare(routes: readonly RouteState[]): Promise<void> {
    const wanted = checkedRoutes(routes);
    const config = await this.#render(wanted);
    await onDisk(this.#place.output, async () => {
      await makeFolder(this.#place.output);
      await this.#makeFolders();
      if ((await this.#isRunning()) && (await this.#isComplete())) return;
      const there = await readSlots(this.#place.output);
      if (!sameTable(there, slotTable(wanted))) await writeSlots(this.#place.output, slotTable(wanted));
      await writeChanged(this.#place.output, config.files);
    });
  }

  async apply(routes: readonly RouteState[]): Promise<void> {
    const wanted = checkedRoutes(routes);
    const config = await this.#render(wanted);
    checkAble(config, this.#place, wanted);
    refuseMirror(wanted);
    await onDisk(this.#place.output, async () => {
      const loaded = await this.#loaded(config);
      // A proxy that answers by this configuration, through our folder, needs no looking at.
      if (loaded === null) await this.#load(await runningProxy(this.#engine, this.#place), config, wanted);
      if (loaded === null || !(await this.#isSwitched(loaded, wanted))) await this.#switch(wanted);
    });
  }

  async check(routes: readonly RouteState[]): Promise<void> {
    const wanted = checkedRoutes(routes);
    const proxy = await runningProxy(this.#engine, this.#place);
    checkAdapted(await validate(this.#engine, proxy), this.#place, await this.#render(wanted), wanted);
  }

  async read(): Promise<RouterReading> {
    try {
      const { routes } = await this.#readBack();
      return { kind: 'routes', routes, parts: SLOTS };
    } catch (error) {
      return unreadable('Caddy does not answer on its socket', await this.#cause(error));
    }
  }

  /** A socket that nobody listens at says less than that there is no such proxy. */
  #cause(error: unknown): Promise<unknown> {
    return runningProxy(this.#engine, this.#place).then(
      () => error,
      (why: unknown) => why,
    );
  }

  /** Routes move by slot files; only another set of them is another configuration. */
  async reloads(turns: readonly (readonly RouteState[])[]): Promise<boolean | null> {
    const [first, ...later] = await Promise.all(turns.map((routes) => this.#render(checkedRoutes(routes))));
    if (first === undefined) return false;
    if (later.some(({ digest }) => digest !== first.digest)) return true;
    const running = await this.#isRunning().catch(() => null);
    // One that does not run yet starts with the files of the first turn.
    return running === true ? (await this.#loaded(first)) === null : running;
  }

  async faults(): Promise<readonly string[]> {
    const answer = await this.#readBack().catch(() => null);
    if (answer === null) return [];
    const read = CONFIG_FILES.map(async (file) => [file, await readIfThere(join(this.#place.output, file))] as const);
    const contents = Object.fromEntries(await Promise.all(read));
    const written = { contents, signed: READ_BACK_FILE, unsigned: NO_DIGEST };
    return [...integrityFaults(written, 'Caddy', answer.digest), ...answer.faults];
  }

  async inFlight(containers: readonly ObservedContainer[]): Promise<InFlight> {
    const requests = await this.#ask('/upstreams')
      .then(parseUpstreams)
      .catch(() => null);
    if (requests === null) return this.#socketsOfProxy(containers);
    return Object.fromEntries(containers.map((container) => [container.id, requestsTo(requests, container)]));
  }

  async warnings(): ReturnType<Router['warnings']> {
    const proxy = await this.#engine.proxyContainer(this.#place.project, this.#place.service).catch(() => null);
    return proxy?.running === true ? caddyWarnings(this.#engine, proxy, this.#place.output) : [];
  }

  async #render(routes: readonly RouteState[]): Promise<CaddyConfig> {
    const { project, mounted, template } = this.#place;
    const [own, readBack] = await Promise.all([
      templateOf(template, 'caddy/routes.caddy.hbs'),
      packaged('caddy/read-back.caddy.hbs'),
    ]);
    return renderCaddy(routes, { project, directory: mounted, templates: { routes: own, readBack } });
  }

  /** In these the proxy itself creates files. */
  async #makeFolders(): Promise<void> {
    for (const folder of [SOCKET_FOLDER, LOG_FOLDER]) await makeSharedFolder(join(this.#place.output, folder));
  }

  async #isRunning(): Promise<boolean> {
    const proxy = await this.#engine.proxyContainer(this.#place.project, this.#place.service);
    return proxy?.running === true;
  }

  async #isComplete(): Promise<boolean> {
    const files = await Promise.all(CONFIG_FILES.map((file) => readIfThere(join(this.#place.output, file))));
    return files.every((content) => content !== null) && (await slotStates(this.#place.output).current()) !== null;
  }

  /** What the proxy answers if it has loaded what is on disk: one that restarts must come up with the same. */
  async #loaded(config: CaddyConfig): Promise<ReadBack | null> {
    const loaded = await this.#readBack().catch(() => null);
    if (loaded?.digest !== config.digest) return null;
    for (const { file, content } of config.files) {
      if ((await readIfThere(join(this.#place.output, file))) !== content) return null;
    }
    return loaded;
  }

  /** Makes Caddy load another set of routes. No traffic moves: routes that were there keep their backends. */
  async #load(proxy: ProxyContainer, config: CaddyConfig, wanted: readonly RouteState[]): Promise<void> {
    const { output } = this.#place;
    const files = await snapshot(output, CONFIG_FILES);
    const state = await slotStates(output).current();
    try {
      await this.#makeFolders();
      await writeSlots(output, new Map([...slotTable(wanted), ...(await readSlots(output))]));
      await writeChanged(output, config.files);
      checkAdapted(await validate(this.#engine, proxy), this.#place, config, wanted);
      await this.#reload(proxy, config);
    } catch (error) {
      await restore(output, files);
      if (state !== null) await slotStates(output).link(state);
      throw error;
    }
  }

  async #reload(proxy: ProxyContainer, config: CaddyConfig): Promise<void> {
    const { exitCode, output } = await reload(this.#engine, proxy);
    if (exitCode !== 0) throw rejected(output);
    const what = 'Caddy to answer by the new configuration';
    const missing = await settled({ clock: this.#clock, what, deadlineMs: LOADED_DEADLINE_MS, everyMs: POLL_MS }, () =>
      this.#readBack().then(
        ({ digest }) => (digest === config.digest ? null : 'it still answers by the old one'),
        (error: unknown) => messageOf(error),
      ),
    );
    if (missing !== null) throw new DeployError('proxy-unreachable', { what: missing });
  }

  /** Both in the proxy's words and on disk. */
  async #isSwitched(loaded: ReadBack, wanted: readonly RouteState[]): Promise<boolean> {
    if (difference(loaded, wanted) !== null) return false;
    return sameTable(await readSlots(this.#place.output), slotTable(wanted));
  }

  async #switch(wanted: readonly RouteState[]): Promise<void> {
    const { output } = this.#place;
    const before = await slotStates(output).current();
    await writeSlots(output, slotTable(wanted));
    const what = 'Caddy to read the new slots';
    const wait = { clock: this.#clock, what, deadlineMs: SWITCHED_DEADLINE_MS, everyMs: POLL_MS };
    const missing = await settled(wait, () => this.#missing(wanted));
    if (missing === null) return;
    if (before !== null) await slotStates(output).link(before);
    throw new DeployError('proxy-unreachable', { what: missing });
  }

  /** Null if Caddy works by exactly these routes, else what it says instead. */
  async #missing(wanted: readonly RouteState[]): Promise<string | null> {
    try {
      return difference(await this.#readBack(), wanted);
    } catch (error) {
      return messageOf(error);
    }
  }

  async #readBack(): Promise<ReadBack> {
    const answer = parseReadBack(await this.#ask('/'));
    if (answer === null) throw new Error('the answer is not a read-back');
    return answer;
  }

  #ask(path: string): Promise<string> {
    return ask(join(this.#place.output, SOCKET_FOLDER, SOCKET_FILE), path);
  }

  async #socketsOfProxy(containers: readonly ObservedContainer[]): Promise<InFlight> {
    const proxy = await this.#engine.proxyContainer(this.#place.project, this.#place.service).catch(() => null);
    return fromProxy(proxy?.pid ?? null, containers, { proc: this.#proc });
  }
}

/** Null if a read-back says exactly these routes. */
function difference({ routes, faults }: ReadBack, wanted: readonly RouteState[]): string | null {
  return faults[0] ?? (sameRoutes(routes, wanted) ? null : 'it answers with other backends');
}

function sameTable(a: SlotTable, b: SlotTable): boolean {
  const routes = (table: SlotTable): readonly RouteState[] =>
    [...table].map(([service, traffic]) => ({ service, host: null, path: null, ...traffic }));
  return sameRoutes(routes(a), routes(b));
}

/** Caddy counts by what it which is the container's name; an address only if a template of the user's says so. */
function requestsTo(requests: ReadonlyMap<string, number>, container: ObservedContainer): number {
  if (ended(container)) return 0;
  const names = [container.name, ...Object.values(container.addresses)];
  return names.reduce((sum, name) => sum + (requests.get(name) ?? 0), 0);
}
