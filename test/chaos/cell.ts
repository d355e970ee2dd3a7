import { messageOf } from '../../src/core/errors.ts';
import type { Count, Subject } from './subject.ts';
import type { Kind } from './subjects.ts';

/** One row of the table: the same fault at many places of one kind of project. */
export interface Cell {
  readonly kind: Kind;
  readonly verb: string;
  readonly fault: string;
  /** It befalls every project of the engine: there is only one at a time. */
  readonly alone?: boolean;
  /** The faults, one after the other; found out on a subject of that kind, with the first one that there is. */
  readonly trials: (subject: Subject) => Promise<readonly Trial[]>;
}

/** One fault at one place. */
export interface Trial {
  readonly name: string;
  /** Lets it happen, and has a command put things right. @returns in what it ended. @throws naming what is wrong then */
  readonly run: (subject: Subject) => Promise<string>;
}

/** What became of a cell. */
export interface CellResult extends Count {
  readonly cell: Pick<Cell, 'kind' | 'verb' | 'fault'>;
  readonly points: number;
  /** Each with the place after which it was. */
  readonly broken: readonly string[];
  /** How often each end was reached. */
  readonly ends: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** Runs a cell's trials on some projects side by side: after a kill most of the time is a wait for the dead one's lease. */
export async function runCell(cell: Cell, create: () => Promise<Subject>, projects: number): Promise<CellResult> {
  const began = performance.now();
  const first = await create();
  const queue = [...(await cell.trials(first))];
  const points = queue.length;
  const tally: Tally = { requests: 0, excused: 0, failed: 0, broken: [], ends: {} };
  const others = Array.from({ length: cell.alone === true ? 0 : Math.min(projects, points) - 1 }, create);
  await Promise.all([Promise.resolve(first), ...others].map((subject) => work(subject, create, queue, tally)));
  const { kind, verb, fault } = cell;
  return { cell: { kind, verb, fault }, points, ...tally, seconds: (performance.now() - began) / 1000 };
}

interface Tally {
  requests: number;
  excused: number;
  failed: number;
  broken: string[];
  ends: Record<string, number>;
}

/** Until the queue is empty. After a defect nothing can be said of what follows on the same project: a new one is made. */
async function work(
  begun: Promise<Subject>,
  create: () => Promise<Subject>,
  queue: Trial[],
  tally: Tally,
): Promise<void> {
  let subject: Subject | null = await begun;
  for (let trial = queue.shift(); trial !== undefined; trial = queue.shift()) {
    subject ??= await create();
    const end = await attempt(trial, subject, tally);
    if (end === null) subject = await dismissed(subject, tally);
    else tally.ends[end] = (tally.ends[end] ?? 0) + 1;
  }
  if (subject !== null) await dismissed(subject, tally);
}

async function dismissed(subject: Subject, tally: Tally): Promise<null> {
  await subject.dispose().catch((error: unknown) => tally.broken.push(`at the end: ${messageOf(error)}`));
  const { requests, excused, failed } = subject.count;
  tally.requests += requests;
  tally.excused += excused;
  tally.failed += failed;
  return null;
}

/** @returns in what it ended; null if that was not as it has to be */
async function attempt(trial: Trial, subject: Subject, tally: Tally): Promise<string | null> {
  try {
    return await trial.run(subject);
  } catch (error) {
    tally.broken.push(`${trial.name}: ${messageOf(error)}`);
    return null;
  }
}
