import { DeployError } from '../core/errors.ts';
import type { Millis } from '../core/observed.ts';
import type { RolloutRecord } from '../core/record.ts';
import { isGoingBack } from '../core/state.ts';
import { needsPerson, steering } from '../core/steer.ts';
import { attach } from './attach.ts';
import { accepted, onItsWay } from './hand-over.ts';
import type { Outcome } from './outcome.ts';
import type { LockHolder, Ports } from './ports.ts';
import { isFinished } from './recover.ts';
import { ask } from './steer.ts';
import { stoppedError } from './stopping.ts';
import type { Wanted } from './wanted.ts';

/** How long another process may read files and fetch images before its rollout begins. */
const BEGIN_MS = 300_000;
/** How long the way back of a superseded rollout is waited for before the lock answers. */
const LET_GO_MS = 120_000;
const LOOK_MS = 500;

/** What a deploy does while another process has the project. */
export interface Turn {
  /** What this deploy is called in the lock. */
  readonly verb: string;
  readonly isWanted: Wanted;
  readonly attach: boolean;
  /** Do not follow what is under way already. */
  readonly detach: boolean;
  readonly waitMs: number | null;
  /** Nobody is here to mean it: a rollout that waits for a person is left to him. */
  readonly unattended?: boolean;
}

/**
 * Runs a deploy when the project is free. While another process has it: one that does the same is followed to its
 * end, one that is paused until a person comes is superseded, for any other it queues as long as it may.
 * @param work is told since when the project has been waited for
 * @throws locked, and what `work` throws
 */
export async function inTurn(
  ports: Ports,
  turn: Turn,
  signal: AbortSignal,
  work: (since: Millis) => Promise<Outcome>,
): Promise<Outcome> {
  const since = ports.clock.now();
  const until = turn.waitMs === null ? null : since + turn.waitMs;
  for (let locked: DeployError | null = null; ;) {
    const same = await sameUnderWay(ports, turn, signal);
    if (same !== null && turn.detach) return accepted(same, `already under way: ${onItsWay(same)}`);
    const followed = same === null ? null : await attach(ports, same, turn, signal);
    if (followed !== null) return followed;
    if (locked !== null) await besideAnother(ports, turn, { until, locked }, signal);
    const tried = await unlessLocked(() => work(since));
    if (!(tried instanceof DeployError)) return tried;
    locked = tried;
  }
}

/** What it ends with; the error if another process has the project. */
async function unlessLocked(work: () => Promise<Outcome>): Promise<Outcome | DeployError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DeployError && error.code === 'locked') return error;
    throw error;
  }
}

interface Queue {
  /** Null: do not queue. */
  readonly until: Millis | null;
  /** What to end with where there is no end to wait for. */
  readonly locked: DeployError;
}

/** Resolves when the project may be free; a rollout under the eyes of one who stayed is superseded like any paused one. */
async function besideAnother(ports: Ports, turn: Turn, queue: Queue, signal: AbortSignal): Promise<void> {
  if ((await ports.store.holder()) === null) return;
  if (await standsStill(ports)) {
    if (turn.unattended === true) throw queue.locked;
    await supersede(ports, turn.isWanted);
  } else if (queue.until === null || !(await untilFree(ports, queue.until, signal))) throw queue.locked;
}

/** The rollout of another process to the same release; one that is about to begin is waited for. */
async function sameUnderWay(ports: Ports, turn: Turn, signal: AbortSignal): Promise<RolloutRecord | null> {
  const until = ports.clock.now() + BEGIN_MS;
  while (!signal.aborted) {
    const holder = await ports.store.holder();
    const last = (await ports.store.rollouts()).at(-1);
    if (holder === null || ports.clock.now() >= until) return null;
    if (last !== undefined && isForward(last) && (await turn.isWanted(last.candidate, last.stable))) return last;
    if (holder.verb !== turn.verb || hasBegun(holder, last, turn)) return null;
    ports.emit({ kind: 'waiting', what: `${holder.who} to begin its ${holder.verb}`, until });
    await ports.clock.wait(LOOK_MS, signal);
  }
  throw stopped(signal);
}

/** Also while it drains and removes what served before. */
function isForward(record: RolloutRecord): boolean {
  return !isFinished(record) && !isGoingBack(record.state) && !record.aborted && record.verb !== 'reset';
}

/** Also one that it goes on with: the agent, or a command that came after one that died. */
function hasBegun(holder: LockHolder, last: RolloutRecord | undefined, { verb }: Turn): boolean {
  if (last === undefined) return false;
  const goesOn = !isFinished(last) && verb === `deploy ${last.candidate.version ?? ''}`;
  return goesOn || last.acceptedAt >= holder.since;
}

/** Paused until a person comes. */
async function standsStill({ store }: Ports): Promise<boolean> {
  const last = (await store.rollouts()).at(-1);
  return last?.state === 'paused' && needsPerson(last);
}

/**
 * Asks the process that runs another rollout to take it back, and waits until it has let go of the project. Back to
 * what serves is an abort (ORACLE C15).
 */
export async function supersede(ports: Ports, isWanted: Wanted): Promise<void> {
  const record = (await ports.store.rollouts()).at(-1);
  if (record === undefined || steering(record, 'supersede') === null || (await ports.store.holder()) === null) return;
  await ask(ports, record, (await isWanted(record.stable, record.stable)) ? 'abort' : 'supersede');
  await untilFree(ports, ports.clock.now() + LET_GO_MS, new AbortController().signal);
}

/** True once nobody has the project; false if somebody still has it at the end. */
async function untilFree(ports: Ports, until: Millis, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const holder = await ports.store.holder();
    if (holder === null) return true;
    if (ports.clock.now() >= until) return false;
    ports.emit({ kind: 'waiting', what: `${holder.who} to end its ${holder.verb}`, until });
    await ports.clock.wait(Math.min(LOOK_MS, until - ports.clock.now()), signal);
  }
  throw stopped(signal);
}

function stopped(signal: AbortSignal): DeployError {
  return stoppedError(signal, {
    what: 'stopped while another command was at work on this project',
    serves: 'what that command says; this one changed nothing',
  });
}
