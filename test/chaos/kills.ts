import { LEASE_MS } from '../../src/app/ports.ts';
import { isFinished } from '../../src/app/recover.ts';
import { ok, type Run, until } from '../support/project.ts';
import { storeOf } from '../support/store-of.ts';
import type { Cell, Trial } from './cell.ts';
import { type Point, pointsOf } from './points.ts';
import type { Subject, Versions } from './subject.ts';
import { isInPlace, type Kind } from './subjects.ts';

/** A command that dies. */
interface Verb {
  /** Brings the project to where it begins. @returns who serves then and who shall */
  readonly begin: (subject: Subject) => Promise<Versions>;
  readonly args: (versions: Versions) => readonly string[];
}

const DEPLOY: Verb = {
  begin: (subject) => Promise.resolve(subject.versions),
  args: ({ wanted }) => ['deploy', wanted],
};

export const VERBS = {
  deploy: DEPLOY,
  rollback: {
    begin: async (subject) => {
      const { stable, wanted, other } = subject.versions;
      await ok(subject.run(['deploy', wanted]));
      return { stable: wanted, wanted: stable, other };
    },
    args: ({ wanted }) => ['rollback', '--to', wanted],
  },
  cleanup: {
    // Of a deploy that died while its candidate started.
    begin: async (subject) => {
      const { stable, wanted, other } = subject.versions;
      await subject.run(['deploy', wanted], { what: 'intent create', line: 'create', moment: 'after' }, ['SIGKILL']);
      return { stable, wanted: stable, other };
    },
    args: () => ['cleanup'],
  },
} as const satisfies Readonly<Record<string, Verb>>;
export type VerbName = keyof typeof VERBS;

/** What happens to the process of a command, and what is true when it has ended. */
export const KILLS = {
  SIGKILL: { signals: ['SIGKILL'], after: killed },
  'SIGKILL twice': { signals: ['SIGKILL'], after: killedTwice },
  'SIGKILL, an agent goes on': { signals: ['SIGKILL'], after: continued },
  SIGTERM: { signals: ['SIGTERM'], after: asked },
  'Ctrl-C': { signals: ['SIGINT'], after: asked },
  'Ctrl-C twice': { signals: ['SIGINT', 'SIGINT'], after: killed },
  SIGHUP: { signals: ['SIGHUP'], after: ignored },
  'its clock jumps': { signals: ['jump'], after: surprised },
} as const satisfies Readonly<Record<string, { readonly signals: readonly string[]; readonly after: After }>>;
export type Kill = keyof typeof KILLS;

interface Dead {
  readonly subject: Subject;
  readonly verb: Verb;
  readonly versions: Versions;
  readonly point: Point;
  /** Counts the trials, so that what follows takes turns. */
  readonly index: number;
  readonly run: Run;
}

/** Brings the project to one clean state, or finds it there. @returns who serves. @throws if that is not so */
type After = (dead: Dead) => Promise<string>;

/** A kind of project whose command dies at every line of its journal. */
export function killCell(kind: Kind, verbName: VerbName, kill: Kill, all: boolean): Cell {
  const verb = VERBS[verbName];
  return {
    kind,
    verb: verbName,
    fault: kill,
    trials: async (subject) => {
      const versions = await verb.begin(subject);
      const points = pointsOf(await subject.entries(verb.args(versions)), all);
      subject.serving = versions.wanted;
      return points.map((point, index) => trial(verb, kill, point, index));
    },
  };
}

function trial(verb: Verb, kill: Kill, point: Point, index: number): Trial {
  return {
    name: `${point.moment} line ${String(point.line)}, ${point.what}`,
    run: async (subject) => {
      const versions = await verb.begin(subject);
      const run = await subject.run(verb.args(versions), point, KILLS[kill].signals);
      const serves = await KILLS[kill].after({ subject, verb, versions, point, index, run });
      await subject.expectWhole(serves);
      if (subject.kind.strategy === 'recreate') subject.excuseLost();
      else subject.expectNoneLost();
      return endOf(versions, serves);
    },
  };
}

function endOf({ stable, wanted }: Versions, serves: string): string {
  if (serves === wanted) return 'the version asked for';
  return serves === stable ? 'the version before' : 'the next version';
}

/** Commands that somebody gives after one died, and who serves then. */
const NEXT: readonly ((dead: Dead) => { readonly args: readonly string[]; readonly serves: string })[] = [
  ({ versions: { wanted } }) => ({ args: ['deploy', wanted], serves: wanted }),
  ({ versions: { other } }) => ({ args: ['deploy', other], serves: other }),
  ({ versions: { stable } }) => ({ args: ['rollback', '--to', stable], serves: stable }),
  ({ verb, versions }) => ({ args: verb.args(versions), serves: versions.wanted }),
];

async function killed(dead: Dead): Promise<string> {
  await expectSomebodyServes(dead);
  const people = dead.index % 5 === 4;
  if (people) await peopleRunCompose(dead);
  const { args, serves } = nextOf(dead);
  await ok(dead.subject.run(args));
  if (people) await ok(dead.subject.run(['cleanup']));
  return serves;
}

function nextOf(dead: Dead) {
  const next = NEXT[dead.index % NEXT.length];
  if (next === undefined) throw new Error('nobody comes after a command that died');
  return next(dead);
}

/** Nobody comes but the agent, within five seconds of the end of the dead one's lease. */
async function continued({ subject, versions }: Dead): Promise<string> {
  const store = storeOf(subject.project);
  const isOver = async (): Promise<boolean> => {
    const last = (await store.rollouts()).at(-1);
    return last === undefined || isFinished(last);
  };
  const isTaken = async (): Promise<boolean> => (await store.holder())?.who.startsWith('deploy-bg-agent') === true;
  // It died before its rollout was accepted, or after it was over: releases that nobody needs are left to people.
  if (await isOver()) await ok(subject.run(['cleanup']));
  await until('the agent to go on', async () => (await isOver()) || (await isTaken()), LEASE_MS + 5000);
  await until('the agent to be done', async () => (await isOver()) && (await store.holder()) === null, 60_000);
  const last = (await store.rollouts()).at(-1);
  return last?.state === 'completed' ? (last.candidate.version ?? '') : versions.stable;
}

/** The command that would have put things right dies as well, some lines later. */
async function killedTwice(dead: Dead): Promise<string> {
  const line = 1 + (dead.index % 7);
  await dead.subject.run(nextOf(dead).args, { what: 'some line', line, moment: 'after' }, ['SIGKILL']);
  return killed(dead);
}

async function expectSomebodyServes({ subject, versions }: Dead): Promise<void> {
  const { live } = await subject.project.status();
  const known: readonly (string | undefined)[] = [versions.stable, versions.wanted];
  if (live !== null && !known.includes(live.version ?? undefined))
    throw new Error(`status says ${JSON.stringify(live)} serves`);
  if (live === null && subject.kind.strategy !== 'recreate') throw new Error('status says that nobody serves');
}

/**
 * In place this replaces everything by itself, as Compose does: whoever asks before it is ready again finds nobody.
 * Beside colors it only makes copies that nobody asks.
 */
async function peopleRunCompose({ subject, versions }: Dead): Promise<void> {
  await subject.project.compose(['up', '-d', '--wait'], versions.stable);
  if (isInPlace(subject.kind)) subject.excuseLost();
}

/** Ctrl-C and SIGTERM mean the way back; what was complete by then stays. */
function asked({ versions, run }: Dead): Promise<string> {
  if (run.exit === 0) return Promise.resolve(versions.wanted);
  if (run.exit === 130) return Promise.resolve(versions.stable);
  throw new Error(`it ended with ${String(run.exit)}: ${run.stderr}`);
}

/** Every deadline is over at once: it may go back. */
function surprised({ versions, run }: Dead): Promise<string> {
  if (run.exit === 0) return Promise.resolve(versions.wanted);
  if (run.exit === 1) return Promise.resolve(versions.stable);
  throw new Error(`it ended with ${String(run.exit)}: ${run.stderr}`);
}

/** The deploy does not need its terminal. */
function ignored({ versions, run }: Dead): Promise<string> {
  if (run.exit !== 0) throw new Error(`it ended with ${String(run.exit)}: ${run.stderr}`);
  return Promise.resolve(versions.wanted);
}
