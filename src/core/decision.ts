import type { Millis } from './observed.ts';
import type { Action } from './plan.ts';
import type { RecordEvent } from './record.ts';

/** A wait with a deadline; it ends early when anything observed changes. */
export interface Wait {
  /** What is waited for, for people. */
  readonly what: string;
  /** The moment when the decision changes even if nothing else does. */
  readonly until: Millis;
  /** The moment when what is waited for has failed, where something is tried again before. */
  readonly deadline: Millis;
  /** Ids of containers whose probe has to run meanwhile. */
  readonly probe: readonly string[];
  /** Ids of containers whose requests in flight have to be read meanwhile. */
  readonly drain: readonly string[];
  /** Runs of checks (`runKey`) whose next measurement is due: those run meanwhile, others are stopped. */
  readonly measure: readonly string[];
}

/** What `next()` wants to happen now. */
export type Decision =
  | { readonly kind: 'act'; readonly action: Action }
  | { readonly kind: 'wait'; readonly wait: Wait }
  | { readonly kind: 'event'; readonly event: RecordEvent }
  /** Nobody has to stay: paused until a person comes, or held until a time. */
  | { readonly kind: 'leave'; readonly until: Millis | null }
  | { readonly kind: 'finished' };

export const stepDone: Decision = { kind: 'event', event: { kind: 'step-done' } };

/** The step is done, and people are told what went wrong that stops nothing. */
export function doneAlthough(warning: string): Decision {
  return { kind: 'event', event: { kind: 'step-done', warning } };
}

export function act(action: Action): Decision {
  return { kind: 'act', action };
}

export function wait(what: string, until: Millis, more: Partial<Omit<Wait, 'what' | 'until'>> = {}): Decision {
  const { deadline = until, probe = [], drain = [], measure = [] } = more;
  return { kind: 'wait', wait: { what, until, deadline, probe, drain, measure } };
}
