import { composeProject } from '../color.ts';
import { act, type Decision, stepDone, wait } from '../decision.ts';
import { isCounted } from '../failure.ts';
import type { Observed, ObservedContainer } from '../observed.ts';
import type { StepOf } from '../plan.ts';
import type { RolloutRecord, Side } from '../record.ts';
import { candidateReplicas, containersOf, replicasIn, requireSide } from '../sides.ts';
import { fail, type StepContext } from './outcome.ts';

/** A shared service that has not become healthy by then stops the deploy before anything of the release starts. */
const SHARED_DEADLINE_MS = 300_000;

export function clear({ record, observed }: StepContext): Decision {
  const place = inPlace(observed, record.candidate);
  const strays = record.candidate.color === null ? place : place.filter((c) => c.rollout !== record.id);
  if (strays.length > 0) return act({ kind: 'remove', containers: ids(strays), graceful: true });
  return place.length > 0 ? stepDone : withoutNetworks(record, observed, 'candidate');
}

export function shared(context: StepContext, step: StepOf<'shared'>): Decision {
  for (const service of step.services) {
    const decision = sharedService(context, service);
    if (decision !== null) return decision;
  }
  return stepDone;
}

/** Null if the service is up, or has done its work and exited with 0. */
function sharedService(context: StepContext, service: string): Decision | null {
  const { observed, record, now } = context;
  const replicas = observed.containers.filter((c) => c.color === null && c.service === service && !c.oneOff);
  if (replicas.length > 0 && replicas.every(isServing)) return null;
  const attempt = observed.attempts[`start-shared ${service}`];
  if (attempt === undefined && !replicas.some(isStarting)) return act({ kind: 'start-shared', service });
  if (attempt?.error) return fail(context, `the shared service ${service} cannot be started: ${attempt.error}`);
  const until = record.stepStartedAt + SHARED_DEADLINE_MS;
  const broken = replicas.find((c) => c.health === 'unhealthy' || c.state === 'exited' || c.state === 'dead');
  if (broken !== undefined || now >= until) {
    return fail(
      context,
      `the shared service ${service} is not healthy (${broken?.name ?? 'no container'} is ${broken?.state ?? 'missing'})`,
    );
  }
  return wait(`the shared service ${service} to become healthy`, until);
}

function isServing(container: ObservedContainer): boolean {
  if (container.state === 'exited') return container.exitCode === 0;
  return container.state === 'running' && (container.health === 'none' || container.health === 'healthy');
}

function isStarting(container: ObservedContainer): boolean {
  return container.state === 'running' && container.health !== 'none';
}

export function run(context: StepContext, step: StepOf<'run'>): Decision {
  const attempt = context.observed.attempts[`run ${step.service}`];
  if (attempt === undefined) return act({ kind: 'run', service: step.service });
  return attempt.error === null ? stepDone : fail(context, `${step.service}: ${attempt.error}`);
}

export function create(context: StepContext, step: StepOf<'create'>): Decision {
  const { observed } = context;
  const side = requireSide(context.record, step.side);
  const existing = replicasIn(observed, side, step.service);
  const stopped = step.side === 'stable' ? existing.filter((c) => c.state === 'exited' || c.state === 'created') : [];
  if (stopped.length > 0 && observed.attempts.start === undefined)
    return act({ kind: 'start', containers: ids(stopped) });
  if (side.release === null) return stepDone;
  // Their network went with a person's `down`, say: what cannot be started is created anew.
  if (stopped.length > 0) return act({ kind: 'remove', containers: ids(stopped), graceful: false });
  const lacking = missing(context.record, step, existing);
  const unstarted = neverStarted(context.record, step, existing);
  if (lacking <= 0 && unstarted === undefined) return stepDone;
  const attempt = observed.attempts[`create ${step.service}`];
  if (attempt?.error) return couldNotCreate(context, step, attempt.error, unstarted);
  if (attempt === undefined)
    return act({ kind: 'create', side: step.side, service: step.service, total: step.replicas });
  return lacking > 0 ? couldNotCreate(context, step, 'was removed at once', undefined) : stepDone;
}

function missing(record: RolloutRecord, step: StepOf<'create'>, existing: readonly ObservedContainer[]): number {
  const uncreated =
    step.side === 'candidate' ? record.failures.filter((f) => f.service === step.service && f.id === null).length : 0;
  return step.replicas - existing.length - uncreated;
}

/** What a failed or killed `up` leaves behind: its port was taken, or it died between create and start. */
function neverStarted(
  record: RolloutRecord,
  step: StepOf<'create'>,
  existing: readonly ObservedContainer[],
): ObservedContainer | undefined {
  if (step.side === 'stable') return undefined;
  return existing.find((container) => container.state === 'created' && !isCounted(record, container.id));
}

function couldNotCreate(
  context: StepContext,
  step: StepOf<'create'>,
  error: string,
  left: ObservedContainer | undefined,
): Decision {
  if (step.side === 'stable') return fail(context, `${step.service} cannot be brought back: ${error}`);
  const failure = {
    service: step.service,
    container: left?.name ?? step.service,
    id: left?.id ?? null,
    reason: `cannot be started: ${error}`,
    at: context.now,
  };
  return { kind: 'event', event: { kind: 'container-failed', failure } };
}

export function remove({ record, observed }: StepContext, step: StepOf<'remove'>): Decision {
  const side = requireSide(record, step.side);
  for (const service of step.services) {
    const replicas = replicasIn(observed, side, service);
    if (replicas.length > 0) return act({ kind: 'remove', containers: ids(replicas), graceful: true });
  }
  const others = inPlace(observed, side);
  if (side.color !== null && others.length > 0) return act({ kind: 'remove', containers: ids(others), graceful: true });
  return withoutNetworks(record, observed, step.side);
}

export function shrink({ record, observed }: StepContext, step: StepOf<'shrink'>): Decision {
  const excess = replicasIn(observed, requireSide(record, step.side), step.service).slice(step.replicas);
  return excess.length > 0 ? act({ kind: 'remove', containers: ids(excess), graceful: true }) : stepDone;
}

/** The last word on a color: its networks go too. The user's own project keeps its networks. */
function withoutNetworks(record: RolloutRecord, observed: Observed, name: 'stable' | 'candidate'): Decision {
  const side = requireSide(record, name);
  const project = composeProject(record.project, side.color);
  if (side.color === null || !observed.networks.includes(project) || observed.attempts['remove-networks'] !== undefined)
    return stepDone;
  return act({ kind: 'remove-networks', side: name });
}

/** Everything in a color, whatever service it is of; in the user's own project only what the side names. */
function inPlace(observed: Observed, side: Side): readonly ObservedContainer[] {
  return side.color === null ? containersOf(observed, side) : observed.containers.filter((c) => c.color === side.color);
}

function ids(containers: readonly ObservedContainer[]): string[] {
  return containers.map((container) => container.id);
}

/** Ids of the candidate's replicas of some services whose readiness is judged. */
export function judgedReplicas(context: StepContext, step: StepOf<'ready'>): readonly ObservedContainer[] {
  const { record, observed } = context;
  const all =
    step.side === 'candidate'
      ? candidateReplicas(record, observed)
      : containersOf(observed, requireSide(record, 'stable')).filter(
          (c) => (c.startedAt ?? Infinity) >= record.acceptedAt,
        );
  return all.filter((c) => step.services.includes(c.service));
}
