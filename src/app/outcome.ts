import type { Color } from '../core/color.ts';
import { downText } from '../core/downtime.ts';
import { DeployError, type ErrorCode, EXIT } from '../core/errors.ts';
import type { Millis } from '../core/observed.ts';
import type { RolloutRecord, Side } from '../core/record.ts';
import type { State } from '../core/state.ts';
import { heldUntil } from '../core/steps/gates.ts';
import type { Plan } from './plan-view.ts';

/** How a verb that changes something ended. Everything but success is thrown as a DeployError. */
export interface Outcome {
  readonly exit: number;
  readonly state: State | 'nothing-to-do' | 'planned';
  readonly rollout: string | null;
  readonly version: string | null;
  readonly color: Color | null;
  readonly message: string;
  /** What a dry run found out; null for anything else. */
  readonly plan: Plan | null;
  readonly durationMs: number;
  /** For how long nobody served, because both releases must not run at once; null if somebody always did. */
  readonly downMs: Millis | null;
  /** When the old release will be retired; null if it is gone. */
  readonly holdUntil: Millis | null;
}

/** Nothing was done because nothing had to be. */
export function nothingToDo(version: string | null, color: Color | null, message: string): Outcome {
  return {
    exit: EXIT.ok,
    state: 'nothing-to-do',
    rollout: null,
    version,
    color,
    message,
    plan: null,
    durationMs: 0,
    downMs: null,
    holdUntil: null,
  };
}

/** The evidence that the executor gathered when the rollout turned around. */
export interface FailureEvidence {
  /** The error that caused it, if an action threw one with a code of its own. */
  readonly cause: DeployError | null;
  readonly details: readonly string[];
}

/**
 * The outcome of a rollout that came to rest.
 * @throws rollout-failed, rollout-paused, way-back-paused, superseded, or the cause's own code, with what still serves
 */
export function outcomeOf(
  record: RolloutRecord,
  evidence: FailureEvidence,
  stopped: 'interrupt' | 'timeout' | null,
): Outcome {
  const failure = failureOf(record, evidence, stopped);
  if (failure !== null) throw failure;
  const { version, color } = record.candidate;
  return {
    exit: EXIT.ok,
    state: record.state,
    rollout: record.id,
    version,
    color,
    message: [`${sideName(record.candidate)} serves all traffic`, downText(record.downMs) ?? []].flat().join('; '),
    plan: null,
    // The last step began when the one before it ended: drained and removed count as well.
    durationMs: record.stepStartedAt - record.acceptedAt,
    downMs: record.downMs,
    holdUntil: heldUntil(record),
  };
}

/** The error that a rollout which came to rest is; null if it completed. */
export function failureOf(
  record: RolloutRecord,
  evidence: FailureEvidence,
  stopped: 'interrupt' | 'timeout' | null,
): DeployError | null {
  if (record.state === 'completed') return null;
  const details = [...evidence.details, ...(evidence.cause?.details ?? [])];
  const what = `${record.verb} of ${record.candidate.version ?? record.id}: ${record.message ?? record.state}`;
  const next = evidence.cause?.next ?? (stopped === null ? nextOf(record) : pausedNext(record));
  return new DeployError(codeOf(record, evidence, stopped), { what, serves: servesText(record), details, next });
}

/** The way on is the first thing to say. */
function nextOf(record: RolloutRecord): string | undefined {
  if (record.state === 'rollback_completed' && record.aborted)
    return 'nothing has to be mended: it was taken back because somebody asked';
  return pausedNext(record);
}

function pausedNext({ state, pauseReason }: RolloutRecord): string | undefined {
  if (state !== 'paused') return undefined;
  if (pauseReason === 'failure')
    return 'docker-deploy-bg retry tries again what failed, docker-deploy-bg abort takes it back';
  const on = pauseReason === 'user' ? 'resume' : 'promote';
  return `docker-deploy-bg ${on} goes on, docker-deploy-bg abort takes it back`;
}

function codeOf(record: RolloutRecord, evidence: FailureEvidence, stopped: 'interrupt' | 'timeout' | null): ErrorCode {
  if (record.state === 'paused') return stopped === 'timeout' ? 'timeout' : 'rollout-paused';
  if (record.state === 'rollback_paused') return 'way-back-paused';
  if (record.state === 'superseded') return 'superseded';
  if (stopped !== null && record.aborted) return stopped === 'timeout' ? 'timeout' : 'interrupted';
  return evidence.cause?.code ?? 'rollout-failed';
}

/** What still serves while a rollout is not completed. */
export function servesText(record: RolloutRecord): string {
  if (record.state === 'rollback_paused') return 'the way back is not finished: see status for what serves';
  if (record.stable === null) return 'no version was live before this deploy';
  const { weight } = record;
  if (weight === null || weight === 0 || record.state === 'rollback_completed') return servesAll(record.stable);
  if (weight === 100) return servesAll(record.candidate);
  const share = (side: Side, percent: number): string => `${sideName(side)} gets ${String(percent)} % of the traffic`;
  return `${share(record.stable, 100 - weight)}, ${share(record.candidate, weight)}`;
}

/** `v1 (blue) serves all traffic`, `the uncolored containers serve all traffic`. */
export function servesAll(side: Side | null): string {
  return `${sideName(side)} ${side?.version === null ? 'serve' : 'serves'} all traffic`;
}

/** `v1 (blue)`, `the uncolored containers`. */
export function sideName(side: Side | null): string {
  if (side === null) return 'nothing';
  if (side.version === null) return `the ${side.color ?? 'uncolored'} containers`;
  return side.color === null ? side.version : `${side.version} (${side.color})`;
}
