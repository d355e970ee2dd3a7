import { type Decision, stepDone, wait } from '../decision.ts';
import { isCounted } from '../failure.ts';
import type { ObservedContainer } from '../observed.ts';
import type { StepOf } from '../plan.ts';
import { readiness, type Readiness } from '../readiness.ts';
import type { RolloutRecord, SideService } from '../record.ts';
import { isOurs, replicasOn, requireSide } from '../sides.ts';
import { lackingSlots } from '../slots.ts';
import { isGoingBack } from '../state.ts';
import { fail, type StepContext } from './outcome.ts';

interface Judged {
  readonly container: ObservedContainer;
  readonly service: SideService;
  readonly verdict: Readiness;
}

/** Ends when every replica is ready or its failure is counted; each is reported once, as soon as it is known. */
export function ready(context: StepContext, step: StepOf<'ready'>): Decision {
  const waiting: Judged[] = [];
  for (const judged of judge(context, step)) {
    const news = newsOf(context, step, judged);
    if (news !== null) return news;
    waiting.push(judged);
  }
  const gone = disappeared(context, step);
  if (gone !== null) return gone;
  return enough(context, step, waiting) ? stepDone : (waitFor(waiting) ?? stepDone);
}

function enough({ record, observed }: StepContext, step: StepOf<'ready'>, waiting: readonly Judged[]): boolean {
  const { least } = step;
  if (least === undefined) return false;
  return step.services.every((name) => {
    const missing = waiting.filter(({ container }) => container.service === name).length;
    return replicasOn(record, observed, step.side, name).length - missing >= least;
  });
}

/** One replica after the other: the first news ends the look, and there may be a thousand of them. */
function* judge(context: StepContext, step: StepOf<'ready'>): Generator<Judged> {
  const { record, observed, now } = context;
  const side = requireSide(record, step.side);
  for (const name of step.services) {
    const service = side.services[name];
    if (service === undefined) continue;
    for (const container of replicasOn(record, observed, step.side, name)) {
      if (!isJudged(record, step, container)) continue;
      const since = Math.max(container.createdAt, record.stepStartedAt);
      const ours = isOurs(record, container);
      yield { container, service, verdict: readiness(container, { service, observed, now, since, ours }) };
    }
  }
}

/** What is not known to be ready or to have failed; of the stable side only what this rollout started. */
function isJudged(record: RolloutRecord, step: StepOf<'ready'>, { id, startedAt }: ObservedContainer): boolean {
  if (record.ready[id] !== undefined || isCounted(record, id)) return false;
  return step.side === 'candidate' || (startedAt ?? Infinity) >= record.acceptedAt;
}

function newsOf(context: StepContext, step: StepOf<'ready'>, { container, verdict }: Judged): Decision | null {
  if (verdict.kind === 'waiting') return null;
  if (verdict.kind === 'failed') return failed(context, step, container, verdict.reason);
  const { service, id } = container;
  return { kind: 'event', event: { kind: 'container-ready', side: step.side, service, id } };
}

function failed(context: StepContext, step: StepOf<'ready'>, container: ObservedContainer, reason: string): Decision {
  if (step.side === 'stable' && !isGoingBack(context.record.state))
    return fail(context, `${container.name}: ${reason}`);
  const at = container.finishedAt ?? context.now;
  const failure = {
    side: step.side,
    service: container.service,
    container: container.name,
    id: container.id,
    reason,
    at,
  };
  return { kind: 'event', event: { kind: 'container-failed', failure } };
}

/** A replica that somebody removed before it was ready. */
function disappeared({ record, observed, now }: StepContext, step: StepOf<'ready'>): Decision | null {
  if (step.side === 'stable') return null;
  for (const service of step.services) {
    const created = record.steps
      .slice(0, record.cursor)
      .findLast((s) => (s.kind === 'create' || s.kind === 'shrink') && s.side === step.side && s.service === service);
    if (created?.kind === 'create' && lackingSlots(record, observed, created) > 0) {
      const reason = 'was removed before it was ready';
      const failure = { side: step.side, service, container: service, id: null, reason, at: now };
      return { kind: 'event', event: { kind: 'container-failed', failure } };
    }
  }
  return null;
}

function waitFor(judged: readonly Judged[]): Decision | null {
  const waiting = judged.flatMap(({ container, service, verdict }) =>
    verdict.kind === 'waiting' ? [{ container, service, verdict }] : [],
  );
  if (waiting.length === 0) return null;
  const what = waiting.map(({ container, verdict }) => `${container.name}: ${verdict.what}`).join('; ');
  const until = Math.min(...waiting.map(({ verdict }) => verdict.until));
  const probe = waiting.filter(({ service }) => service.route?.probe).map(({ container }) => container.id);
  return wait(what, until, { probe });
}
