import type { Step } from './plan.ts';
import { currentStep, type RecordEvent, type RolloutRecord } from './record.ts';

/** What a person can ask of a rollout. */
export type Steering = 'promote' | 'promote-full' | 'pause' | 'resume' | 'abort' | 'retry' | 'supersede';

/** True for a rollout that stands still until a person comes: at no gate that ends by its time or by an answer. */
export function needsPerson(record: RolloutRecord): boolean {
  const { state, gateUntil, pauseReason } = record;
  if (state !== 'paused') return state === 'rollback_paused';
  const step = currentStep(record);
  const isAsked = step?.kind === 'pause' && step.until !== undefined;
  return pauseReason !== 'step' || (gateUntil === null && !isAsked);
}

/**
 * What a request changes in a rollout, or null if it is not possible in this state (DESIGN section 6, the verbs):
 * a promotion ends the gate that the rollout stands at, nothing else; `from` never changes.
 */
export function steering(record: RolloutRecord, verb: Steering): RecordEvent | null {
  switch (verb) {
    case 'promote':
      return standsAtGate(record) ? { kind: 'gate-ended', all: false } : null;
    case 'promote-full':
      return standsAtGate(record) || hasGatesAhead(record) ? { kind: 'gate-ended', all: true } : null;
    case 'pause':
      return record.state === 'updating' ? { kind: 'user-paused' } : null;
    case 'resume':
      if (record.state === 'paused' && record.pauseReason === 'user') return { kind: 'user-resumed' };
      return canRetry(record) ? { kind: 'retried' } : null;
    case 'retry':
      return canRetry(record) ? { kind: 'retried' } : null;
    case 'abort':
    case 'supersede':
      return canGoBack(record) ? { kind: 'abort-requested', replaced: verb === 'supersede' } : null;
  }
}

/** At a pause or a check, or in doubt about what a watch has seen. */
function standsAtGate(record: RolloutRecord): boolean {
  if (record.state !== 'updating' && (record.state !== 'paused' || record.pauseReason === 'failure')) return false;
  return record.pauseReason === 'inconclusive' || isGate(currentStep(record));
}

function hasGatesAhead({ state, ungated, steps, cursor, runs }: RolloutRecord): boolean {
  return (
    state === 'updating' && !ungated && (runs.some(({ step }) => step === null) || steps.slice(cursor).some(isGate))
  );
}

function isGate(step: Step | undefined): boolean {
  return step?.kind === 'pause' || step?.kind === 'check' || step?.kind === 'watch';
}

/** Stopped by a failure, forward or on the way back, or by a doubt: whatever caused it may be mended now. */
function canRetry({ state, pauseReason }: RolloutRecord): boolean {
  return (
    (state === 'paused' && (pauseReason === 'failure' || pauseReason === 'inconclusive')) || state === 'rollback_paused'
  );
}

function canGoBack({ state, aborted }: RolloutRecord): boolean {
  return !aborted && (state === 'pending' || state === 'updating' || state === 'paused');
}
