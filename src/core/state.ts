/** States of a rollout (DESIGN section 6). */
export type State =
  | 'pending'
  | 'updating'
  | 'paused'
  | 'completed'
  | 'rollback_started'
  | 'rollback_paused'
  | 'rollback_completed'
  | 'superseded';

/** Why a rollout is paused. */
export type PauseReason = 'step' | 'user' | 'inconclusive' | 'failure';

/** What can happen to a rollout as a whole. */
export type Trigger = 'start' | 'pause' | 'resume' | 'complete' | 'back' | 'back-pause' | 'back-done' | 'supersede';

/** states × triggers → states; what is missing cannot happen. */
export const TRANSITIONS: Readonly<Record<State, Readonly<Partial<Record<Trigger, State>>>>> = {
  pending: { start: 'updating', back: 'rollback_started', 'back-done': 'rollback_completed', supersede: 'superseded' },
  updating: { pause: 'paused', complete: 'completed', back: 'rollback_started', supersede: 'superseded' },
  // A failure while it is paused for another reason.
  paused: { pause: 'paused', resume: 'updating', back: 'rollback_started', supersede: 'superseded' },
  rollback_started: { 'back-pause': 'rollback_paused', 'back-done': 'rollback_completed', supersede: 'superseded' },
  rollback_paused: { resume: 'rollback_started', 'back-done': 'rollback_completed', supersede: 'superseded' },
  // As long as the old version is still there.
  completed: { back: 'rollback_started' },
  rollback_completed: {},
  superseded: {},
};

/** The state after a trigger, or null if the trigger is not possible in this state. */
export function transition(state: State, trigger: Trigger): State | null {
  return TRANSITIONS[state][trigger] ?? null;
}

/** Completed, rolled back or superseded: who serves is decided. */
export function isTerminal(state: State): boolean {
  return state === 'completed' || state === 'rollback_completed' || state === 'superseded';
}

/** On the way back to the stable release. */
export function isGoingBack(state: State): boolean {
  return state === 'rollback_started' || state === 'rollback_paused';
}
