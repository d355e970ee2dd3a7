import type { Decision } from '../decision.ts';
import type { Millis, Observed } from '../observed.ts';
import type { HookStep } from '../plan.ts';
import type { RolloutRecord } from '../record.ts';
import { candidateReplicas } from '../sides.ts';
import { isGoingBack } from '../state.ts';
import { wayBack } from '../strategies/way-back.ts';

/** What a step may look at. */
export interface StepContext {
  readonly record: RolloutRecord;
  readonly observed: Observed;
  readonly now: Millis;
}

/** A person wants it back: nothing has failed. */
export function abort(context: StepContext): Decision {
  return goBack(context, 'aborted', []);
}

/** Turns the rollout around: all traffic to the stable release, then away with the candidate. */
function goBack({ record, observed }: StepContext, message: string, failed: readonly HookStep[]): Decision {
  const steps = wayBack(record, observed, failed);
  return { kind: 'event', event: { kind: 'state', trigger: 'back', message, steps } };
}

/** Stays where it is until a person comes. */
export function pauseForFailure({ record }: StepContext, message: string): Decision {
  const aside = record.hooks.on_failure;
  return { kind: 'event', event: { kind: 'state', trigger: 'pause', reason: 'failure', message, aside } };
}

/**
 * What a failure means that is not tolerated: back. A first deploy has nothing to go back to; what it started stays,
 * for a person to look at (ORACLE U30), and where it started nothing there is nothing to stay for.
 */
export function turnAround(context: StepContext, message: string): Decision {
  const { record, observed } = context;
  if (record.stable !== null || candidateReplicas(record, observed).length === 0)
    return goBack(context, message, record.hooks.on_failure);
  return pauseForFailure(context, `${message}; there is no previous release to go back to`);
}

/** A step that cannot succeed: forward means back, back means that a person is needed. */
export function fail(context: StepContext, message: string): Decision {
  if (!isGoingBack(context.record.state)) return turnAround(context, message);
  return { kind: 'event', event: { kind: 'state', trigger: 'back-pause', reason: 'failure', message } };
}
