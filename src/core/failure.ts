import type { Observed, ObservedContainer } from './observed.ts';
import type { UpdateConfig } from './project.ts';
import { brokenReason } from './readiness.ts';
import type { Step } from './plan.ts';
import type { Failure, ReadyReplica, RolloutRecord, Side, SideService } from './record.ts';
import { containerOf, isOurs, isTogether, replicasOn } from './sides.ts';
import { isGoingBack } from './state.ts';

/** What the failures so far mean for the rollout. */
export type Verdict =
  | { readonly kind: 'go-on' }
  | { readonly kind: 'act'; readonly action: 'rollback' | 'pause'; readonly message: string };

/**
 * The failure rule: failed / wanted > max_failure_ratio, strictly, acts; a slot counts once (DESIGN section 6,
 * after swarmkit's failureTriggersAction). `continue` never acts. On the way back it is rollback_config that counts.
 */
export function verdict(record: RolloutRecord): Verdict {
  const { name, side } = incoming(record);
  for (const service of Object.values(side?.services ?? {})) {
    const failed = record.failures.filter((failure) => failure.side === name && failure.service === service.name);
    const first = failed[0];
    const config = configOf(name, service);
    if (first === undefined || config.failureAction === 'continue') continue;
    if (failed.length / Math.max(1, service.replicas) <= config.maxFailureRatio) continue;
    return { kind: 'act', action: config.failureAction, message: failureText(first, failed.length, service) };
  }
  return { kind: 'go-on' };
}

/** The side that a rollout brings in: the candidate, on the way back the stable one. */
function incoming(record: RolloutRecord): { readonly name: Failure['side']; readonly side: Side | null } {
  return isGoingBack(record.state)
    ? { name: 'stable', side: record.stable }
    : { name: 'candidate', side: record.candidate };
}

/** `update_config` rules the way forward, `rollback_config` the way back. */
export function configOf(side: Failure['side'], service: SideService): UpdateConfig {
  return side === 'candidate' ? service.update : service.rollback;
}

function failureText(first: Failure, count: number, service: SideService): string {
  const more = count > 1 ? ` (${String(count)} of ${String(service.replicas)} replicas failed)` : '';
  return `${first.container}: ${first.reason}${more}`;
}

/** What was tolerated, for people; null if nothing failed. */
export function toleratedText(record: RolloutRecord): string | null {
  const parts = Object.values(record.candidate.services).flatMap(({ name, replicas }) => {
    const count = record.failures.filter((failure) => failure.service === name).length;
    return count === 0 ? [] : [`${name}: ${String(count)} of ${String(replicas)} replicas failed`];
  });
  return parts.length === 0 ? null : parts.join('; ');
}

/** A replica that was ready and is not any more, within its window, and has not been counted yet. */
export function newFailureAfterReady(record: RolloutRecord, observed: Observed, now: number): Failure | null {
  const { name, side } = incoming(record);
  for (const id in record.ready) {
    const ready = record.ready[id];
    const service = ready === undefined ? undefined : side?.services[ready.service];
    if (ready !== undefined && isAsItWas(containerOf(observed, id), ready.at, service)) continue;
    if (ready?.side !== name || service === undefined || isCounted(record, id)) continue;
    const lost = lostReplica(record, observed, { id, service }, now);
    if (lost === null) continue;
    const late = lost.at > windowEnd(name, service, ready.at) && !isRelied(record, observed, ready, id);
    if (!late) return { side: name, service: ready.service, id, ...lost };
  }
  return null;
}

/** Nothing happened to it, as for nearly all of what may be a thousand replicas. */
function isAsItWas(
  container: ObservedContainer | undefined,
  readyAt: number,
  service: SideService | undefined,
): boolean {
  if (container?.state !== 'running' || container.health === 'unhealthy' || container.oomKilled) return false;
  if (isCutOff(container, service)) return false;
  return container.restarts === 0 && container.startedAt !== null && container.startedAt <= readyAt;
}

function lostReplica(
  record: RolloutRecord,
  observed: Observed,
  { id, service }: { readonly id: string; readonly service: SideService },
  now: number,
): Pick<Failure, 'container' | 'reason' | 'at'> | null {
  const ready = record.ready[id];
  if (ready === undefined) return null;
  const container = containerOf(observed, id);
  if (container === undefined) return { container: id.slice(0, 12), reason: 'was removed', at: now };
  const cutOff = isCutOff(container, service) ? 'was ready, then taken from its network' : null;
  const reason = lostReason(container, ready.at, isOurs(record, container)) ?? cutOff;
  return reason === null ? null : { container: container.name, reason, at: container.finishedAt ?? now };
}

function lostReason(container: ObservedContainer, readyAt: number, ours: boolean): string | null {
  const broken = brokenReason(container, ours);
  if (broken !== null) return `was ready, then ${broken}`;
  return container.startedAt !== null && container.startedAt > readyAt ? 'was ready, then restarted' : null;
}

/** The proxy cannot reach it any more: what is asked by its name runs, but is on no network. */
function isCutOff({ state, addresses }: ObservedContainer, service: SideService | undefined): boolean {
  return state === 'running' && service?.route != null && Object.keys(addresses).length === 0;
}

/** A failure counts until `monitor` after ready in a rolling update, otherwise until the rollout ends (DESIGN section 6). */
function windowEnd(name: Failure['side'], service: SideService, readyAt: number): number {
  const limited = service.strategy === 'rolling' && service.placement === 'in-place';
  return limited ? readyAt + configOf(name, service).monitorMs : Infinity;
}

/**
 * A replica of the batch for which old ones are about to go: it is not relied on before they have gone, however short
 * its window, so that the last good one is never stopped for a dead one.
 */
function isRelied(record: RolloutRecord, observed: Observed, { side, service }: ReadyReplica, id: string): boolean {
  const { steps, cursor } = record;
  const creates = (step: Step): boolean => step.kind === 'create' && step.side === side && step.service === service;
  const [before, last] = [
    0,
    ...steps.slice(0, cursor).flatMap((s) => (s.kind === 'create' && creates(s) ? [s.replicas] : [])),
  ].slice(-2);
  const next = steps.findIndex((step, at) => at >= cursor && creates(step));
  const ahead = steps.slice(cursor, next < 0 ? steps.length : next);
  if (!ahead.some((step) => step.kind === 'shrink' && step.side !== side && step.service === service)) return false;
  const batch = replicasOn(record, observed, side, service).slice(-Math.max(1, (last ?? 0) - (before ?? 0)));
  return batch.some((c) => c.id === id);
}

/**
 * Once the rollout is complete failures are the application's own affair; but a candidate of which nobody is alive is
 * no reason to take away the old version. Names what died; null while somebody of every service is alive, or starts again.
 */
export function nobodyAlive(record: RolloutRecord, observed: Observed): string | null {
  const { stable, candidate } = record;
  const apart = Object.values(candidate.services).filter(
    ({ name, placement, replicas }) =>
      placement !== 'one-shot' && replicas > 0 && stable?.services[name] !== undefined && !isTogether(record, name),
  );
  const dead = apart.find((service) => {
    return !replicasOn(record, observed, 'candidate', service.name).some((c) => isAlive(c, service));
  });
  return dead === undefined ? null : `no replica of ${dead.name} is alive any more`;
}

function isAlive(container: ObservedContainer, service: SideService): boolean {
  return (container.state === 'running' || container.state === 'restarting') && !isCutOff(container, service);
}

/** A failed slot counts once. */
export function isCounted(record: RolloutRecord, id: string): boolean {
  return record.failures.some((failure) => failure.id === id);
}
