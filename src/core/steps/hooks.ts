import { act, type Decision, stepDone, wait } from '../decision.ts';
import type { HookStep } from '../plan.ts';
import { fail, type StepContext } from './outcome.ts';

/** Between two looks for a hook that should have ended. */
export const LATE_MS = 1000;

/**
 * Runs once: how it ended is in the record. A process that is killed while it runs leaves no end there, and it runs
 * again, as it does when a step before it is retried.
 */
export function hook(context: StepContext, step: HookStep): Decision {
  const { record } = context;
  if (record.hookEnd === null) return running(context, step);
  if (record.hookEnd.ok || onlyTells(context, step)) return stepDone;
  return fail(context, `hook ${step.moment} failed: ${step.text}: ${record.hookEnd.text}`);
}

/** Whatever becomes of it, the rollout has its outcome already. */
function onlyTells({ record }: StepContext, { moment }: HookStep): boolean {
  return moment === 'on_failure' || record.state === 'completed';
}

/** The hooks of a failure that the rollout rests with: they run before everybody leaves. */
export function aside(context: StepContext): Decision {
  const [step] = context.record.aside;
  return step === undefined ? { kind: 'leave', until: null } : running(context, step);
}

function running({ observed, now }: StepContext, { kind, moment, of, owner, index, text }: HookStep): Decision {
  if (observed.hook === null) return act({ kind, moment, of, owner, index });
  return wait(`hook ${moment}: ${text}`, Math.max(observed.hook.until, now + LATE_MS));
}
