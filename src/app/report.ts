import type { EventSink } from '../core/events.ts';
import type { Millis, Observed } from '../core/observed.ts';
import { stepText } from '../core/plan.ts';
import { currentStep, type RecordEvent, type RolloutRecord, runKey } from '../core/record.ts';
import { isTerminal } from '../core/state.ts';
import { draining } from '../core/steps/traffic.ts';
import { sideName } from './outcome.ts';

interface Change {
  readonly before: RolloutRecord;
  readonly after: RolloutRecord;
  readonly event: RecordEvent;
  readonly at: Millis;
  readonly observed: Observed;
  readonly details: readonly string[];
}

/** A rollout begins, or goes on where another process left it. */
export function reportStart(emit: EventSink, record: RolloutRecord, continued: boolean): void {
  emit({
    kind: 'rollout-started',
    rollout: record.id,
    verb: record.verb,
    project: record.project,
    from: record.stable === null ? null : sideName(record.stable),
    to: sideName(record.candidate),
    color: record.candidate.color,
    steps: record.steps.map(stepText),
    continued,
  });
}

/** Tells the watchers what a change of the record means for people. */
export function report(emit: EventSink, change: Change): void {
  const { before, after, event, observed } = change;
  if (event.kind === 'container-ready') {
    emit({
      kind: 'container',
      service: event.service,
      container: nameOf(observed, event.id),
      change: 'ready',
      detail: null,
    });
  }
  if (event.kind === 'container-failed') {
    const { service, container, reason } = event.failure;
    emit({ kind: 'container', service, container, change: 'failed', detail: reason });
  }
  if (event.kind === 'weight-confirmed' && (before.weight ?? 0) !== event.weight) {
    emit({ kind: 'weight', weight: event.weight, to: after.candidate.version });
  }
  if (event.kind === 'measured') reportMeasured(emit, after, event);
  if (event.kind === 'step-done') {
    reportDrained(emit, change);
    if (event.warning !== undefined) emit({ kind: 'warning', code: null, message: event.warning, hint: null });
  }
  if (isPause(change)) reportPause(emit, after);
  // A failure is one of the step that was under way, and an end comes after the last step.
  if (event.kind === 'state') reportFailure(emit, change);
  if (after.cursor !== before.cursor || after.steps !== before.steps) reportNextStep(emit, change);
  if (event.kind === 'state') reportEnd(emit, change);
}

/** The question of a pause is no check of the candidate: what it waits for says its last answer. */
function reportMeasured(
  emit: EventSink,
  { runs }: RolloutRecord,
  { run: key, measurement }: Extract<RecordEvent, { kind: 'measured' }>,
): void {
  const run = runs.find((each) => runKey(each) === key);
  if (run === undefined || run.use.step !== undefined) return;
  const { service, policy } = run.use;
  const { kind: outcome, text } = measurement;
  emit({ kind: 'measured', service, check: policy.name, outcome, text, dryRun: policy.dryRun });
}

/** A pause for a failure is told as one. */
function isPause({ before, after }: Change): boolean {
  if (after.state !== 'paused' || after.pauseReason === 'failure') return false;
  return before.state !== 'paused' || before.pauseReason !== after.pauseReason;
}

function reportPause(emit: EventSink, { id, pauseReason, message, gateUntil }: RolloutRecord): void {
  if (pauseReason === null) return;
  const until = pauseReason === 'step' ? gateUntil : null;
  emit({ kind: 'paused', rollout: id, reason: pauseReason, message: message ?? '', until });
}

function nameOf(observed: Observed, id: string): string {
  return observed.containers.find((c) => c.id === id)?.name ?? id.slice(0, 12);
}

/** The step that a rollout stands at. */
export function reportStep(emit: EventSink, { steps, cursor }: RolloutRecord): void {
  const step = steps[cursor];
  if (step !== undefined) emit({ kind: 'step-started', index: cursor, total: steps.length, text: stepText(step) });
}

function reportNextStep(emit: EventSink, { before, after, at }: Change): void {
  const done = currentStep(before);
  if (done !== undefined && after.steps === before.steps) {
    const ms = at - before.stepStartedAt;
    emit({ kind: 'step-finished', index: before.cursor, total: before.steps.length, text: stepText(done), ms });
  }
  reportStep(emit, after);
}

function reportFailure(emit: EventSink, { after, details }: Change): void {
  const isFailed = after.state === 'rollback_started' || after.state === 'rollback_paused';
  if (isFailed || (after.state === 'paused' && after.pauseReason === 'failure'))
    emit({ kind: 'failure', message: after.message ?? after.state, details });
}

function reportEnd(emit: EventSink, { before, after, at }: Change): void {
  if (before.state === 'pending') reportStep(emit, after);
  if (isTerminal(after.state)) {
    const { id, state, message, candidate, acceptedAt, downMs } = after;
    emit({
      kind: 'finished',
      rollout: id,
      state,
      version: candidate.version,
      color: candidate.color,
      message,
      ms: at - acceptedAt,
      downMs,
    });
  }
}

function reportDrained(emit: EventSink, { before, at, observed }: Change): void {
  const step = currentStep(before);
  if (step?.kind !== 'drain') return;
  for (const container of draining({ record: before, observed, now: at }, step)) {
    const reading = observed.drains[container.id];
    if (reading === undefined) continue;
    const { atSwitch, inFlight } = reading;
    const ms = at - (before.weightAt ?? before.stepStartedAt);
    emit({
      kind: 'drained',
      container: container.name,
      inFlightAtSwitch: atSwitch,
      finished: Math.max(0, atSwitch - inFlight),
      cut: inFlight,
      ms,
    });
  }
}
