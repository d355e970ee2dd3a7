import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Load, LoadOptions } from '../../demo/load/load.ts';
import type { Result } from '../../demo/load/types.ts';
import type { JournalEntry } from '../../src/app/ports.ts';
import { ok, type Run, TestProject, until } from '../support/project.ts';
import { Endpoint } from './endpoint.ts';
import type { Point } from './points.ts';
import { composeOf, freeSubnet, type Kind } from './subjects.ts';

const PRELOAD = join(import.meta.dirname, '..', 'chaos', 'fault.mjs');
/** Enough to see a gap of 25 ms, little enough for several projects side by side. */
const LOAD: Partial<LoadOptions> = { kinds: { kept: { concurrency: 4, everyMs: 100 }, fresh: 2, post: 2 } };
/** As many answers as no replica would be missed by. */
const ASKED = 12;
const VERSIONS = ['v1', 'v2', 'v3'] as const;

/** Who served when the command began, whom it was to bring, and somebody else. */
export interface Versions {
  readonly stable: string;
  readonly wanted: string;
  readonly other: string;
}

/** What somebody answers who is none of the project’s versions. */
export const STRANGER = 'stranger';
/** For so long nginx may know a container by an address that another one has by now (`valid` of its resolver). */
const STALE_NAME_MS = 1000;

/** Requests of a load. */
export interface Count {
  readonly requests: number;
  readonly excused: number;
  readonly failed: number;
}

/** No command of these projects takes so long (ms): one that does hangs, and is reported as broken. */
const LONGEST_MS = 240_000;

async function withAgent(project: TestProject): Promise<void> {
  await execa('scripts/images', ['--agent']);
  await ok(project.run(['agent', 'init']));
}

/** A real project that goes from fault to fault, under load all the time. */
export class Subject {
  readonly kind: Kind;
  readonly project: TestProject;
  readonly endpoint: Endpoint;
  readonly #load: Load;
  #counted = 0;
  #excused = 0;
  #failed = 0;
  /** The version that has to serve. */
  serving = 'v1';

  private constructor(kind: Kind, project: TestProject, endpoint: Endpoint) {
    this.kind = kind;
    this.project = project;
    this.endpoint = endpoint;
    this.#load = project.load(LOAD);
  }

  static async create(kind: Kind): Promise<Subject> {
    const project = await TestProject.create({ proxy: kind.proxy });
    const endpoint = await Endpoint.listen();
    try {
      await project.edit(composeOf(kind, project, { endpoint: endpoint.url, subnet: await freeSubnet() }));
      await Promise.all(VERSIONS.map((version) => project.build(version)));
      if (kind.agent === true) await withAgent(project);
      await ok(project.deploy('v1'));
      return new Subject(kind, project, endpoint);
    } catch (error) {
      await Promise.all([project.dispose(), endpoint.close()]);
      throw error;
    }
  }

  get versions(): Versions {
    const [wanted = '', other = ''] = VERSIONS.filter((version) => version !== this.serving);
    return { stable: this.serving, wanted, other };
  }

  /** Requests so far, and those of them that were lost: with an excuse, or without one. */
  get count(): Count {
    return { requests: this.#load.report().requests, excused: this.#excused, failed: this.#failed };
  }

  /** @throws if requests were lost that were begun after a moment: what was begun earlier, who died may have held */
  expectNoneLost(heldUntil = 0): void {
    this.#expectNoStranger(heldUntil + STALE_NAME_MS);
    const lost = this.#fresh();
    const failed = lost.filter(({ startedAt }) => startedAt > heldUntil);
    this.#failed += failed.length;
    this.#excused += lost.length - failed.length;
    if (failed.length === 0) return;
    const words = failed.slice(0, 3).map(({ kind, status, error }) => `${kind}: ${error ?? String(status)}`);
    throw new Error(`${String(failed.length)} requests lost: ${words.join('; ')}`);
  }

  #expectNoStranger(after: number): void {
    const report = this.#load.report();
    if (report.byVersion[STRANGER] === undefined) return;
    const late = report.results().filter(({ version, startedAt }) => version === STRANGER && startedAt > after);
    if (late.length > 0) throw new Error(`${String(late.length)} requests were answered by a stranger`);
  }

  /** What was lost up to now is nobody’s fault: there was nobody to ask. */
  excuseLost(): void {
    this.#excused += this.#fresh().length;
  }

  /** Requests lost since the last call. */
  #fresh(): readonly Result[] {
    const { failures } = this.#load.report();
    return failures.slice(this.#counted, (this.#counted = failures.length));
  }

  /** Runs a command, and has something happen at a line of its journal. */
  run(args: readonly string[], at: Point | null = null, what: readonly string[] = []): Promise<Run> {
    if (at === null) return this.project.run(args, { signal: AbortSignal.timeout(LONGEST_MS) });
    const env = { ...preload(), FAULT_AT: `${String(at.line)} ${at.moment} ${what.join(' ')}` };
    return this.project.run(args, { env, signal: AbortSignal.timeout(LONGEST_MS) });
  }

  /** Runs a command that stands still at a line of its journal while others act; null: it never came there. */
  async runAround(args: readonly string[], at: Point, act: () => Promise<void>): Promise<Run | null> {
    const gate = join(this.project.directory, 'gate');
    await Promise.all([`${gate}.go`, `${gate}.reached`].map((path) => rm(path, { force: true })));
    const env = { ...preload(), FAULT_GATE: gate, FAULT_AT: `${String(at.line)} ${at.moment} wait`, ...IMPATIENT };
    const command = { over: false };
    const ended = this.project
      .run(args, { env, signal: AbortSignal.timeout(LONGEST_MS) })
      .finally(() => (command.over = true));
    await until(
      `the command to come to ${at.what}`,
      async () => command.over || (await isThere(`${gate}.reached`)),
      60_000,
    );
    if (command.over) return null;
    try {
      await act();
    } finally {
      await writeFile(`${gate}.go`, '');
    }
    return ended;
  }

  /** The lines that the journal gets when nothing happens to a command. */
  async entries(args: readonly string[]): Promise<readonly JournalEntry[]> {
    const log = join(this.project.directory, 'fault.log');
    await writeFile(log, '');
    await ok(this.project.run(args, { env: { ...preload(), FAULT_LOG: log } }));
    const lines = (await readFile(log, 'utf8')).trim().split('\n');
    return lines.map((line) => JSON.parse(line) as JournalEntry);
  }

  /** @throws naming what is wrong unless one version serves, complete and alone, and all agree on it */
  async expectWhole(version: string): Promise<void> {
    const { live, leftovers, disagreements, inFlight, services } = await this.project.status();
    const lacking = services.filter(({ running, ready, wanted }) => running !== wanted || ready !== wanted);
    const answers = await this.answers();
    const seen = { version: live?.version, leftovers, disagreements, inFlight, lacking, answers };
    const whole = { version, leftovers: [], disagreements: [], inFlight: null, lacking: [], answers: [version] };
    if (JSON.stringify(seen) !== JSON.stringify(whole))
      throw new Error(`${JSON.stringify(seen)}, not ${version} alone`);
    this.serving = version;
  }

  /** Who answers, each time on a connection of its own. */
  async answers(): Promise<readonly string[]> {
    const asked = Array.from({ length: ASKED }, async () => {
      const answer = await fetch(this.project.url, { headers: { connection: 'close' } });
      return ((await answer.json()) as { readonly version: string }).version;
    });
    return [...new Set(await Promise.all(asked))];
  }

  /** Ends the load and removes everything. @throws if something was lost at the end */
  async dispose(): Promise<void> {
    try {
      await this.#load.stop();
      this.expectNoneLost();
    } finally {
      await Promise.all([this.project.dispose(), this.endpoint.close()]);
    }
  }
}

/** Long enough for a real start, short enough for hundreds of failures. */
const IMPATIENT = { HEALTH_CHECK_TIMEOUT: '20' };

function preload(): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--import=${PRELOAD}` };
}

function isThere(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  );
}
