import type { Millis } from './observed.ts';
import { currentStep, type RecordEvent, type RolloutRecord } from './record.ts';
import { setsRoutes } from './slots.ts';

/**
 * The record with the time in which nobody served: from when the old side begins to leave the proxy (without a route:
 * to stop) until the proxy confirms whoever serves next. So it is never less than what clients saw.
 */
export function timed(before: RolloutRecord, after: RolloutRecord, event: RecordEvent, at: Millis): RolloutRecord {
  const { downSince, downMs } = after;
  if (downSince === null) return isNewStep(before, after) && goesDown(after) ? { ...after, downSince: at } : after;
  const serves = event.kind === 'weight-confirmed' && currentStep(before)?.kind === 'weight';
  return serves ? { ...after, downSince: null, downMs: (downMs ?? 0) + at - downSince } : after;
}

function isNewStep(before: RolloutRecord, after: RolloutRecord): boolean {
  return before.cursor !== after.cursor || before.steps !== after.steps;
}

/** The present step stops the old side, or takes it out of the routes for that. */
function goesDown(record: RolloutRecord): boolean {
  const step = currentStep(record);
  if (step?.kind !== 'routes') return step?.kind === 'stop';
  const rest = record.steps.slice(record.cursor + 1);
  const next = rest.findIndex(setsRoutes);
  return rest.slice(0, next < 0 ? rest.length : next).some(({ kind }) => kind === 'stop');
}

/** For people; null if somebody served all the time. */
export function downText(downMs: Millis | null): string | null {
  return downMs === null ? null : `nothing served for ${String(Math.round(downMs))} ms`;
}
