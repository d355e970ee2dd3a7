import type { HistoryRollout, RolloutView } from '../../app/status-view.ts';
import type { Millis } from '../../core/observed.ts';
import type { State } from '../../core/state.ts';
import { age, took } from './text.ts';

const STATE_TEXT: Readonly<Record<State, string>> = {
  pending: 'accepted',
  updating: 'under way',
  paused: 'paused',
  completed: 'completed',
  rollback_started: 'going back',
  rollback_paused: 'way back paused',
  rollback_completed: 'rolled back',
  superseded: 'superseded',
};

/** A state in words. */
export function stateText(state: State): string {
  return STATE_TEXT[state];
}

/** `deploy v1 → v2 completed 3m ago in 12.1 s`, `deploy v1 → v2 paused – step 2/5 (step) for 3m: weight 10`. */
export function rolloutText(rollout: RolloutView, now: Millis): string {
  const versions = [rollout.from, rollout.to].filter((version) => version !== null).join(' → ');
  const reason = rollout.pauseReason === null ? '' : ` (${rollout.pauseReason})`;
  const where = stateText(rollout.state) + stepText(rollout) + reason;
  const parts = [rollout.verb, versions, where, timeText(rollout, now)];
  return [parts.filter((part) => part !== '').join(' '), rollout.step?.text, rollout.message]
    .filter((part) => part != null)
    .join(': ');
}

/** `completed 3m ago`. */
export function historyRolloutText(rollout: HistoryRollout, now: Millis): string {
  const verb = rollout.verb === 'deploy' ? '' : `${rollout.verb} `;
  const down = rollout.downMs === null ? '' : `, ${took(rollout.downMs)} without service`;
  return `${verb}${stateText(rollout.state)} ${age(now - (rollout.endedAt ?? rollout.startedAt))} ago${down}`;
}

function timeText({ startedAt, endedAt, downMs }: RolloutView, now: Millis): string {
  if (endedAt === null) return `for ${age(now - startedAt)}`;
  const down = downMs === null ? '' : `, ${took(downMs)} of it without service`;
  return `${age(now - endedAt)} ago in ${took(endedAt - startedAt)}${down}`;
}

function stepText({ step }: RolloutView): string {
  return step === null ? '' : ` – step ${String(step.index)}/${String(step.total)}`;
}
