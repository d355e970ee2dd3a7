import type { Observed, ObservedContainer } from './observed.ts';
import { brokenReason } from './readiness.ts';
import type { Failure, RolloutRecord, SideService } from './record.ts';
import { candidateReplicas } from './sides.ts';

/** What the failures so far mean for the rollout. */
export type Verdict =
  | { readonly kind: 'go-on' }
  | { readonly kind: 'act'; readonly action: 'rollback' | 'pause'; readonly message: string };

/**
 * The failure rule: failed / wanted > max_failure_ratio, strictly, acts; a slot counts once (DESIGN section 6,
 * after swarmkit's failureTriggersAction). `continue` never acts.
 */
export function verdict(record: RolloutRecord): Verdict {
  for (const service of Object.values(record.candidate.services)) {
    const failed = record.failures.filter((failure) => failure.service === service.name);
    const first = failed[0];
    if (first === undefined || service.update.failureAction === 'continue') continue;
    if (failed.length / Math.max(1, service.replicas) <= service.update.maxFailureRatio) continue;
    return { kind: 'act', action: service.update.failureAction, message: failureText(first, failed.length, service) };
  }
  return { kind: 'go-on' };
}

function failureText(first: Failure, count: number, service: SideService): string {
  const more = count > 1 ? ` (${String(count)} of ${String(service.replicas)} replicas failed)` : '';
  return `${first.container}: ${first.reason}${more}`;
}

/** A candidate container that was ready and is not any more, and has not been counted yet. */
export function newFailureAfterReady(record: RolloutRecord, observed: Observed, now: number): Failure | null {
  const present = new Map(candidateReplicas(record, observed).map((c) => [c.id, c]));
  for (const [id, ready] of Object.entries(record.ready)) {
    if (isCounted(record, id)) continue;
    const container = present.get(id);
    if (container === undefined)
      return { service: ready.service, container: id.slice(0, 12), id, reason: 'was removed', at: now };
    const reason = lostReason(container, ready.at, container.rollout === record.id);
    if (reason !== null) {
      return { service: container.service, container: container.name, id, reason, at: container.finishedAt ?? now };
    }
  }
  return null;
}

function lostReason(container: ObservedContainer, readyAt: number, ours: boolean): string | null {
  const broken = brokenReason(container, ours);
  if (broken !== null) return `was ready, then ${broken}`;
  return container.startedAt !== null && container.startedAt > readyAt ? 'was ready, then restarted' : null;
}

/** A failed slot counts once. */
export function isCounted(record: RolloutRecord, id: string): boolean {
  return record.failures.some((failure) => failure.id === id);
}
