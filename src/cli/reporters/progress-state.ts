import type { ProgressEvent } from '../../core/events.ts';
import type { Millis } from '../../core/observed.ts';
import { drainedText, fetchingNews, titleText, warningText, weightText } from './event-text.ts';

export interface StepProgress {
  readonly text: string;
  readonly status: 'todo' | 'running' | 'done' | 'failed';
  readonly startedAt: Millis | null;
  /** How long it took; null while it runs, and if it was done before we looked. */
  readonly ms: number | null;
}

/** Everything that has happened, as far as a live picture needs it. */
export interface ProgressState {
  readonly title: string | null;
  readonly startedAt: Millis;
  readonly steps: readonly StepProgress[];
  /** Where the rollout stands in its own count; null before it begins. */
  readonly position: { readonly index: number; readonly total: number } | null;
  readonly waiting: { readonly what: string; readonly until: Millis | null } | null;
  /** The last word about each container, check and hook that the running step is about. */
  readonly containers: Readonly<Record<string, string>>;
  readonly weight: string | null;
  /** Warnings and drain counts, oldest first. */
  readonly notes: readonly string[];
  /** Why it goes back. */
  readonly failure: string | null;
  readonly ended: 'well' | 'badly' | null;
}

/** Nothing has happened yet. */
export function initialProgress(now: Millis): ProgressState {
  return {
    title: null,
    startedAt: now,
    steps: [],
    position: null,
    waiting: null,
    containers: {},
    weight: null,
    notes: [],
    failure: null,
    ended: null,
  };
}

/** The picture after one more event. Pure. */
export function progress(state: ProgressState, event: ProgressEvent, now: Millis): ProgressState {
  switch (event.kind) {
    case 'warning':
      return { ...state, notes: [...state.notes, warningText(event)] };
    case 'phase':
      return startStep(state, [...finishRunning(state.steps, now), step(event.text)], state.steps.length, now);
    case 'rollout-started':
      return startRollout(state, event, now);
    case 'step-started':
      return startKnownStep(state, event, now);
    case 'step-finished':
      return { ...state, steps: finishStep(state.steps, event), waiting: null, containers: {} };
    case 'waiting':
      return { ...state, waiting: { what: event.what, until: event.until } };
    case 'container':
      return { ...state, containers: { ...state.containers, [event.container]: containerNews(event) } };
    case 'fetching':
      return { ...state, containers: { ...state.containers, [event.service]: fetchingNews(event) } };
    case 'weight':
      return { ...state, weight: weightText(event) };
    case 'measured':
      return { ...state, containers: { ...state.containers, [`check ${event.check}`]: measuredNews(event) } };
    case 'hook':
      return hooked(state, event);
    case 'paused':
      return { ...state, waiting: { what: `somebody to go on: ${event.message}`, until: event.until } };
    case 'lock-taken':
    case 'ordered':
      return state;
    case 'drained':
      return { ...state, notes: [...state.notes, drainedText(event)] };
    case 'failure':
      return fail(state, event, now);
    case 'finished':
      return finish(state, event, now);
  }
}

const step = (text: string): StepProgress => ({ text, status: 'todo', startedAt: null, ms: null });

type EventOf<K extends ProgressEvent['kind']> = Extract<ProgressEvent, { kind: K }>;

function startRollout(state: ProgressState, event: EventOf<'rollout-started'>, now: Millis): ProgressState {
  const title = event.continued ? `continuing ${titleText(event)}` : titleText(event);
  const steps = [...finishRunning(state.steps, now), ...event.steps.map(step)];
  return { ...state, title, steps, containers: {} };
}

/** The way back has steps of its own: what was planned and is not known by its text will not happen. */
function startKnownStep(before: ProgressState, event: EventOf<'step-started'>, now: Millis): ProgressState {
  const state = { ...before, position: { index: event.index, total: event.total } };
  const at = state.steps.findIndex((s) => s.text === event.text && (s.status === 'todo' || s.status === 'running'));
  if (at >= 0) return startStep(state, skipTo(state.steps, at), at, now);
  const known = finishRunning(state.steps, now).filter((s) => s.status !== 'todo');
  return startStep(state, [...known, step(event.text)], known.length, now);
}

/** A rollout that is continued begins in the middle: the steps before are done. */
function skipTo(steps: readonly StepProgress[], at: number): readonly StepProgress[] {
  return steps.map((s, index) => (index < at && s.status === 'todo' ? { ...s, status: 'done' } : s));
}

function startStep(state: ProgressState, steps: readonly StepProgress[], at: number, now: Millis): ProgressState {
  const started = steps.map((s, index) =>
    index === at ? { ...s, status: 'running' as const, startedAt: s.startedAt ?? now } : s,
  );
  return { ...state, steps: started, waiting: null, containers: {} };
}

function finishStep(steps: readonly StepProgress[], event: EventOf<'step-finished'>): readonly StepProgress[] {
  return steps.map((s) => (isRunning(s) && s.text === event.text ? { ...s, status: 'done', ms: event.ms } : s));
}

function finishRunning(steps: readonly StepProgress[], now: Millis): readonly StepProgress[] {
  return steps.map((s) => (isRunning(s) ? { ...s, status: 'done', ms: now - (s.startedAt ?? now) } : s));
}

function isRunning(s: StepProgress): boolean {
  return s.status === 'running';
}

function fail(state: ProgressState, { message }: EventOf<'failure'>, now: Millis): ProgressState {
  const failed = state.steps.filter((s) => s.status !== 'todo');
  return {
    ...state,
    steps: failed.map((s) => (isRunning(s) ? { ...s, status: 'failed', ms: now - (s.startedAt ?? now) } : s)),
    waiting: null,
    containers: {},
    failure: message,
  };
}

function finish(state: ProgressState, event: EventOf<'finished'>, now: Millis): ProgressState {
  const ended = event.state === 'completed' && state.failure === null ? 'well' : 'badly';
  return { ...state, steps: finishRunning(state.steps, now), waiting: null, containers: {}, ended };
}

function measuredNews({ outcome, text, dryRun }: EventOf<'measured'>): string {
  return `${outcome}${dryRun ? ' (dry run)' : ''}: ${text}`;
}

/** The line that it printed last; what failed stays on the screen. */
function hooked(state: ProgressState, { moment, hook, change, detail }: EventOf<'hook'>): ProgressState {
  const containers = { ...state.containers, [`hook ${moment}`]: detail ?? change };
  const failed = `hook ${moment} failed: ${hook}: ${detail ?? ''}`;
  return { ...state, containers, notes: change === 'failed' ? [...state.notes, failed] : state.notes };
}

function containerNews({ change, detail }: EventOf<'container'>): string {
  return detail === null ? change : `${change}: ${detail}`;
}
