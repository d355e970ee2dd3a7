import { formatDuration } from './duration.ts';
import type { Millis, Observed, ObservedContainer } from './observed.ts';
import type { SideService } from './record.ts';

/** Where a candidate container stands on its way to ready. */
export type Readiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'waiting'; readonly what: string; readonly until: Millis };

export interface ReadinessContext {
  readonly service: SideService;
  readonly observed: Observed;
  readonly now: Millis;
  /** When the wait for this container began. */
  readonly since: Millis;
  /** Restarts before the rollout are not held against a container that it did not create. */
  readonly ours: boolean;
}

/**
 * Judges one container (DESIGN section 8): Docker's health is healthy if there is a health check, and the route's
 * probe answers if there is one; without either, running for `monitor`. An exit or `unhealthy` fails at once.
 */
export function readiness(container: ObservedContainer, context: ReadinessContext): Readiness {
  const broken = brokenReason(container, context.ours);
  if (broken !== null) return { kind: 'failed', reason: broken };
  const missing = whatIsMissing(container, context);
  if (missing === null) return { kind: 'ready' };
  const deadline = context.since + context.service.progressDeadlineMs;
  if (context.now >= deadline) {
    return {
      kind: 'failed',
      reason: `not ready after ${formatDuration(context.service.progressDeadlineMs)}: ${missing.what}`,
    };
  }
  return { kind: 'waiting', what: missing.what, until: Math.min(deadline, missing.until ?? deadline) };
}

/** Why a container cannot be or stay ready: it exited, died, restarted or is unhealthy. Null if none of it. */
export function brokenReason(container: ObservedContainer, ours: boolean): string | null {
  if (container.oomKilled) return `ran out of memory (exit code ${String(container.exitCode ?? 137)})`;
  if (container.state === 'exited' || container.state === 'dead')
    return `exited with code ${String(container.exitCode)}`;
  if (container.state === 'restarting' || (ours && container.restarts > 0)) {
    // Of one that runs again nobody knows what the time before ended with.
    const { exitCode } = container;
    return `${exitCode === null ? 'ended' : `exited with code ${String(exitCode)}`} and was restarted`;
  }
  return container.health === 'unhealthy' ? 'its health check says unhealthy' : null;
}

interface Missing {
  readonly what: string;
  readonly until?: Millis;
}

function whatIsMissing(container: ObservedContainer, context: ReadinessContext): Missing | null {
  const { service, observed, now } = context;
  if (container.state !== 'running') return { what: `it is ${container.state}` };
  // The compose files may say nothing of a health check that the image brings.
  const checked = service.hasHealthcheck || container.health !== 'none';
  if (checked && container.health !== 'healthy') return { what: 'its health check is starting' };
  if (service.route?.probe) return probeMissing(container, observed);
  if (checked) return null;
  const stableAt = (container.startedAt ?? now) + service.update.monitorMs;
  return now >= stableAt ? null : { what: 'it has to run for its monitor time', until: stableAt };
}

function probeMissing(container: ObservedContainer, observed: Observed): Missing | null {
  const probe = observed.probes[container.id];
  if (probe === undefined) return { what: 'no answer to the probe yet' };
  return probe.ok ? null : { what: `the probe says ${probe.detail}` };
}
