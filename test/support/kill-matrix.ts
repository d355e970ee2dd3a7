import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { JournalEntry } from '../../src/app/ports.ts';
import type { Load } from '../../demo/load/load.ts';
import { ok, type ProjectOptions, TestProject } from './project.ts';
import { LIGHT } from './state.ts';

const PRELOAD = join(import.meta.dirname, 'fault.mjs');
/** As many answers as no replica would be missed by. */
const ASKED = 12;
const VERSIONS = ['v1', 'v2', 'v3'] as const;

/** One place where a command dies: a line of its journal, and whether that line is written still. */
export interface FaultPoint {
  /** What the line says, for people: `intent create web`. */
  readonly what: string;
  /** Counted from 1. */
  readonly line: number;
  readonly moment: 'before' | 'after';
}

/** What somebody does after a command died. */
export interface NextCommand {
  readonly args: (versions: Versions) => readonly string[];
  /** The version that has to serve after it. */
  readonly serves: (versions: Versions) => string;
}

/** Who served when the command began, whom it was to bring, and somebody else. */
export interface Versions {
  readonly stable: string;
  readonly wanted: string;
  readonly other: string;
}

export interface MatrixOptions {
  readonly project: ProjectOptions;
  /** The command that dies. */
  readonly verb: (versions: Versions) => readonly string[];
  readonly signals: readonly NodeJS.Signals[];
  readonly next: readonly NextCommand[];
  /** Requests may be lost by the strategy itself. */
  readonly mayLose?: boolean;
  /** Projects side by side: after a kill most of the time is a wait for the dead one's lease. */
  readonly projects: number;
  /** All lines, instead of the first of each sort. */
  readonly all: boolean;
}

/** A project that goes from fault to fault, under load all the time. */
export class FaultyProject {
  readonly project: TestProject;
  readonly #load: Load;
  #serving = 'v1';

  private constructor(project: TestProject, load: Load) {
    this.project = project;
    this.#load = load;
  }

  static async create(options: ProjectOptions): Promise<FaultyProject> {
    const project = await TestProject.create(options);
    try {
      await Promise.all(VERSIONS.map((version) => project.build(version)));
      await ok(project.deploy('v1'));
      return new FaultyProject(project, project.load(LIGHT));
    } catch (error) {
      await project.dispose();
      throw error;
    }
  }

  get versions(): Versions {
    const [wanted = '', other = ''] = VERSIONS.filter((version) => version !== this.#serving);
    return { stable: this.#serving, wanted, other };
  }

  /** The lines that the journal gets when nobody dies. */
  async entries(args: readonly string[]): Promise<readonly JournalEntry[]> {
    const log = join(this.project.directory, 'fault.log');
    await appendFile(log, '');
    const { wanted } = this.versions;
    await ok(this.project.run(args, { env: { ...preload(), FAULT_LOG: log } }));
    this.#serving = wanted;
    return (await readFile(log, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as JournalEntry);
  }

  /** Lets a command die at a point and gives the next one. @throws unless all is well then, naming what is not */
  async survive(point: FaultPoint, options: MatrixOptions, next: NextCommand): Promise<void> {
    const { versions } = this;
    const fault = `${String(point.line)} ${point.moment} ${options.signals.join(' ')}`;
    await this.project.run(options.verb(versions), { env: { ...preload(), FAULT_AT: fault } });
    const between = await this.project.status();
    expect([versions.stable, versions.wanted, null]).toContain(between.live?.version ?? null);
    await ok(this.project.run(next.args(versions)));
    this.#serving = next.serves(versions);
    await this.#expectClean();
  }

  async #expectClean(): Promise<void> {
    const { live, leftovers, disagreements, inFlight, services } = await this.project.status();
    const seen = { version: live?.version, leftovers, disagreements, inFlight, answers: await this.#answers() };
    const lacking = services.filter(({ running, ready, wanted }) => running !== wanted || ready !== wanted);
    const wanted = {
      version: this.#serving,
      leftovers: [],
      disagreements: [],
      inFlight: null,
      answers: [this.#serving],
    };
    // One line for a list of many faults: a diff would not say of which.
    if (JSON.stringify([seen, lacking]) !== JSON.stringify([wanted, []]))
      throw new Error(`${JSON.stringify({ ...seen, lacking })}, wanted ${this.#serving} alone`);
  }

  /** Who answers, each time on a connection of its own. */
  async #answers(): Promise<readonly string[]> {
    const asked = Array.from({ length: ASKED }, async () => {
      const answer = await fetch(this.project.url, { headers: { connection: 'close' } });
      return ((await answer.json()) as { readonly version: string }).version;
    });
    return [...new Set(await Promise.all(asked))];
  }

  /** Ends the load. @throws if a request was lost that should not */
  async end(mayLose: boolean): Promise<number> {
    const report = await this.#load.stop();
    if (!mayLose) expect(report.failures).toEqual([]);
    return report.requests;
  }
}

function preload(): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--import=${PRELOAD}` };
}

/** Every line, or the first of each sort, before and after it was written. */
export function faultPoints(entries: readonly JournalEntry[], all: boolean): readonly FaultPoint[] {
  const seen = new Set<string>();
  return entries.flatMap((entry, index) => {
    const what = textOf(entry);
    if (!all && seen.has(what)) return [];
    seen.add(what);
    const line = index + 1;
    return [
      { what, line, moment: 'before' },
      { what, line, moment: 'after' },
    ] as const;
  });
}

function textOf(entry: JournalEntry): string {
  switch (entry.kind) {
    case 'event':
      return `event ${entry.event.kind}${entry.event.kind === 'state' ? ` ${entry.event.trigger}` : ''}`;
    case 'intent':
      return `intent ${entry.action.kind}`;
    case 'result':
      return `result ${entry.action}`;
    default:
      return entry.kind;
  }
}

export interface Survival {
  readonly points: readonly FaultPoint[];
  /** Points after which something was not as it has to be, with what. */
  readonly broken: readonly string[];
  /** Requests under which all of it happened. */
  readonly requests: number;
}

/** Lets a command die at every point, the commands that follow in turn, on several projects side by side. */
export async function surviveAll(options: MatrixOptions): Promise<Survival> {
  const first = await FaultyProject.create(options.project);
  const points = faultPoints(await first.entries(options.verb(first.versions)), options.all);
  const queue = points.map((point, index) => ({ point, next: nextOf(options, point, index) }));
  const broken: string[] = [];
  const others = Array.from({ length: options.projects - 1 }, () => FaultyProject.create(options.project));
  const workers = [Promise.resolve(first), ...others].map((project) => work(project, options, queue, broken));
  const requests = (await Promise.all(workers)).reduce((sum, each) => sum + each, 0);
  return { points, broken, requests };
}

/** Before a rollout is accepted there is none that a rollback could take back. */
function nextOf({ next }: MatrixOptions, { line, moment }: FaultPoint, index: number): NextCommand {
  const chosen = line === 1 && moment === 'before' ? next[0] : next[index % next.length];
  if (chosen === undefined) throw new Error('nobody comes after a command that died');
  return chosen;
}

type Queue = { readonly point: FaultPoint; readonly next: NextCommand }[];

/** One project after the other until the queue is empty: after a defect nothing can be said of what follows on it. */
async function work(
  begun: Promise<FaultyProject>,
  options: MatrixOptions,
  queue: Queue,
  broken: string[],
): Promise<number> {
  let requests = 0;
  let project: FaultyProject | null = await begun;
  for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
    project ??= await FaultyProject.create(options.project);
    try {
      await project.survive(task.point, options, task.next);
    } catch (error) {
      broken.push(`${task.point.moment} line ${String(task.point.line)}, ${task.point.what}: ${String(error)}`);
      await project.project.dispose();
      project = null;
    }
  }
  if (project === null) return requests;
  try {
    requests += await project.end(options.mayLose ?? false);
  } catch (error) {
    broken.push(`the load: ${String(error)}`);
  } finally {
    await project.project.dispose();
  }
  return requests;
}
