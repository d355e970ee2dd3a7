import type { Subject } from './subject.ts';
import type { Kind } from './subjects.ts';

/** One row of the table: the same fault at many places of one kind of project. */
export interface Cell {
  readonly kind: Kind;
  readonly verb: string;
  readonly fault: string;
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
export interface CellResult {
  readonly cell: Pick<Cell, 'kind' | 'verb' | 'fault'>;
  readonly points: number;
  readonly requests: number;
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
  const tally = { requests: 0, broken: [] as string[], ends: {} as Record<string, number> };
  const others = Array.from({ length: Math.min(projects, points) - 1 }, create);
  await Promise.all([Promise.resolve(first), ...others].map((subject) => work(subject, create, queue, tally)));
  const { kind, verb, fault } = cell;
  return { cell: { kind, verb, fault }, points, ...tally, seconds: (performance.now() - began) / 1000 };
}

type Tally = Pick<CellResult, 'requests' | 'ends'> & {
  broken: string[];
  ends: Record<string, number>;
  requests: number;
};

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
    if (end === null) {
      tally.requests += subject.requests;
      await subject.dispose();
      subject = null;
    } else tally.ends[end] = (tally.ends[end] ?? 0) + 1;
  }
  if (subject === null) return;
  tally.requests += subject.requests;
  const lost = await subject.dispose();
  tally.broken.push(...lost.map((what) => `at the end: ${what}`));
}

/** @returns in what it ended; null if that was not as it has to be */
async function attempt(trial: Trial, subject: Subject, tally: Tally): Promise<string | null> {
  try {
    return await trial.run(subject);
  } catch (error) {
    tally.broken.push(`${trial.name}: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}
