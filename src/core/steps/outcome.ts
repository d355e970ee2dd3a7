import type { Decision } from '../decision.ts';
import type { Millis, Observed } from '../observed.ts';
import type { RolloutRecord } from '../record.ts';
import { isGoingBack } from '../state.ts';
import { wayBack } from '../strategies/way-back.ts';

/** What a step may look at. */
export interface StepContext {
  readonly record: RolloutRecord;
  readonly observed: Observed;
  readonly now: Millis;
}

/** Turns the rollout around: all traffic to the stable release, then away with the candidate. */
export function goBack({ record }: StepContext, message: string): Decision {
  return { kind: 'event', event: { kind: 'state', trigger: 'back', message, steps: wayBack(record) } };
}

/** A step that cannot succeed: forward means back, back means that a person is needed, a first deploy stays as it is. */
export function fail(context: StepContext, message: string): Decision {
  const { record } = context;
  if (isGoingBack(record.state))
    return { kind: 'event', event: { kind: 'state', trigger: 'back-pause', reason: 'failure', message } };
  if (record.stable !== null) return goBack(context, message);
  const text = `${message}; there is no previous release to go back to`;
  return { kind: 'event', event: { kind: 'state', trigger: 'pause', reason: 'failure', message: text } };
}
