import { type CheckPolicy, type CheckSpec, gateCheck, policyOf } from './checks.ts';
import type { CanaryStep } from './project.ts';

/** The checks of a service and where they are used, resolved (DESIGN section 4). */
export interface ServiceChecks {
  /** By name: those of the top level, and the service's own in their place. */
  readonly specs: Readonly<Record<string, CheckSpec>>;
  /** Names: while the candidate has weight, before the switch, after it. */
  readonly watch: readonly string[];
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export const NO_CHECKS: ServiceChecks = { specs: {}, watch: [], before: [], after: [] };

/** A check as a step makes it. What it asks stands in the release, under the same two names. */
export interface CheckUse {
  readonly service: string;
  readonly policy: CheckPolicy;
  /** The question of a pause: which of the service's canary steps asks it. */
  readonly step?: number;
}

interface Checked {
  readonly name: string;
  readonly checks: ServiceChecks;
}

/**
 * The checks that several services make at one point. One that asks the same of the same, whatever the service (a
 * default from the top level, over HTTP or of Prometheus), is made once; commands and figures are each service's own.
 */
export function usesAt(services: readonly Checked[], place: 'watch' | 'before' | 'after'): readonly CheckUse[] {
  return usesOf(services.map(({ name, checks }) => ({ service: name, specs: checks.specs, names: checks[place] })));
}

/** The same for the names of a `check` step. */
export function usesNamed(services: readonly Checked[], names: readonly string[]): readonly CheckUse[] {
  return usesOf(services.map(({ name, checks }) => ({ service: name, specs: checks.specs, names })));
}

interface Wanted {
  readonly service: string;
  readonly specs: ServiceChecks['specs'];
  readonly names: readonly string[];
}

function usesOf(wanted: readonly Wanted[]): readonly CheckUse[] {
  const found = new Map<string, CheckUse>();
  for (const { service, specs, names } of wanted) {
    for (const name of names) {
      const spec = specs[name];
      if (spec === undefined) continue;
      const key = isOfAnyService(spec) ? JSON.stringify(spec) : `${service} ${name}`;
      if (!found.has(key)) found.set(key, { service, policy: policyOf(spec) });
    }
  }
  return [...found.values()];
}

/** What a use of a check asks, as the service's release has it; null if the release has no such check. */
export function specOf(
  service: { readonly checks: ServiceChecks; readonly steps: readonly CanaryStep[] },
  { policy, step }: CheckUse,
): CheckSpec | null {
  if (step === undefined) return service.checks.specs[policy.name] ?? null;
  const asking = service.steps[step];
  return asking?.kind === 'pause' && asking.until !== undefined ? gateCheck(asking.until) : null;
}

function isOfAnyService({ provider }: CheckSpec): boolean {
  return provider.kind === 'http' || provider.kind === 'prometheus';
}
