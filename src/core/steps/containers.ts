import { composeProject } from '../color.ts';
import { act, type Decision, doneAlthough, stepDone, wait } from '../decision.ts';
import { isCounted } from '../failure.ts';
import type { Observed, ObservedContainer } from '../observed.ts';
import type { StepOf } from '../plan.ts';
import type { RolloutRecord, Side } from '../record.ts';
import { isTogether, placeOf, replicasIn, replicasOn, requireSide } from '../sides.ts';
import { goingReplicas, lackingSlots } from '../slots.ts';
import { fail, type StepContext } from './outcome.ts';

/** A shared service that has not become healthy by then stops the deploy before anything of the release starts. */
export const SHARED_DEADLINE_MS = 300_000;

export function clear({ record, observed }: StepContext): Decision {
  const strays = clearedBy(record, observed);
  if (strays.length > 0) return act({ kind: 'remove', containers: ids(strays), graceful: true });
  return inColor(observed, record.candidate).length > 0 ? stepDone : withoutNetworks(record, observed, 'candidate');
}

/** In the user's own project there is no label that says whose a container is: whatever is in the way goes. */
export function clearedBy(record: RolloutRecord, observed: Observed): readonly ObservedContainer[] {
  const { candidate } = record;
  const separate = Object.keys(candidate.services).filter((name) => !isTogether(record, name));
  const plain = separate
    .filter((name) => placeOf(candidate, name) === null)
    .flatMap((name) => replicasIn(observed, candidate, name));
  return [...plain, ...inColor(observed, candidate).filter((c) => c.rollout !== record.id)];
}

export function shared(context: StepContext, step: StepOf<'shared'>): Decision {
  const failed: string[] = [];
  for (const service of step.services) {
    const state = sharedService(context, step, service);
    if (state === null) continue;
    if (typeof state !== 'string') return state;
    if (step.optional?.includes(service) !== true) return fail(context, state);
    failed.push(`${state}; ${SPARED}`);
  }
  return failed.length === 0 ? stepDone : doneAlthough(failed.join('. '));
}

const SPARED = 'nothing requires it, so the deploy goes on';

/** Null if the service is up, or has done its work and exited with 0; a text if it failed. */
function sharedService(
  { observed, record, now }: StepContext,
  { jobs = [] }: StepOf<'shared'>,
  service: string,
): Decision | string | null {
  if (isUp(observed, service, jobs.includes(service))) return null;
  const replicas = plainReplicas(observed, service);
  const attempt = observed.attempts[`start-shared ${service}`];
  if (attempt === undefined && !replicas.some(isStarting)) return act({ kind: 'start-shared', service });
  if (attempt?.error) return attempt.error;
  const until = (attempt?.at ?? record.stepStartedAt) + SHARED_DEADLINE_MS;
  const broken = replicas.find(isBroken);
  if (broken === undefined && now < until) return wait(`the shared service ${service} to become healthy`, until);
  return `the shared service ${service} is not healthy (${broken === undefined ? 'no container is there' : stateText(broken)})`;
}

/** Waiting does not mend it. */
function isBroken({ health, state }: ObservedContainer): boolean {
  return health === 'unhealthy' || state === 'exited' || state === 'dead';
}

function stateText({ name, state, health, exitCode }: ObservedContainer): string {
  if (state === 'exited') return `${name} exited with code ${String(exitCode)}`;
  return `${name} is ${health === 'unhealthy' ? health : state}`;
}

/** Containers of shared services that a step asks for and waiting does not mend: their words say why it fails. */
export function brokenShared(observed: Observed, step: StepOf<'shared'>): readonly ObservedContainer[] {
  const services = step.services.filter((service) => !isUp(observed, service, step.jobs?.includes(service) ?? false));
  return services.flatMap((service) => plainReplicas(observed, service)).filter(isBroken);
}

/** A shared service runs and is healthy; a job has done its work. */
export function isUp(observed: Observed, service: string, isJob: boolean): boolean {
  const replicas = plainReplicas(observed, service);
  return (
    replicas.length > 0 && replicas.every((c) => isServing(c) || (isJob && c.state === 'exited' && c.exitCode === 0))
  );
}

function plainReplicas(observed: Observed, service: string): readonly ObservedContainer[] {
  return observed.containers.filter((c) => c.color === null && c.service === service && !c.oneOff);
}

function isServing(container: ObservedContainer): boolean {
  return container.state === 'running' && (container.health === 'none' || container.health === 'healthy');
}

function isStarting(container: ObservedContainer): boolean {
  return container.state === 'running' && container.health !== 'none';
}

export function run(context: StepContext, step: StepOf<'run'>): Decision {
  const attempt = context.observed.attempts[`run ${step.service}`];
  if (attempt === undefined) return act({ kind: 'run', service: step.service });
  if (attempt.error === null) return stepDone;
  const failed = `${step.service}: ${attempt.error}`;
  return step.optional === true ? doneAlthough(`${failed}; ${SPARED}`) : fail(context, failed);
}

export function create(context: StepContext, step: StepOf<'create'>): Decision {
  const { record, observed } = context;
  const side = requireSide(record, step.side);
  const own = replicasOn(record, observed, step.side, step.service);
  const stopped = step.side === 'stable' ? own.filter((c) => c.state === 'exited' || c.state === 'created') : [];
  if (stopped.length > 0 && observed.attempts.start === undefined)
    return act({ kind: 'start', containers: ids(stopped) });
  if (side.release === null) return adopted(context, step, own);
  // Their network went with a person's `down`, say: what cannot be started is created anew.
  if (stopped.length > 0) return act({ kind: 'remove', containers: ids(stopped), graceful: false });
  const discarded = own.filter((c) => record.discarded.includes(c.id));
  if (discarded.length > 0) return act({ kind: 'remove', containers: ids(discarded), graceful: true });
  return bringIn(context, step, own);
}

function bringIn(context: StepContext, step: StepOf<'create'>, own: readonly ObservedContainer[]): Decision {
  const { record, observed } = context;
  const lacking = lackingSlots(record, observed, step);
  const unstarted = neverStarted(record, step, own);
  if (lacking <= 0 && unstarted === undefined) return stepDone;
  const inTheWay = obstacles(context, step);
  if (inTheWay.length > 0) return act({ kind: 'remove', containers: ids(inTheWay), graceful: true });
  const attempt = observed.attempts[`create ${step.service}`];
  if (attempt?.error) return couldNotCreate(context, step, attempt.error, unstarted);
  const present = replicasIn(observed, requireSide(record, step.side), step.service).length;
  if (attempt === undefined)
    return act({ kind: 'create', side: step.side, service: step.service, total: present + Math.max(0, lacking) });
  return lacking > 0 ? couldNotCreate(context, step, 'was removed at once', undefined) : stepDone;
}

/** Containers that no release describes cannot be made again: in place, somebody has to know that they are gone. */
function adopted(
  context: StepContext,
  { side, service, replicas }: StepOf<'create'>,
  own: readonly ObservedContainer[],
): Decision {
  const { record, observed } = context;
  const left = own.filter((c) => c.state === 'running').length;
  if (left >= replicas || !isTogether(record, service)) return stepDone;
  const others = replicasOn(record, observed, side === 'stable' ? 'candidate' : 'stable', service);
  return fail(
    context,
    `${service}: ${String(replicas - left)} of the ${String(replicas)} containers that ran before are gone, and no ` +
      `release is known to make them from; ${String(left)} of them and ${String(others.length)} of ` +
      `${record.candidate.version ?? 'the candidate'} are there`,
  );
}

/** `up` starts every stopped container of its service, whatever it was made from; and what failed makes room. */
function obstacles({ record, observed }: StepContext, step: StepOf<'create'>): readonly ObservedContainer[] {
  const there = replicasIn(observed, requireSide(record, step.side), step.service);
  const own = new Set(ids(replicasOn(record, observed, step.side, step.service)));
  return there.filter((c) => {
    if (own.has(c.id)) return isCounted(record, c.id);
    return c.state === 'exited' || c.state === 'dead' || c.state === 'created';
  });
}

/** What a failed or killed `up` leaves behind: its port was taken, or it died between create and start. */
function neverStarted(
  record: RolloutRecord,
  step: StepOf<'create'>,
  own: readonly ObservedContainer[],
): ObservedContainer | undefined {
  if (step.side === 'stable') return undefined;
  return own.find((container) => container.state === 'created' && !isCounted(record, container.id));
}

function couldNotCreate(
  context: StepContext,
  step: StepOf<'create'>,
  error: string,
  left: ObservedContainer | undefined,
): Decision {
  if (step.side === 'stable') return fail(context, `${step.service} cannot be brought back: ${error}`);
  const failure = {
    side: step.side,
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
    const replicas = replicasOn(record, observed, step.side, service);
    if (replicas.length > 0) return act({ kind: 'remove', containers: ids(replicas), graceful: true });
  }
  const others = inColor(observed, side);
  if (others.length > 0) return act({ kind: 'remove', containers: ids(others), graceful: true });
  return withoutNetworks(record, observed, step.side);
}

/** Stopped and kept: the way back starts the same containers again (ORACLE D08). */
export function stop({ record, observed }: StepContext, step: StepOf<'stop'>): Decision {
  for (const service of step.services) {
    const running = replicasOn(record, observed, step.side, service).filter((c) => STOPPABLE.has(c.state));
    if (running.length > 0) return act({ kind: 'stop', containers: ids(running) });
  }
  return stepDone;
}

const STOPPABLE: ReadonlySet<ObservedContainer['state']> = new Set(['running', 'restarting', 'paused']);

/** It is known that they go before they do: a process that is killed in between finds no failure in it. */
export function shrink({ record, observed }: StepContext, step: StepOf<'shrink'>): Decision {
  const going = ids(goingReplicas(record, observed, step));
  if (going.length === 0) return stepDone;
  if (going.some((id) => record.ready[id] !== undefined))
    return { kind: 'event', event: { kind: 'containers-leave', ids: going } };
  return act({ kind: 'remove', containers: going, graceful: true });
}

/** The last word on a color: its networks go too. The user's own project keeps its networks. */
function withoutNetworks(record: RolloutRecord, observed: Observed, name: 'stable' | 'candidate'): Decision {
  const side = requireSide(record, name);
  const project = composeProject(record.project, side.color);
  if (side.color === null || !observed.networks.includes(project) || observed.attempts['remove-networks'] !== undefined)
    return stepDone;
  return act({ kind: 'remove-networks', side: name });
}

/** Everything in a color, whatever service it is of; nothing of the user's own project. */
export function inColor(observed: Observed, side: Side): readonly ObservedContainer[] {
  return side.color === null ? [] : observed.containers.filter((c) => c.color === side.color);
}

function ids(containers: readonly ObservedContainer[]): string[] {
  return containers.map((container) => container.id);
}
