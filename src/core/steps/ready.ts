import { type Decision, stepDone, wait } from '../decision.ts';
import { isCounted } from '../failure.ts';
import type { ObservedContainer } from '../observed.ts';
import type { StepOf } from '../plan.ts';
import { readiness, type Readiness } from '../readiness.ts';
import type { SideService } from '../record.ts';
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
  const judged = judge(context, step);
  const now = news(context, step, judged) ?? disappeared(context, step);
  if (now !== null) return now;
  return enough(context, step, judged) ? stepDone : (waitFor(judged) ?? stepDone);
}

function enough({ record, observed }: StepContext, step: StepOf<'ready'>, judged: readonly Judged[]): boolean {
  const { least } = step;
  if (least === undefined) return false;
  return step.services.every((name) => {
    const waiting = judged.filter(({ container }) => container.service === name).length;
    return replicasOn(record, observed, step.side, name).length - waiting >= least;
  });
}

function judge(context: StepContext, step: StepOf<'ready'>): Judged[] {
  const { record, observed, now } = context;
  const side = requireSide(record, step.side);
  return judgedReplicas(context, step).flatMap((container) => {
    const service = side.services[container.service];
    if (service === undefined || isCounted(record, container.id) || record.ready[container.id] !== undefined) return [];
    const since = Math.max(container.createdAt, record.stepStartedAt);
    const ours = isOurs(record, container);
    return [{ container, service, verdict: readiness(container, { service, observed, now, since, ours }) }];
  });
}

/** Of the stable side only what this rollout started: the others serve as they are. */
function judgedReplicas({ record, observed }: StepContext, step: StepOf<'ready'>): readonly ObservedContainer[] {
  const all = step.services.flatMap((service) => replicasOn(record, observed, step.side, service));
  return step.side === 'candidate' ? all : all.filter((c) => (c.startedAt ?? Infinity) >= record.acceptedAt);
}

function news(context: StepContext, step: StepOf<'ready'>, judged: readonly Judged[]): Decision | null {
  for (const { container, verdict } of judged) {
    if (verdict.kind === 'ready') {
      const { service, id } = container;
      return { kind: 'event', event: { kind: 'container-ready', side: step.side, service, id } };
    }
    if (verdict.kind === 'failed') return failed(context, step, container, verdict.reason);
  }
  return null;
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
