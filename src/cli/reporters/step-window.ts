import type { StepProgress } from './progress-state.ts';

export interface StepWindow {
  /** How many before the first shown. */
  readonly before: number;
  readonly shown: readonly StepProgress[];
  /** How many after the last shown. */
  readonly after: number;
}

/**
 * The steps around the one that runs, on at most `space` lines, those included that say how many are left out.
 * One line is always used, for the step that runs.
 */
export function windowOf(steps: readonly StepProgress[], space: number): StepWindow {
  const focus = focusOf(steps);
  let [start, end] = [0, steps.length];
  const lines = (): number => end - start + (start > 0 ? 1 : 0) + (end < steps.length ? 1 : 0);
  while (lines() > space && end - start > 1) {
    // What is done matters less than what comes; the last one done stays as long as there is room for more.
    if (focus - start > 1 || end - 1 <= focus) start += 1;
    else end -= 1;
  }
  if (lines() > space) return { before: 0, shown: steps.slice(focus, focus + 1), after: 0 };
  return { before: start, shown: steps.slice(start, end), after: steps.length - end };
}

/** The step that runs; else the last one that was begun. */
function focusOf(steps: readonly StepProgress[]): number {
  const running = steps.findIndex((s) => s.status === 'running');
  if (running >= 0) return running;
  return Math.max(
    0,
    steps.findLastIndex((s) => s.status !== 'todo'),
  );
}
