import type { Decision } from '../decision.ts';
import type { Millis, Observed } from '../observed.ts';
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

/** Turns the rollout around: all traffic to the stable release, then away with the candidate. */
export function goBack({ record, observed }: StepContext, message: string): Decision {
  return { kind: 'event', event: { kind: 'state', trigger: 'back', message, steps: wayBack(record, observed) } };
}

/** Stays where it is until a person comes. */
export function pauseForFailure(message: string): Decision {
  return { kind: 'event', event: { kind: 'state', trigger: 'pause', reason: 'failure', message } };
}

/**
 * What a failure means that is not tolerated: back. A first deploy has nothing to go back to; what it started stays,
 * for a person to look at (ORACLE U30), and where it started nothing there is nothing to stay for.
 */
export function turnAround(context: StepContext, message: string): Decision {
  const { record, observed } = context;
  if (record.stable !== null || candidateReplicas(record, observed).length === 0) return goBack(context, message);
  return pauseForFailure(`${message}; there is no previous release to go back to`);
}

/** A step that cannot succeed: forward means back, back means that a person is needed. */
export function fail(context: StepContext, message: string): Decision {
  if (!isGoingBack(context.record.state)) return turnAround(context, message);
  return { kind: 'event', event: { kind: 'state', trigger: 'back-pause', reason: 'failure', message } };
}
