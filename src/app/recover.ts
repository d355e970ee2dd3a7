import type { RolloutRecord } from '../core/record.ts';
import { apply } from '../core/apply.ts';
import { currentStep } from '../core/record.ts';
import { isTerminal } from '../core/state.ts';
import { needsPerson } from '../core/steer.ts';
import type { Project } from '../core/project.ts';
import { execute, type Executed } from './execute.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import type { Ports } from './ports.ts';
import { forgetAfter } from './releases.ts';
import { inSession, locationOf, type Session } from './session.ts';
import { stopReason } from './stopping.ts';
import type { Wanted } from './wanted.ts';
import { type Known, refuseForeign, survey } from './state.ts';

/** How to end what an earlier command left unfinished. */
export interface RecoverOptions {
  /** Go on forward with an unfinished rollout to what a deploy asks for; null brings every unfinished one back. */
  readonly forwardTo: Wanted | null;
  /** Retire a release that is still held for an instant way back. */
  readonly endHold: boolean;
  /** Make colors of another checkout ours. */
  readonly takeOver?: boolean;
}

/** What is so when a verb may begin its own work. */
export interface Settled {
  readonly known: Known;
  /** How the rollout of an earlier command ended just now; null if there was none to end. */
  readonly finished: Executed | null;
  /** That rollout was to what the deploy asks for. */
  readonly isWanted: boolean;
}

/**
 * What every verb that changes something does first: refuses what belongs to another checkout, then finishes the
 * last rollout if the process that ran it died, was told to wait, or left its tail to be done (DESIGN section 9).
 * @throws foreign-store, state-unreadable
 */
export async function settle(session: Session, signal: AbortSignal, options: RecoverOptions): Promise<Settled> {
  const known = await survey(session);
  refuseForeign(known.observed, session.storeId, options.takeOver ?? false);
  const last = known.records.at(-1);
  if (last === undefined || isFinished(last)) return { known, finished: null, isWanted: false };
  // What somebody has aborted is not gone on with: to ask for it once more is to begin anew.
  const isWanted =
    !last.aborted && options.forwardTo !== null && (await options.forwardTo(last.candidate, last.stable));
  const record = await prepared(session, last, { ...options, isWanted });
  const finished = record === null ? null : await finish(session, record, signal);
  return { known: await survey(session), finished, isWanted };
}

/**
 * Runs the last rollout on from where its process left it.
 * @returns null where nothing is left to be done for it
 * @throws locked, and what the rollout ends with
 */
export async function goOn(ports: Ports, project: Project, verb: string, signal: AbortSignal): Promise<Outcome | null> {
  const anything = (): Promise<boolean> => Promise.resolve(true);
  return inSession(ports, locationOf(project), { verb, files: project }, async (session) => {
    const { finished } = await settle(session, signal, { forwardTo: anything, endHold: false });
    return finished === null ? null : outcomeOf(finished.record, finished.evidence, stopReason(signal));
  });
}

/** Runs a rollout that another command began to its end, and leaves as little behind as that one would have. */
export async function finish(session: Session, record: RolloutRecord, signal: AbortSignal): Promise<Executed> {
  const { release: id } = record.candidate;
  const release = id === null ? null : await session.ports.store.release(id);
  const executed = await execute(session, record, signal, true);
  if (release !== null) await forgetAfter(session, executed.record, release.history);
  return executed;
}

/** Nothing is left to be done for it, not even to drain and remove what served before. */
export function isFinished(record: RolloutRecord): boolean {
  return record.state === 'completed' ? record.cursor >= record.steps.length : isTerminal(record.state);
}

/** The record with whatever has to be decided before it runs on; null if it may stay as it is. */
async function prepared(
  session: Session,
  record: RolloutRecord,
  options: RecoverOptions & Pick<Settled, 'isWanted'>,
): Promise<RolloutRecord | null> {
  const { append, at, change } = journalFor(session, record);
  if (record.state === 'completed') {
    if (currentStep(record)?.kind !== 'hold') return record;
    return options.endHold ? change({ kind: 'step-done' }) : null;
  }
  if (record.state === 'rollback_paused') return change({ kind: 'retried' });
  if (record.state === 'rollback_started' || record.aborted) return record;
  if (record.stable === null && record.state === 'paused' && (needsPerson(record) || !options.isWanted)) {
    await append({ kind: 'state', trigger: 'supersede', message: 'replaced by a later command' }, at);
    return null;
  }
  // The same release goes on; paused by a failure it stays so until somebody asks for a retry (ORACLE U08).
  if (options.isWanted) return record;
  // Back to what serves is an abort, not a successor (ORACLE C15).
  const replaced = options.forwardTo !== null && !(await options.forwardTo(record.stable, record.stable));
  return change({ kind: 'abort-requested', replaced });
}

function journalFor(session: Session, record: RolloutRecord) {
  const at = session.ports.clock.now();
  const append = (event: Parameters<typeof apply>[1], when: number): Promise<void> =>
    session.ports.store.append({ kind: 'event', at: when, rollout: record.id, event });
  const change = async (event: Parameters<typeof apply>[1]): Promise<RolloutRecord> => {
    await append(event, at);
    return apply(record, event, at);
  };
  return { append, at, change };
}
