import { parseDuration } from '../core/duration.ts';
import type { Dependency, PreStopHook, Strategy, UpdateConfig } from '../core/project.ts';
import type { Finding } from './findings.ts';
import { list, mapping, strings, text, unescaped, type Mapping, type ServiceModel } from './model.ts';
import type { KeyPath, Sources } from './sources.ts';

/** Compose's own default (compose-spec 05, `stop_grace_period`). */
const STOP_GRACE_MS = 10_000;
const MONITOR_MS = 5000;

/** Compose's health check defaults (Dockerfile reference, HEALTHCHECK). */
const HEALTH_INTERVAL_MS = 30_000;
const HEALTH_RETRIES = 3;
const START_INTERVAL_MS = 5_000;

/** How many replicas a service wants: `scale`, else `deploy.replicas`, else 1. */
export function replicasOf(service: ServiceModel): number {
  const replicas = service['scale'] ?? mapping(service['deploy'])['replicas'];
  return typeof replicas === 'number' ? replicas : 1;
}

/** What a service depends on, in the order of Compose's output. */
export function dependenciesOf(service: ServiceModel): readonly Dependency[] {
  return Object.entries(mapping(service['depends_on'])).map(([name, value]) => dependency(name, mapping(value)));
}

function dependency(service: string, value: Mapping): Dependency {
  const given = value['condition'];
  const condition =
    given === 'service_healthy' || given === 'service_completed_successfully' ? given : 'service_started';
  return { service, condition, required: value['required'] !== false, restart: value['restart'] === true };
}

const NAMESPACES = ['network_mode', 'ipc', 'pid'] as const;

/** Services whose network, ipc or pid namespace a service uses, with the key that says so. */
export function namespaceOwners(
  service: ServiceModel,
): readonly { readonly owner: string; readonly path: readonly [string] }[] {
  return NAMESPACES.flatMap((key) => {
    const owner = /^service:(.+)$/.exec(text(service[key]) ?? '')?.[1];
    return owner === undefined ? [] : [{ owner, path: [key] as const }];
  });
}

/** True if the compose files give a health check. One of the image alone is seen on the container. */
export function hasHealthcheck(service: ServiceModel): boolean {
  const check = mapping(service['healthcheck']);
  const disabled = check['disable'] === true || strings(check['test'])[0] === 'NONE';
  return 'healthcheck' in service && !disabled;
}

/** How long the engine needs to call a container unhealthy: interval × retries, milliseconds. */
export function unhealthyAfterMs(service: ServiceModel): number {
  const check = mapping(service['healthcheck']);
  const retries = check['retries'];
  return (
    (milliseconds(check['interval']) ?? HEALTH_INTERVAL_MS) * (typeof retries === 'number' ? retries : HEALTH_RETRIES)
  );
}

/**
 * From the start of a container to the first answer of its health check, milliseconds: within `start_period` the engine
 * asks by `start_interval`, otherwise by `interval` (Engine 25, `--health-start-interval`).
 */
export function firstHealthAnswerMs(service: ServiceModel): number {
  const check = mapping(service['healthcheck']);
  const isStarting = (milliseconds(check['start_period']) ?? 0) > 0;
  return isStarting
    ? (milliseconds(check['start_interval']) ?? START_INTERVAL_MS)
    : (milliseconds(check['interval']) ?? HEALTH_INTERVAL_MS);
}

/** Time between the stop signal and the kill, milliseconds. */
export function stopGraceMs(service: ServiceModel): number {
  return milliseconds(service['stop_grace_period']) ?? STOP_GRACE_MS;
}

/** What the engine does when the container ends: `deploy.restart_policy` outranks `restart`, as Compose has it. */
export function restartPolicy(service: ServiceModel): string {
  const policy = mapping(mapping(service['deploy'])['restart_policy']);
  if (!('condition' in policy)) return text(service['restart']) ?? 'no';
  const count = policy['max_attempts'];
  const conditions: Readonly<Record<string, string>> = { none: 'no', any: 'always', 'on-failure': 'on-failure' };
  const name = conditions[text(policy['condition']) ?? ''] ?? 'no';
  return name === 'on-failure' && typeof count === 'number' ? `${name}:${String(count)}` : name;
}

/** `pre_stop` hooks as the container shall see them. */
export function preStopHooks(service: ServiceModel): readonly PreStopHook[] {
  return list(service['pre_stop']).map((value) => preStopHook(mapping(value)));
}

function preStopHook(value: Mapping): PreStopHook {
  return {
    command: strings(value['command']).map(unescaped),
    user: text(value['user']),
    workingDir: text(value['working_dir']),
    environment: environmentPairs(value['environment']),
    privileged: value['privileged'] === true,
  };
}

function environmentPairs(value: unknown): readonly string[] {
  if (Array.isArray(value)) return strings(value).map(unescaped);
  return Object.entries(mapping(value)).map(([key, each]) =>
    each === null ? key : `${key}=${unescaped(typeof each === 'string' ? each : JSON.stringify(each))}`,
  );
}

/** Which of the two blocks of `deploy`. */
export type UpdateKey = 'update_config' | 'rollback_config';

/**
 * `deploy.update_config` or `deploy.rollback_config` with our defaults (DESIGN section 4), and what is wrong in it.
 * @param sources Compose's output leaves out an explicit `monitor: 0s`, which means no window
 */
export function readUpdateConfig(
  service: ServiceModel,
  name: string,
  key: UpdateKey,
  strategy: Strategy,
  sources: Sources,
): { readonly config: UpdateConfig; readonly findings: readonly Finding[] } {
  const path: KeyPath = ['services', name, 'deploy', key];
  const value = mapping(mapping(service['deploy'])[key]);
  const findings: Finding[] = [];
  const read = <T>(field: string, fallback: T, parse: (given: unknown) => T | null, refusal: Refusal): T => {
    const given = value[field];
    const parsed = given === undefined ? fallback : parse(given);
    if (parsed !== null) return parsed;
    findings.push({
      code: refusal.code,
      path: [...path, field],
      message: `${name}: ${key}.${field} is ${JSON.stringify(given)}`,
      hint: refusal.hint,
    });
    return fallback;
  };
  const monitor = sources.gives([...path, 'monitor']) ? 0 : MONITOR_MS;
  const config: UpdateConfig = {
    parallelism: read('parallelism', 1, nonNegative, { code: 'E04', hint: 'use 0 (all at once) or more' }),
    delayMs: read('delay', 0, milliseconds, A_DURATION),
    monitorMs: read('monitor', monitor, milliseconds, A_DURATION),
    maxFailureRatio: read('max_failure_ratio', 0, ratio, { code: 'E04', hint: 'use a number of 0 to 1' }),
    failureAction: read('failure_action', defaultAction(key), (given) => action(given, key), {
      code: 'E05',
      hint: `use ${key === 'update_config' ? 'rollback, ' : ''}pause or continue`,
    }),
    order: read('order', strategy === 'recreate' ? 'stop-first' : 'start-first', order, {
      code: 'E05',
      hint: 'use start-first or stop-first',
    }),
  };
  return { config, findings };
}

interface Refusal {
  readonly code: 'E04' | 'E05';
  readonly hint: string;
}

const A_DURATION: Refusal = { code: 'E04', hint: 'use a duration with its unit, 0 or more: 5s, 1m30s' };

/** Milliseconds of a duration in Compose's output; null if it is none, or negative. */
export function milliseconds(value: unknown): number | null {
  return typeof value === 'string' ? parseDuration(value) : null;
}

function nonNegative(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 ? value : null;
}

function ratio(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 && value <= 1 ? value : null;
}

// On the way back `rollback` would mean to go back for ever (E05), so it pauses there.
function defaultAction(key: UpdateKey): UpdateConfig['failureAction'] {
  return key === 'update_config' ? 'rollback' : 'pause';
}

function action(value: unknown, key: UpdateKey): UpdateConfig['failureAction'] | null {
  if (value === 'pause' || value === 'continue') return value;
  return value === 'rollback' && key === 'update_config' ? value : null;
}

function order(value: unknown): UpdateConfig['order'] | null {
  return value === 'start-first' || value === 'stop-first' ? value : null;
}
