import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Router } from '../../../app/ports.ts';
import { DeployError } from '../../../core/errors.ts';
import type { ObservedContainer, RouterReading, RouteState } from '../../../core/observed.ts';
import { ended, fromProxy, type InFlight } from '../../drain/evidence.ts';
import type { Answer } from '../answer.ts';
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
import { checkedRoutes, sameRoutes } from '../routes.ts';
import { States } from '../states.ts';
import { packaged, templateOf } from '../template.ts';
import { unreadable } from '../unreadable.ts';
import type { Folder } from '../wiring.ts';
import { checkTested, isIncluded, rejected } from './check.ts';
import { nginxWarnings, type NginxFeatures } from './features.ts';
import { loadedGeneration, newGeneration, written, type WrittenConfig } from './generation.ts';
import { knownFeatures, rememberPages } from './known-features.ts';
import { HandOver } from './hand-over.ts';
import { LiveFiles } from './live-files.ts';
import { closedLog, isLogIncluded, keepLogging, LOG_INCLUDE_FILE, prepareLog, rememberIncluded } from './logging.ts';
import { isIdle } from './master.ts';
import type { Nginx, RunningNginx } from './nginx.ts';
import { requireFree, requireOpen } from './open.ts';
import { hasOwnPages } from './own-pages.ts';
import { READ_BACK_PORT, RELAY_PORT } from './port.ts';
import { BEHIND_FILE, LIVE_LINK, renderNginx, type NginxConfig } from './render.ts';
import { ReadBack } from './read-back.ts';
import { asReached, reachedAt, whereOf } from './reached.ts';
import { keptSpares, SPARES_FILE, sparesText } from './spares.ts';
import { Switch } from './switch.ts';
import { workersOf } from './workers.ts';

/** Its service may see other files than we do (ProtectHome, SELinux), or run an older program than there is. */
const NEXT_ON_HOST = 'see the error log of nginx and `journalctl -u nginx`; after an upgrade of nginx, restart it';
/** Which configuration nobody is answered by another one than. */
const SETTLED_FILE = 'settled';
const NOT_LOADED = 'nginx has not loaded its generated files as they are: what it does may change at any moment';

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

/** One way from what is written to what nginx works by. */
interface Change {
  readonly config: WrittenConfig;
  /** It stands on disk already, and waits to be loaded. */
  readonly isWritten: boolean;
  readonly wanted: readonly RouteState[];
  readonly change: Switch;
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
  readonly #files: LiveFiles;
  readonly #readBack: ReadBack;

  constructor({ nginx, clock, folder, proc }: NginxDeps) {
    this.#nginx = nginx;
    this.#clock = clock;
    this.#folder = folder;
    this.#proc = proc;
    this.#states = new States(folder.output, LIVE_LINK);
    this.#handOver = new HandOver(folder.output, this.#states);
    this.#files = new LiveFiles(folder.output, this.#states);
    this.#readBack = new ReadBack({ nginx, clock, folder, files: this.#files });
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
      await this.#write(written(config, newGeneration()));
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
      const wanted = checkedRoutes(keptSpares(asked, await this.#files.content(SPARES_FILE)));
      if (asked.some(({ spare }) => spare !== undefined)) await writeWhole(join(this.#folder.output, BEHIND_FILE), '');
      const rendered = await this.#render(wanted, features);
      const present = written(rendered, (await this.#files.generation()) ?? '');
      const isWritten = await this.#files.are(present);
      const config = isWritten ? present : written(rendered, newGeneration());
      const ask = await this.#readBack.asker();
      const answer = await ask().catch(() => null);
      const isBehind = answer !== null && !(await this.#readBack.isLoaded(answer));
      const change = this.#switchOf(nginx, config, ask, isBehind);
      // Both in the proxy and on disk: a proxy that restarts must come up with the same.
      const works = isWritten && !isBehind && answer?.digest === config.digest;
      if (works) await this.#handOver.take(config.digest);
      if (!works) await this.#requireOpen(wanted);
      if (!works) await this.#change(nginx, { config, isWritten, wanted, change });
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
      const [answer, endpoints] = await Promise.all([this.#readBack.settled(), this.#nginx.endpoints()]);
      if (answer === null) return { kind: 'unreadable', reason: NOT_LOADED, isUnsettled: true };
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

  get #named(): Folder & { readonly name: string } {
    return { ...this.#folder, name: this.#nginx.name };
  }

  faults(): Promise<readonly string[]> {
    return this.#readBack.faults().catch(() => []);
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
    const { output } = this.#folder;
    const logs = await isLogIncluded(output).catch(() => false);
    const isClosed = logs && !(await this.#readBack.findsLog().catch(() => true));
    return [
      ...(features === null ? [] : nginxWarnings(features, !this.#nginx.isShared)),
      ...(isClosed ? [closedLog(output)] : []),
    ];
  }

  async #render(routes: readonly RouteState[], features: NginxFeatures): Promise<NginxConfig> {
    const [http, log, all, route] = await Promise.all([
      packaged('nginx/http.conf.hbs'),
      packaged('nginx/access-log.conf.hbs'),
      packaged('nginx/routes.conf.hbs'),
      templateOf(this.#folder.template, 'nginx/route.conf.hbs'),
    ]);
    const [token, endpoints] = await Promise.all([this.#readBack.token(), this.#nginx.endpoints()]);
    if (endpoints !== null) reachedAt(routes, endpoints);
    const { project, mounted: directory } = this.#folder;
    const templates = { http, log, routes: all, route };
    const { digest, files } = renderNginx(routes, { project, directory, token, features, endpoints, templates });
    return { digest, files: [...files, { file: SPARES_FILE, content: sparesText(routes) }] };
  }

  #switchOf(nginx: RunningNginx, config: WrittenConfig, ask: () => Promise<Answer>, isBehind: boolean): Switch {
    return new Switch({
      clock: this.#clock,
      config,
      ask,
      isBehind,
      workers: () => workersOf(nginx.pid, this.#proc),
      reload: () => nginx.reload(),
      handOver: (before) => this.#handOver.to(config, before),
      next: this.#nginx.isShared ? NEXT_ON_HOST : undefined,
    });
  }

  async #change(nginx: RunningNginx, { config, isWritten, wanted, change }: Change): Promise<void> {
    const before = isWritten ? null : await this.#states.current();
    const was = await this.#files.generation();
    await rm(join(this.#folder.output, SETTLED_FILE), { force: true });
    try {
      // Files that wait to be loaded keep their generation, or a slow nginx would be behind for ever.
      await (isWritten ? this.#handOver.take(config.digest) : this.#write(config));
      const begun = this.#clock.now();
      // nginx goes on with what it has if the new files are no good: the test is for its words, and need not come first.
      const tested = nginx.test().then(async (result) => {
        change.tested(this.#clock.now() - begun);
        checkTested(result, this.#named, wanted);
        const { output, mounted } = this.#folder;
        await rememberIncluded(output, isIncluded(result, this.#folder, LOG_INCLUDE_FILE));
        await rememberPages(output, nginx, hasOwnPages(result, mounted));
      });
      await together(tested, change);
    } catch (error) {
      if (before !== null) {
        const isRefused = error instanceof DeployError && error.code === 'proxy-rejected';
        const hasStayed = isRefused || (await this.#hasStayed(nginx, was));
        await this.#handOver.back(before, hasStayed, () => nginx.reload());
      }
      throw error;
    }
  }

  /** It has done all that it was told, and works by what it had: there are things that it finds out only when it loads. */
  async #hasStayed({ pid }: RunningNginx, was: string | null): Promise<boolean> {
    if (!(await isIdle(pid, this.#proc))) return false;
    const answer = await this.#readBack.answer().catch(() => null);
    return answer !== null && loadedGeneration(answer) === was;
  }

  async #write({ files, digest }: WrittenConfig): Promise<void> {
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
