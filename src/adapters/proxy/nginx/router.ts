import { randomBytes } from 'node:crypto';
import { readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Router } from '../../../app/ports.ts';
import type { ObservedContainer, RouterReading, RouteState } from '../../../core/observed.ts';
import { ended, fromProxy, type InFlight } from '../../drain/evidence.ts';
import {
  linkInto,
  makeFolder,
  onDisk,
  readIfThere,
  writeChanged,
  writeNew,
  writeWhole,
  type RenderedFile,
} from '../files.ts';
import { integrityFaults } from '../integrity.ts';
import { checkedRoutes, sameRoutes } from '../routes.ts';
import { States } from '../states.ts';
import { packaged, templateOf } from '../template.ts';
import { unreadable } from '../unreadable.ts';
import type { Folder } from '../wiring.ts';
import { askNginx } from './ask.ts';
import { checkTested, isIncluded, rejected } from './check.ts';
import { nginxWarnings, type NginxFeatures } from './features.ts';
import { knownFeatures, rememberPages } from './known-features.ts';
import { HandOver } from './hand-over.ts';
import { keepLogging, LOG_INCLUDE_FILE, prepareLog, rememberIncluded } from './logging.ts';
import type { Nginx, RunningNginx } from './nginx.ts';
import { requireFree, requireOpen } from './open.ts';
import { hasOwnPages } from './own-pages.ts';
import { READ_BACK_PORT, RELAY_PORT } from './port.ts';
import { answerName, BEHIND_FILE, configFiles, HTTP_FILE, LIVE_LINK, renderNginx, type NginxConfig } from './render.ts';
import { asReached, reachedAt, whereOf } from './reached.ts';
import { keptSpares, SPARES_FILE, sparesText } from './spares.ts';
import { Switch } from './switch.ts';
import { workersOf } from './workers.ts';

const TOKEN_FILE = 'token';
/** Its service may see other files than we do (ProtectHome, SELinux), or run an older program than there is. */
const NEXT_ON_HOST = 'see the error log of nginx and `journalctl -u nginx`; after an upgrade of nginx, restart it';
/** Which configuration nobody is answered by another one than. */
const SETTLED_FILE = 'settled';

/** Both to their end: a switch that goes on would outlive its way back. */
async function together(tested: Promise<void>, change: Switch): Promise<void> {
  const changed = change.run();
  try {
    await Promise.all([tested, changed]);
  } catch (error) {
    change.stop();
    await changed.catch(() => undefined);
    throw error;
  }
}

export interface NginxDeps {
  readonly nginx: Nginx;
  readonly clock: Clock;
  readonly folder: Folder;
  readonly proc?: string | undefined;
}

/** nginx: a switch is one prepared HUP, confirmed on new connections. */
export class NginxRouter implements Router {
  /** Whoever has a connection to nobody meanwhile, since it tries another replica, is not in between for long. */
  readonly readingsApartMs = 20;
  readonly #nginx: Nginx;
  readonly #clock: Clock;
  readonly #folder: Folder;
  readonly #proc: string | undefined;
  readonly #states: States;
  readonly #handOver: HandOver;

  constructor({ nginx, clock, folder, proc }: NginxDeps) {
    this.#nginx = nginx;
    this.#clock = clock;
    this.#folder = folder;
    this.#proc = proc;
    this.#states = new States(folder.output, LIVE_LINK);
    this.#handOver = new HandOver(folder.output, this.#states);
  }

  async require(): Promise<void> {
    if (this.#nginx.isShared) await this.#nginx.running();
  }

  async prepare(routes: readonly RouteState[]): Promise<void> {
    const wanted = checkedRoutes(routes);
    await onDisk(this.#folder.output, async () => {
      await makeFolder(this.#folder.output);
      // What is created from now on may have the names of the version before.
      await rm(join(this.#folder.output, BEHIND_FILE), { force: true });
      const nginx = await this.#nginx.find();
      if (nginx !== null && (await this.#states.current()) !== null) return;
      const features = await knownFeatures(this.#folder.output, nginx);
      await this.#prepareShared();
      const config = await this.#render(wanted, features);
      await this.#write(config);
      if (this.#nginx.isShared && nginx !== null) await this.#requireTested(nginx, config);
    });
  }

  async #prepareShared(): Promise<void> {
    if (!this.#nginx.isShared || (await this.#states.current()) !== null) return;
    for (const address of await this.#nginx.answersAt())
      for (const port of [READ_BACK_PORT, RELAY_PORT]) await requireFree(address, port);
  }

  /** Files that others include who serve already: what nginx refuses is gone again before anybody reloads it. */
  async #requireTested(nginx: RunningNginx, { files }: NginxConfig): Promise<void> {
    const { exitCode, output } = await nginx.test();
    if (exitCode === 0) return;
    for (const file of [...files.map((each) => each.file), LIVE_LINK])
      await rm(join(this.#folder.output, file), { force: true });
    throw rejected(output);
  }

  async apply(routes: readonly RouteState[]): Promise<void> {
    const asked = checkedRoutes(routes);
    const nginx = await this.#nginx.running();
    await onDisk(this.#folder.output, async () => {
      const features = await knownFeatures(this.#folder.output, nginx);
      const wanted = checkedRoutes(keptSpares(asked, await this.#included(SPARES_FILE)));
      if (asked.some(({ spare }) => spare !== undefined)) await writeWhole(join(this.#folder.output, BEHIND_FILE), '');
      const config = await this.#render(wanted, features);
      const change = await this.#switchOf(nginx, config);
      const works = await this.#works(config, change);
      if (works) await this.#handOver.take(config.digest);
      if (!works) await this.#requireOpen(wanted);
      if (!works) await this.#change(nginx, config, wanted, change);
      else if ((await readIfThere(join(this.#folder.output, SETTLED_FILE))) !== config.digest)
        await change.resume(await this.#states.changedAt());
      await writeChanged(this.#folder.output, [{ file: SETTLED_FILE, content: config.digest }]);
    });
  }

  /** The probe may have asked elsewhere than nginx of the machine will. */
  async #requireOpen(routes: readonly RouteState[]): Promise<void> {
    const endpoints = await this.#nginx.endpoints();
    if (endpoints !== null) await Promise.all(reachedAt(routes, endpoints).map(requireOpen));
  }

  async check(routes: readonly RouteState[]): Promise<void> {
    const nginx = await this.#nginx.running();
    checkTested(await nginx.test(), this.#named, routes);
  }

  async read(): Promise<RouterReading> {
    try {
      const [answer, endpoints] = await Promise.all([this.#answer(), this.#nginx.endpoints()]);
      return { kind: 'routes', routes: asReached(answer, endpoints), parts: null };
    } catch (error) {
      return unreadable('nginx does not answer about itself', error);
    }
  }

  /** Each change of its routes is one; one that does not run yet starts with the files of the first turn. */
  async reloads(turns: readonly (readonly RouteState[])[]): Promise<boolean | null> {
    const nginx = await this.#nginx.find().catch(() => undefined);
    if (nginx === undefined) return null;
    const wanted = turns.map(checkedRoutes);
    if (nginx === null) return differ(wanted);
    const now = await this.read();
    return now.kind === 'unreadable' || differ([now.routes, ...wanted]);
  }

  /** Whoever only asks writes nothing. */
  async #answer(): ReturnType<typeof askNginx> {
    const addresses = await this.#nginx.answersAt();
    const token = await this.#knownToken();
    if (token === null) throw new Error('nothing of ours was written for it yet');
    return askNginx(addresses, this.#answerName, token);
  }

  get #answerName(): string {
    return answerName(this.#folder.project, this.#nginx.isShared);
  }

  get #named(): Folder & { readonly name: string } {
    return { ...this.#folder, name: this.#nginx.name };
  }

  async faults(): Promise<readonly string[]> {
    try {
      const { digest, routes } = await this.#answer();
      const read = configFiles(routes).map(async (file) => [file, await this.#included(file)] as const);
      const contents = Object.fromEntries(await Promise.all(read));
      return integrityFaults({ contents, signed: HTTP_FILE, unsigned: '' }, 'nginx', digest);
    } catch {
      return [];
    }
  }

  /** The content of a file as nginx would include it; null if that is none of ours. */
  async #included(file: string): Promise<string | null> {
    const state = await this.#states.current();
    return state !== null && (await this.#isLinked(file)) ? readIfThere(join(this.#folder.output, state, file)) : null;
  }

  async inFlight(containers: readonly ObservedContainer[]): Promise<InFlight> {
    const pid = (await this.#nginx.find().catch(() => null))?.pid ?? null;
    const workers = await workersOf(pid, this.#proc);
    const texts = await this.#handOver.contents();
    const onMachine = this.#nginx.isShared ? await whereOf(texts, workers, this.#proc) : {};
    const counts = await fromProxy(pid, containers, { proc: this.#proc, ...onMachine });
    if (await this.#handOver.isWhole()) return counts;
    // What comes on a kept connection, or has its body on its way, has none to anybody yet, and is meant for the old one.
    const held = workers?.leaving.size ?? null;
    const count = (container: ObservedContainer): number | null =>
      counts[container.id] === 0 && !ended(container) ? held : (counts[container.id] ?? null);
    return Object.fromEntries(containers.map((container) => [container.id, count(container)]));
  }

  async warnings(): ReturnType<Router['warnings']> {
    const nginx = await this.#nginx.find().catch(() => null);
    if (nginx === null) return [];
    const features = await knownFeatures(this.#folder.output, nginx).catch(() => null);
    return features === null ? [] : nginxWarnings(features, !this.#nginx.isShared);
  }

  async #render(routes: readonly RouteState[], features: NginxFeatures): Promise<NginxConfig> {
    const [http, log, all, route] = await Promise.all([
      packaged('nginx/http.conf.hbs'),
      packaged('nginx/access-log.conf.hbs'),
      packaged('nginx/routes.conf.hbs'),
      templateOf(this.#folder.template, 'nginx/route.conf.hbs'),
    ]);
    const [token, endpoints] = await Promise.all([this.#token(), this.#nginx.endpoints()]);
    if (endpoints !== null) reachedAt(routes, endpoints);
    const { project, mounted: directory } = this.#folder;
    const templates = { http, log, routes: all, route };
    const { digest, files } = renderNginx(routes, { project, directory, token, features, endpoints, templates });
    return { digest, files: [...files, { file: SPARES_FILE, content: sparesText(routes) }] };
  }

  async #token(): Promise<string> {
    const known = await this.#knownToken();
    if (known !== null) return known;
    const token = randomBytes(16).toString('hex');
    await writeWhole(join(this.#folder.output, TOKEN_FILE), token);
    return token;
  }

  async #knownToken(): Promise<string | null> {
    const known = (await readIfThere(join(this.#folder.output, TOKEN_FILE)))?.trim();
    return known !== undefined && /^[0-9a-f]{32}$/.test(known) ? known : null;
  }

  async #switchOf(nginx: RunningNginx, config: NginxConfig): Promise<Switch> {
    const [token, addresses] = await Promise.all([this.#token(), this.#nginx.answersAt()]);
    return new Switch({
      clock: this.#clock,
      digest: config.digest,
      ask: () => askNginx(addresses, this.#answerName, token),
      workers: () => workersOf(nginx.pid, this.#proc),
      reload: () => nginx.reload(),
      handOver: (before) => this.#handOver.to(config, before),
      next: this.#nginx.isShared ? NEXT_ON_HOST : undefined,
    });
  }

  /** Both in the proxy and on disk: a proxy that restarts must come up with the same. */
  async #works(config: NginxConfig, change: Switch): Promise<boolean> {
    if ((await change.missing()) !== null) return false;
    for (const { file, content } of config.files) if ((await this.#included(file)) !== content) return false;
    return true;
  }

  /** What nginx includes leads to the present state. */
  async #isLinked(file: string): Promise<boolean> {
    return (await readlink(join(this.#folder.output, file)).catch(() => null)) === join(LIVE_LINK, file);
  }

  async #change(
    nginx: RunningNginx,
    config: NginxConfig,
    wanted: readonly RouteState[],
    change: Switch,
  ): Promise<void> {
    const before = await this.#states.current();
    await rm(join(this.#folder.output, SETTLED_FILE), { force: true });
    try {
      await this.#write(config);
      // nginx goes on with what it has if the new files are no good: the test is for its words, and need not come first.
      const tested = nginx.test().then(async (result) => {
        checkTested(result, this.#named, wanted);
        const { output, mounted } = this.#folder;
        await rememberIncluded(output, isIncluded(result, this.#folder, LOG_INCLUDE_FILE));
        await rememberPages(output, nginx, hasOwnPages(result, mounted));
      });
      await together(tested, change);
    } catch (error) {
      if (before !== null) await this.#handOver.back(before, () => nginx.reload());
      throw error;
    }
  }

  async #write({ files, digest }: NginxConfig): Promise<void> {
    const { output } = this.#folder;
    await this.#handOver.take(digest);
    await prepareLog(output);
    await keepLogging(output, this.#clock.now());
    await this.#states.change(async (folder) => {
      await Promise.all(files.map(({ file, content }: RenderedFile) => writeNew(join(folder, file), content)));
    });
    for (const { file } of files) await linkInto(output, file, join(LIVE_LINK, file));
  }
}

/** True if any of these is not as the one before it. */
function differ(turns: readonly (readonly RouteState[])[]): boolean {
  return turns.some((routes, index) => !sameRoutes(routes, turns[index - 1] ?? routes));
}
