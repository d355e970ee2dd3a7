import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Clock, Router } from '../../../app/ports.ts';
import { DeployError, messageOf } from '../../../core/errors.ts';
import type { ObservedContainer, RouterReading, RouteState } from '../../../core/observed.ts';
import { fromProxy, type InFlight } from '../../drain/evidence.ts';
import type { ProxyContainer, ProxyEngine } from '../engine.ts';
import { linkInto, makeFolder, onDisk, readIfThere, writeNew, writeWhole, type RenderedFile } from '../files.ts';
import { checkedRoutes } from '../routes.ts';
import { States } from '../states.ts';
import { packaged, templateOf } from '../template.ts';
import { runningProxy, words, type Place } from '../wiring.ts';
import { askNginx } from './ask.ts';
import { askFeatures, test } from './command.ts';
import { nginxWarnings, OLDEST, type NginxFeatures } from './features.ts';
import { HTTP_FILE, renderNginx, routeFile, ROUTES_FILE, type NginxConfig } from './render.ts';
import { Switch } from './switch.ts';
import { acceptingWorkers } from './workers.ts';

/** The link that the included files go through: all of them change in one rename. */
const LIVE_LINK = 'live';
const TOKEN_FILE = 'token';
const FEATURES_FILE = 'features.json';

export interface NginxDeps {
  readonly engine: ProxyEngine;
  readonly clock: Clock;
  readonly place: Place;
  readonly proc?: string | undefined;
}

interface KnownFeatures {
  readonly container: string;
  readonly features: NginxFeatures;
}

/** nginx: a switch is one prepared HUP, confirmed on new connections. */
export class NginxRouter implements Router {
  readonly #engine: ProxyEngine;
  readonly #clock: Clock;
  readonly #place: Place;
  readonly #proc: string | undefined;
  readonly #states: States;

  constructor({ engine, clock, place, proc }: NginxDeps) {
    this.#engine = engine;
    this.#clock = clock;
    this.#place = place;
    this.#proc = proc;
    this.#states = new States(place.output, LIVE_LINK);
  }

  async prepare(routes: readonly RouteState[]): Promise<void> {
    const wanted = checkedRoutes(routes);
    await onDisk(this.#place.output, async () => {
      await makeFolder(this.#place.output);
      const proxy = await this.#proxy();
      if (proxy?.running === true && (await this.#states.current()) !== null) return;
      const known = async (): Promise<NginxFeatures> => (await this.#knownFeatures())?.features ?? OLDEST;
      const features = proxy?.running === true ? await this.#features(proxy) : await known();
      await this.#write(await this.#render(wanted, features));
    });
  }

  async apply(routes: readonly RouteState[]): Promise<void> {
    const wanted = checkedRoutes(routes);
    const proxy = await runningProxy(this.#engine, this.#place);
    await onDisk(this.#place.output, async () => {
      const features = await this.#features(proxy);
      const config = await this.#render(wanted, features);
      const change = await this.#switchOf(proxy, config);
      if (await this.#works(config, change)) await change.settle(await this.#states.changedAt());
      else await this.#change(proxy, config, wanted, change);
    });
  }

  async read(): Promise<RouterReading> {
    try {
      const proxy = await runningProxy(this.#engine, this.#place);
      const { routes } = await askNginx(proxy, await this.#token());
      return { kind: 'routes', routes, parts: null };
    } catch (error) {
      return { kind: 'unreadable', reason: `nginx does not answer about itself: ${messageOf(error)}` };
    }
  }

  async inFlight(containers: readonly ObservedContainer[]): Promise<InFlight> {
    return fromProxy((await this.#proxy().catch(() => null))?.pid ?? null, containers, this.#proc);
  }

  async warnings(): ReturnType<Router['warnings']> {
    const proxy = await this.#proxy().catch(() => null);
    return proxy?.running === true ? nginxWarnings(await askFeatures(this.#engine, proxy)) : [];
  }

  #proxy(): Promise<ProxyContainer | null> {
    return this.#engine.proxyContainer(this.#place.project, this.#place.service);
  }

  async #render(routes: readonly RouteState[], features: NginxFeatures): Promise<NginxConfig> {
    const [http, all, route] = await Promise.all([
      packaged('nginx/http.conf.hbs'),
      packaged('nginx/routes.conf.hbs'),
      templateOf(this.#place.template, 'nginx/route.conf.hbs'),
    ]);
    const token = await this.#token();
    const templates = { http, routes: all, route };
    return renderNginx(routes, { project: this.#place.project, token, features, templates });
  }

  /** Asked once for each container: an exec takes longer than the rest of a switch. */
  async #features(proxy: ProxyContainer): Promise<NginxFeatures> {
    const known = await this.#knownFeatures();
    if (known?.container === proxy.id) return known.features;
    const features = await askFeatures(this.#engine, proxy);
    const text = JSON.stringify({ container: proxy.id, features } satisfies KnownFeatures);
    await writeWhole(join(this.#place.output, FEATURES_FILE), text);
    return features;
  }

  /** What the nginx that ran last could do; null before the first has run. */
  async #knownFeatures(): Promise<KnownFeatures | null> {
    const text = await readIfThere(join(this.#place.output, FEATURES_FILE));
    return text === null ? null : parseKnown(text);
  }

  async #token(): Promise<string> {
    const path = join(this.#place.output, TOKEN_FILE);
    const known = (await readIfThere(path))?.trim();
    if (known !== undefined && /^[0-9a-f]{32}$/.test(known)) return known;
    const token = randomBytes(16).toString('hex');
    await writeWhole(path, token);
    return token;
  }

  async #switchOf(proxy: ProxyContainer, config: NginxConfig): Promise<Switch> {
    const token = await this.#token();
    return new Switch({
      clock: this.#clock,
      digest: config.digest,
      ask: () => askNginx(proxy, token),
      workers: () => acceptingWorkers(proxy.pid, this.#proc),
      reload: () => this.#engine.kill(proxy.id, 'HUP'),
    });
  }

  /** Both in the proxy and on disk: a proxy that restarts must come up with the same. */
  async #works(config: NginxConfig, change: Switch): Promise<boolean> {
    if ((await change.missing()) !== null) return false;
    for (const { file, content } of config.files) {
      if ((await readIfThere(join(this.#place.output, file))) !== content) return false;
    }
    return true;
  }

  async #change(
    proxy: ProxyContainer,
    config: NginxConfig,
    wanted: readonly RouteState[],
    change: Switch,
  ): Promise<void> {
    const before = await this.#states.current();
    try {
      await this.#write(config);
      await this.#test(proxy, wanted);
      await change.run();
    } catch (error) {
      if (before !== null) await this.#states.link(before);
      throw error;
    }
  }

  async #write({ files }: NginxConfig): Promise<void> {
    const { output } = this.#place;
    await this.#states.change(async (folder) => {
      await Promise.all(files.map(({ file, content }: RenderedFile) => writeNew(join(folder, file), content)));
    });
    for (const { file } of files) await linkInto(output, file, join(LIVE_LINK, file));
  }

  async #test(proxy: ProxyContainer, wanted: readonly RouteState[]): Promise<void> {
    const { exitCode, output } = await test(this.#engine, proxy);
    if (exitCode !== 0) {
      throw new DeployError('proxy-rejected', { what: 'nginx refuses the configuration', details: words(output) });
    }
    const includes = (file: string): boolean => output.includes(`# configuration file ${this.#place.mounted}/${file}:`);
    const line = (file: string): string => `\`include ${this.#place.mounted}/${file};\``;
    if (!includes(HTTP_FILE)) {
      throw new DeployError('proxy-not-wired', {
        what: `the configuration of ${this.#place.service} does not include the generated files`,
        next: `add ${line(HTTP_FILE)} to its http block`,
      });
    }
    const unused = wanted.filter(({ service }) => !includes(ROUTES_FILE) && !includes(routeFile(service)));
    if (unused.length === 0) return;
    const lines = unused.map(({ service }) => line(routeFile(service))).join(', ');
    throw new DeployError('proxy-not-wired', {
      what: `no server of ${this.#place.service} uses the route of ${unused.map(({ service }) => service).join(', ')}`,
      next: `add ${line(ROUTES_FILE)} (all routes) to a server, or ${lines} to a location`,
    });
  }
}

/** A damaged file is as good as none: nginx is asked again. */
function parseKnown(text: string): KnownFeatures | null {
  try {
    const known = JSON.parse(text) as Partial<KnownFeatures>;
    return typeof known.container === 'string' && known.features !== undefined
      ? { container: known.container, features: known.features }
      : null;
  } catch {
    return null;
  }
}
