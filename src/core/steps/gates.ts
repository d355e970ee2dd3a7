import { act, type Decision, stepDone, wait } from '../decision.ts';
import { matchText } from '../match.ts';
import type { StepOf } from '../plan.ts';
import type { CheckUse } from '../service-checks.ts';
import { agenda, dryRunText, heldAgenda, stepRuns, unsettled } from './checks.ts';
import { currentStep, type RolloutRecord } from '../record.ts';
import { previewNow } from '../routing.ts';
import { configOf, isCounted, toleratedText } from '../failure.ts';
import { replicasOn, requireSide } from '../sides.ts';
import { LATE_MS } from './hooks.ts';
import { fail, type StepContext } from './outcome.ts';
import { draining } from './traffic.ts';

/** How often nobody has to look at a wait that has no end of its own. */
const LOOK_MS = 60_000;

/** A gate that was left by a person's pause keeps its time; whoever asked to pass all gates meets none. */
export function pause({ record, now }: StepContext, step: StepOf<'pause'>): Decision {
  const until = record.gateUntil ?? (step.ms === null ? null : now + step.ms);
  if (record.ungated || (until !== null && now >= until)) return stepDone;
  return { kind: 'event', event: { kind: 'gate-entered', until, message: gateText(record, step, until) } };
}

/** What happens while the rollout stands at a gate. */
export function atGate(context: StepContext): Decision {
  const { record, observed, now } = context;
  const step = currentStep(record);
  if (observed.hook !== null) return wait('the hook to end', Math.max(observed.hook.until, now + LATE_MS));
  if (record.pauseReason === 'step' && step?.kind === 'pause' && step.until !== undefined)
    return atQuestion(context, step.until);
  if (record.pauseReason !== 'step' || record.gateUntil === null) return { kind: 'leave', until: null };
  if (now >= record.gateUntil) return { kind: 'event', event: { kind: 'gate-ended', all: false } };
  return wait('the time to promote', record.gateUntil);
}

function gateText(record: RolloutRecord, { until: question }: StepOf<'pause'>, until: number | null): string {
  const previews = record.weight === 0 && question === undefined ? Object.values(previewNow(record)) : [];
  const ways = [...new Set(previews.map(matchText))].join(' or ');
  return waitsFor(question, until) + (ways === '' ? '' : `; requests by ${ways} reach it`);
}

function waitsFor(question: CheckUse | undefined, until: number | null): string {
  if (question !== undefined) return 'waits for its URL to say that it may go on';
  return until === null ? 'waits for a person to promote' : 'waits for its time to promote';
}

/** The first pass opens the gate; everything else means "not yet", however often (ORACLE A14). */
function atQuestion({ record, now }: StepContext, question: CheckUse): Decision {
  const [run] = stepRuns(record);
  if (run === undefined) return { kind: 'event', event: { kind: 'checks-begun', mode: 'inline', checks: [question] } };
  if (run.tally.passes > 0) return { kind: 'event', event: { kind: 'gate-ended', all: false } };
  const last = run.tally.last === null ? '' : ` (${run.tally.last.text})`;
  const { due, next } = agenda([run], now);
  return wait(`its URL to say that it may go on${last}`, next ?? now + LOOK_MS, { measure: due });
}

/** The old replicas drain while the candidate is watched. */
export function monitor(context: StepContext, step: StepOf<'monitor'>): Decision {
  const until = context.record.stepStartedAt + step.ms;
  if (context.now >= until) return stepDone;
  return wait('the candidate to hold', until, { drain: willDrain(context) });
}

function willDrain(context: StepContext): string[] {
  const { record } = context;
  const step = record.steps.slice(record.cursor).find((s): s is StepOf<'drain'> => s.kind === 'drain');
  return step === undefined ? [] : draining(context, step).map((c) => c.id);
}

/** Every replica that became ready has had its window; whoever failed in it was counted meanwhile. */
export function windows(context: StepContext, step: StepOf<'windows'>): Decision {
  const { record, now } = context;
  const ends = Object.entries(record.ready).map(([id, { service, at }]) => windowOf(context, step, id, service, at));
  const until = Math.max(record.stepStartedAt, ...ends.filter((end) => end !== null));
  return now >= until ? stepDone : wait(`${step.services.join(', ')} to hold`, until);
}

function windowOf(
  { record, observed }: StepContext,
  step: StepOf<'windows'>,
  id: string,
  name: string,
  readyAt: number,
): number | null {
  const service = requireSide(record, step.side).services[name];
  if (service === undefined || !step.services.includes(name) || isCounted(record, id)) return null;
  const mine = replicasOn(record, observed, step.side, name).some((c) => c.id === id);
  return mine ? readyAt + configOf(step.side, service).monitorMs : null;
}

export function delay({ record, now }: StepContext, step: StepOf<'delay'>): Decision {
  const until = record.stepStartedAt + step.ms;
  return now >= until ? stepDone : wait('the delay between two batches', until);
}

/**
 * Only here the candidate becomes the stable release: with a ready replica of every changed service, and with no
 * watch that has not had its say.
 */
export function complete(context: StepContext): Decision {
  const { record, observed } = context;
  if (record.state === 'completed') return stepDone;
  const open = unsettled(context);
  if (open !== null) return open;
  const lacking = changedServices(record).find((service) => !hasGood(context, service));
  if (lacking !== undefined) return fail(context, `no replica of ${lacking} runs`);
  const { color } = record.candidate;
  if (observed.color !== color) return act({ kind: 'set-color', color });
  const message = [toleratedText(record), dryRunText(record)].filter((text) => text !== null).join('; ');
  return {
    kind: 'event',
    event: { kind: 'state', trigger: 'complete', ...(message === '' ? {} : { message }) },
  };
}

/** Services that the plan waited for; the others are as they were. */
function changedServices({ steps }: StepContext['record']): string[] {
  const waited = steps.flatMap((step) => (step.kind === 'ready' && step.side === 'candidate' ? step.services : []));
  return [...new Set(waited)];
}

function hasGood({ record, observed }: StepContext, service: string): boolean {
  const wanted = record.candidate.services[service]?.replicas ?? 0;
  const good = replicasOn(record, observed, 'candidate', service).some(
    (c) => c.state === 'running' && !isCounted(record, c.id),
  );
  return wanted === 0 || good;
}

/** Nobody waits here; an agent comes again when there is something to see of the release that serves. */
export function hold({ record, now }: StepContext, step: StepOf<'hold'>): Decision {
  const until = record.stepStartedAt + step.ms;
  const { due, next } = heldAgenda(record, now);
  const look = due.length > 0 ? now : (next ?? until);
  return now >= until ? stepDone : { kind: 'leave', until: Math.min(until, look) };
}

/** When a held release will be retired; null if none is held. */
export function heldUntil(record: StepContext['record']): number | null {
  const step = currentStep(record);
  return record.state === 'completed' && step?.kind === 'hold' ? record.stepStartedAt + step.ms : null;
}
