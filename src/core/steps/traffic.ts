import { act, type Decision, stepDone, wait } from '../decision.ts';
import type { ObservedContainer, RouteState } from '../observed.ts';
import type { StepOf } from '../plan.ts';
import { routesMatch } from '../routes-match.ts';
import { desiredRoutes, hasRoutes, unrouted } from '../routing.ts';
import { currentStep } from '../record.ts';
import { isTogether, replicasOn, requireSide } from '../sides.ts';
import { setsRoutes } from '../slots.ts';
import { isGoingBack } from '../state.ts';
import { longest } from '../strategies/bring-in.ts';
import { fail, type StepContext } from './outcome.ts';

/** Between two tries to reach a proxy that does not answer. */
const RETRY_MS = 500;
/** Two readings of zero in a row are the evidence of drained (DESIGN section 8). */
const ZEROS_NEEDED = 2;

export function prepare(context: StepContext): Decision {
  const { record, observed } = context;
  const attempt = observed.attempts.prepare;
  if (!routesAnywhere(record) || attempt?.error === null) return stepDone;
  if (attempt === undefined) return act({ kind: 'prepare', routes: desiredRoutes(record, observed, 0) });
  return fail(context, `the proxy’s files cannot be written: ${attempt.error}`);
}

/** The traffic stays where it is; what changes is that the proxy provably works by our files. */
export function wire(context: StepContext): Decision {
  return reach(context, 0);
}

export function weight(context: StepContext, step: StepOf<'weight'>): Decision {
  const wanted = desiredRoutes(context.record, context.observed, step.weight);
  const empty = wanted.find((route) => route.backends.length === 0 && !isTogether(context.record, route.service));
  if (empty === undefined || (context.record.stable === null && step.weight === 0)) return reach(context, step.weight);
  if (isGoingBack(context.record.state) && weightFollows(context)) return stepDone;
  return fail(context, `no replica of ${empty.service} is ready to take the traffic`);
}

/** Nobody at all is an answer, too: recreate and stop-first of the only replica say so in their plan. */
export function routes(context: StepContext): Decision {
  return reach(context, context.record.weight ?? 0);
}

/** A replica that got requests has failed and is tolerated: the proxy has to forget it before anything else. */
export function refreshRoutes(context: StepContext): Decision | null {
  const { record } = context;
  if (!record.staleRoutes || record.weight === null || setsRoutes(currentStep(record)) || !routesAnywhere(record))
    return null;
  return reach(context, record.weight);
}

/** On the way back a dead stable side is restored first; the weight step after that is the one that counts. */
function weightFollows({ record }: StepContext): boolean {
  return record.steps.slice(record.cursor + 1).some((step) => step.kind === 'weight');
}

function reach(context: StepContext, target: number): Decision {
  const { record, observed, now } = context;
  const wanted = desiredRoutes(record, observed, target);
  if (!routesAnywhere(record) || routesMatch(observed.router, wanted)) return confirmed(context, target);
  const attempt = observed.attempts.route;
  if (attempt === undefined) return act({ kind: 'route', weight: target, routes: wanted });
  const deadline = record.stepStartedAt + longest(record.candidate, (service) => service.progressDeadlineMs);
  if (attempt.fatal) return fail(context, attempt.error ?? reading(context));
  if (now >= deadline)
    return fail(context, `the proxy does not confirm the switch: ${attempt.error ?? reading(context)}`);
  if (now < attempt.at + RETRY_MS) {
    const what = `the proxy to confirm ${String(target)} % for the candidate (${attempt.error ?? reading(context)})`;
    return wait(what, Math.min(deadline, attempt.at + RETRY_MS), { deadline });
  }
  return act({ kind: 'route', weight: target, routes: wanted });
}

function confirmed({ record }: StepContext, target: number): Decision {
  const fresh = record.weightAt !== null && record.weightAt >= record.stepStartedAt && !record.staleRoutes;
  const known = record.weight === target && fresh;
  return known ? stepDone : { kind: 'event', event: { kind: 'weight-confirmed', weight: target } };
}

function reading({ observed }: StepContext): string {
  return observed.router.kind === 'unreadable' ? observed.router.reason : 'it shows other upstreams than asked for';
}

function routesAnywhere(record: StepContext['record']): boolean {
  return hasRoutes(record.stable) || hasRoutes(record.candidate);
}

export function drain(context: StepContext, step: StepOf<'drain'>): Decision {
  const { record, observed, now } = context;
  const side = requireSide(record, step.side);
  const longestDrain = Math.max(0, ...step.services.map((name) => side.services[name]?.drainTimeoutMs ?? 0));
  const until = (record.weightAt ?? record.stepStartedAt) + longestDrain;
  const replicas = draining(context, step);
  const busy = replicas.filter((c) => (observed.drains[c.id]?.zeros ?? 0) < ZEROS_NEEDED);
  if (busy.length === 0 || now >= until) return stepDone;
  const what = busy.map((c) => `${c.name}: ${inFlightText(context, c)}`).join('; ');
  // Whoever is idle already may be asked once more, by a client that a worker of the proxy still holds.
  return wait(`requests in flight to end (${what})`, until, { drain: replicas.map((c) => c.id) });
}

function inFlightText({ observed }: StepContext, container: ObservedContainer): string {
  const reading = observed.drains[container.id];
  return reading === undefined ? 'being counted' : `${String(reading.inFlight)} in flight`;
}

/** Running replicas that a drain step waits for: those that the router does not send anything to any more. */
export function draining({ record, observed }: StepContext, step: StepOf<'drain'>): readonly ObservedContainer[] {
  const routes: readonly RouteState[] = desiredRoutes(record, observed, record.weight ?? 0);
  const replicas = step.services.flatMap((service) => replicasOn(record, observed, step.side, service));
  return unrouted(replicas, routes).filter((c) => c.state === 'running');
}
