import { type Decision } from './decision.ts';
import { newFailureAfterReady, verdict } from './failure.ts';
import type { Millis, Observed } from './observed.ts';
import type { StepKind, StepOf } from './plan.ts';
import { currentStep, type RolloutRecord } from './record.ts';
import { isGoingBack } from './state.ts';
import { clear, create, remove, run, shared, shrink } from './steps/containers.ts';
import { atGate, complete, hold, monitor, pause } from './steps/gates.ts';
import { goBack, pauseForFailure, type StepContext, turnAround } from './steps/outcome.ts';
import { ready } from './steps/ready.ts';
import { drain, prepare, weight, wire } from './steps/traffic.ts';

/** One function a kind of step: a missing one does not compile. */
const STEPS: { readonly [K in StepKind]: (context: StepContext, step: StepOf<K>) => Decision } = {
  clear,
  prepare,
  shared,
  wire,
  run,
  create,
  ready,
  weight,
  pause,
  monitor,
  complete,
  hold,
  drain,
  remove,
  shrink,
};

/**
 * The state machine: what happens next in a rollout. Pure and repeatable: after a crash the same call with what is
 * observed then goes on from there. The caller performs the decision and calls again.
 */
export function next(record: RolloutRecord, observed: Observed, now: Millis): Decision {
  if (record.state === 'superseded' || record.state === 'rollback_completed') return { kind: 'finished' };
  if (record.state === 'pending') return { kind: 'event', event: { kind: 'state', trigger: 'start' } };
  const context = { record, observed, now };
  return interruption(context) ?? runStep(context);
}

/** What outranks the current step: a person's abort, a failure in its window, a pause. */
function interruption(context: StepContext): Decision | null {
  const { record } = context;
  if (record.state === 'completed' || isGoingBack(record.state)) {
    return record.state === 'rollback_paused' ? { kind: 'leave', until: null } : null;
  }
  if (record.aborted) return goBack(context, 'aborted');
  if (record.state !== 'paused') return failure(context);
  return record.pauseReason === 'failure' ? { kind: 'leave', until: null } : (failure(context) ?? atGate(context));
}

function failure(context: StepContext): Decision | null {
  const { record, observed, now } = context;
  const judged = verdict(record);
  if (judged.kind === 'act') {
    return judged.action === 'pause' ? pauseForFailure(judged.message) : turnAround(context, judged.message);
  }
  const found = newFailureAfterReady(record, observed, now);
  return found === null ? null : { kind: 'event', event: { kind: 'container-failed', failure: found } };
}

function runStep(context: StepContext): Decision {
  const step = currentStep(context.record);
  if (step !== undefined) return dispatch(context, step);
  return context.record.state === 'rollback_started'
    ? { kind: 'event', event: { kind: 'state', trigger: context.record.replaced ? 'supersede' : 'back-done' } }
    : { kind: 'finished' };
}

function dispatch<K extends StepKind>(context: StepContext, step: StepOf<K>): Decision {
  const handler: (context: StepContext, step: StepOf<K>) => Decision = STEPS[step.kind];
  return handler(context, step);
}
