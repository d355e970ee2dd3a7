import { act, type Decision } from './decision.ts';
import { newFailureAfterReady, nobodyAlive, verdict, type Verdict } from './failure.ts';
import type { Millis, Observed } from './observed.ts';
import type { StepKind, StepOf } from './plan.ts';
import { currentStep, type RolloutRecord } from './record.ts';
import { isGoingBack } from './state.ts';
import { clear, create, remove, run, shared, shrink, stop } from './steps/containers.ts';
import { check, failedWhileHeld, makingChecks, watch, watched } from './steps/checks.ts';
import { atGate, complete, delay, heldUntil, hold, monitor, pause, windows } from './steps/gates.ts';
import { aside, hook } from './steps/hooks.ts';
import { abort, fail, pauseForFailure, type StepContext, turnAround } from './steps/outcome.ts';
import { ready } from './steps/ready.ts';
import { drain, prepare, refreshRoutes, routes, weight, wire } from './steps/traffic.ts';

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
  routes,
  match: routes,
  mirror: routes,
  preview: routes,
  pause,
  check,
  watch,
  hook,
  delay,
  monitor,
  windows,
  complete,
  hold,
  drain,
  remove,
  stop,
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
  return makingChecks(context, interruption(context) ?? runStep(context));
}

/** What outranks the current step: a person's abort, a failure in its window, a watch, a pause, routes to a dead replica. */
function interruption(context: StepContext): Decision | null {
  const { record } = context;
  if (record.state === 'completed') return lastWord(context);
  if (record.state === 'rollback_paused') return { kind: 'leave', until: null };
  if (record.state === 'rollback_started') return failure(context) ?? refreshRoutes(context);
  if (record.aborted) return abort(context);
  if (record.pauseReason === 'failure') return aside(context);
  const broken = failure(context) ?? watched(context) ?? refreshRoutes(context);
  return record.state === 'paused' ? (broken ?? atGate(context)) : broken;
}

/** What is left to do takes the old version away: not for a candidate that is dead by now, or was seen to fail meanwhile. */
function lastWord(context: StepContext): Decision | null {
  if (currentStep(context.record) === undefined) return null;
  const dead = nobodyAlive(context.record, context.observed);
  if (dead !== null) return turnAround(context, dead);
  return heldUntil(context.record) === null ? null : failedWhileHeld(context);
}

function failure(context: StepContext): Decision | null {
  const { record, observed, now } = context;
  const judged = verdict(record);
  if (judged.kind === 'act') return onVerdict(context, judged);
  const found = newFailureAfterReady(record, observed, now);
  return found === null ? null : { kind: 'event', event: { kind: 'container-failed', failure: found } };
}

function onVerdict(context: StepContext, judged: Extract<Verdict, { kind: 'act' }>): Decision {
  if (isGoingBack(context.record.state)) return fail(context, judged.message);
  return judged.action === 'pause' ? pauseForFailure(context, judged.message) : turnAround(context, judged.message);
}

function runStep(context: StepContext): Decision {
  const step = currentStep(context.record);
  if (step !== undefined) return dispatch(context, step);
  return context.record.state === 'rollback_started' ? isBack(context) : { kind: 'finished' };
}

/** A process that died just before the rollout completed has left the candidate's color in the file. */
function isBack({ record, observed }: StepContext): Decision {
  const color = record.stable?.color ?? null;
  if (observed.color !== color) return act({ kind: 'set-color', color });
  return { kind: 'event', event: { kind: 'state', trigger: record.replaced ? 'supersede' : 'back-done' } };
}

function dispatch<K extends StepKind>(context: StepContext, step: StepOf<K>): Decision {
  const handler: (context: StepContext, step: StepOf<K>) => Decision = STEPS[step.kind];
  return handler(context, step);
}
