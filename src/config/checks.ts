import type { Bounds, CheckSpec, HttpQuestion, Provider } from '../core/checks.ts';
import { NO_CHECKS, type ServiceChecks } from '../core/service-checks.ts';
import type { Placement } from '../core/project.ts';
import { mapValues } from './model.ts';
import type { Check, HttpCheck } from './schema/checks.ts';
import type { ProjectSettings, ServiceSettings } from './schema/settings.ts';

/** The checks of a service: those of the top level are its defaults. What is not replaced, or runs once, has none. */
export function serviceChecks(placement: Placement, own: ServiceSettings, top: ProjectSettings): ServiceChecks {
  if (placement === 'shared' || placement === 'one-shot') return NO_CHECKS;
  return {
    specs: mapValues({ ...top.checks, ...own.checks }, checkSpec),
    watch: own.watch ?? top.watch ?? [],
    before: own.before ?? top.before ?? [],
    after: own.after ?? top.after ?? [],
  };
}

/** A check as the rest of the program knows it. */
export function checkSpec(check: Check, name: string): CheckSpec {
  return {
    name,
    provider: providerOf(check),
    intervalMs: check.interval ?? null,
    initialDelayMs: check.initial_delay,
    count: check.count ?? null,
    timeoutMs: check.timeout,
    pass: boundsOf(check.pass),
    fail: boundsOf(check.fail),
    failureLimit: check.failure_limit,
    inconclusiveLimit: check.inconclusive_limit,
    errorLimit: check.error_limit,
    noData: check.no_data,
    dryRun: check.dry_run,
  };
}

/** The schema lets exactly one of them through. */
function providerOf(check: Check): Provider {
  if (check.http !== undefined) return { kind: 'http', ...httpQuestion(check.http) };
  if (check.prometheus !== undefined) return { kind: 'prometheus', ...check.prometheus };
  if (check.command !== undefined) return { kind: 'command', ...check.command };
  if (check.builtin !== undefined) return { kind: 'builtin', figure: check.builtin };
  throw new Error('a check without a provider was let through');
}

/** The question of an HTTP check, or of `pause: {until: …}`. */
export function httpQuestion({ url, method, headers, body, json }: HttpCheck): HttpQuestion {
  return { url, method, headers, body: body ?? null, json: json ?? null };
}

function boundsOf(bounds: Check['pass']): Bounds | null {
  if (bounds === undefined) return null;
  const { min, max, equals } = bounds;
  return { min: min ?? null, max: max ?? null, equals: equals === undefined ? null : String(equals) };
}
