import type { ComposeModel, Diagnostic, Models, Project, Route, ServiceSpec } from '../core/project.ts';
import type { UpdateSpec } from '../core/update.ts';
import { serviceChecks } from './checks.ts';
import { isWarning, located, type Finding } from './findings.ts';
import { hooksOf, notifyTargets } from './hooks.ts';
import { factsOf } from './facts.ts';
import { mapping, mapValues, serviceOf, text, unescaped } from './model.ts';
import { proxyServiceOf, readProxy } from './proxy.ts';
import { rolesOf, type Role } from './replaced.ts';
import { examine } from './rules/index.ts';
import { overlayNames } from './rules/references.ts';
import type { ProjectSettings, ServiceSettings } from './schema/settings.ts';
import { plannedSteps } from './schema/steps.ts';
import { readSettings, type Settings } from './settings.ts';
import type { Sources } from './sources.ts';
import {
  dependenciesOf,
  hasHealthcheck,
  preStopHooks,
  readUpdateConfig,
  replicasOf,
  restartPolicy,
  stopGraceMs,
} from './standard-keys.ts';

const PROGRESS_DEADLINE_MS = 300_000;
const DRAIN_TIMEOUT_MS = 30_000;
const HISTORY = 5;
const VERSION_ENV = 'VERSION';

/** Everything that Compose and the user's files say about a project. */
export interface ProjectInput {
  readonly models: Models;
  readonly version: string;
  /** The project directory, absolute. */
  readonly directory: string;
  readonly versioned: ReadonlySet<string>;
  /** Overlay files with the services that they name. */
  readonly overlays: readonly { readonly file: string; readonly names: readonly string[] }[];
  readonly environmentValues: Readonly<Record<string, string>>;
  readonly secretTexts: readonly string[];
  readonly sources: Sources;
}

/** The project, and everything that is wrong with it; with an error among them it must not be used. */
export function buildProject(input: ProjectInput): {
  readonly project: Project;
  readonly diagnostics: readonly Diagnostic[];
} {
  const { models, directory, sources } = input;
  const { settings, findings } = readSettings(models.base);
  const proxyService = proxyServiceOf(models.base, settings, input.versioned);
  const { proxy, findings: proxyFindings } = readProxy(models.base, settings, proxyService, directory);
  const overlaid = new Set(input.overlays.flatMap((overlay) => overlay.names));
  const replaced = { model: models.base, settings, versioned: input.versioned, overlaid, proxyService };
  const roles = rolesOf(replaced);
  const built = Object.entries(roles).map(([name, role]) => buildService(input, settings, name, role));
  const services = Object.fromEntries(built.map(({ spec }) => [spec.name, spec]));
  const all = [
    ...findings,
    ...proxyFindings,
    ...input.overlays.flatMap((overlay) => overlayNames(serviceNames(models.base), overlay)),
    ...built.flatMap((each) => each.findings),
    ...examine({ models, services, settings, proxy, sources }),
  ];
  const diagnostics = all.map((finding) => located(finding, sources));
  const project: Project = {
    name: text(models.base['name']) ?? '',
    directory,
    version: input.version,
    services,
    facts: mapValues(roles, (role, name) => factsOf(replaced, models, name, role)),
    proxy,
    hooks: hooksOf(settings.project.hooks),
    notify: notifyTargets(settings.project.notify),
    update: updateOf(settings.project.update),
    history: settings.project.history ?? HISTORY,
    dependsOnVersion: Object.values(services).some(
      ({ name, placement }) => placement !== 'shared' && input.versioned.has(name),
    ),
    models,
    environmentValues: input.environmentValues,
    secretTexts: input.secretTexts,
    warnings: diagnostics.filter(isWarning),
  };
  return { project, diagnostics };
}

function updateOf(update: ProjectSettings['update']): UpdateSpec {
  const { image = null, range = null, version = null, schedule = null, window = null } = update ?? {};
  return { image, range, version, schedule, window };
}

/** The variable that carries the version, before anything else of a project is known. */
export function versionVariable(model: ComposeModel): string {
  return readSettings(model).settings.project.version_env ?? VERSION_ENV;
}

function serviceNames(model: ComposeModel): readonly string[] {
  return Object.keys(mapping(model['services']));
}

function buildService(input: ProjectInput, settings: Settings, name: string, role: Role) {
  const model = serviceOf(input.models.base, name);
  const top = settings.project;
  const own = settings.services[name] ?? {};
  const update = readUpdateConfig(model, name, 'update_config', role.strategy, input.sources);
  const rollback = readUpdateConfig(model, name, 'rollback_config', role.strategy, input.sources);
  const replicas = replicasOf(model);
  const project = text(input.models.base['name']) ?? '';
  const spec: ServiceSpec = {
    name,
    ...role,
    replicas,
    // Compose's own name for what is only built.
    image: unescaped(text(model['image']) ?? `${project}-${name}`),
    pullPolicy: 'image' in model ? (text(model['pull_policy']) ?? 'missing') : 'build',
    buildable: 'build' in model,
    dependsOn: dependenciesOf(model).filter(({ service }) => service in mapping(input.models.base['services'])),
    route: routeOf(own),
    hasHealthcheck: hasHealthcheck(model),
    checks: serviceChecks(role.placement, own, top),
    hooks: hooksOf(own.hooks),
    update: update.config,
    rollback: rollback.config,
    liveness: own.liveness ?? top.liveness ?? 'none',
    ...trafficOf(own, top, role, replicas),
    ...timesOf(own, top),
    stopGraceMs: stopGraceMs(model),
    restart: restartPolicy(model),
    preStop: preStopHooks(model),
  };
  const findings: readonly Finding[] = [...update.findings, ...rollback.findings];
  return { spec, findings };
}

/** When and in which steps the traffic moves. */
function trafficOf(
  own: ServiceSettings,
  top: ProjectSettings,
  { strategy }: Role,
  replicas: number,
): Pick<ServiceSpec, 'promote' | 'previewReplicas' | 'steps' | 'shrinkStable' | 'sticky'> {
  const preview = own.preview_replicas ?? replicas;
  const sticky = own.sticky === undefined ? (top.sticky ?? null) : own.sticky;
  return {
    promote: own.promote ?? top.promote ?? 'auto',
    previewReplicas: Math.min(Math.max(preview, Math.min(1, replicas)), replicas),
    steps: strategy === 'canary' ? plannedSteps(own.steps ?? []) : [],
    shrinkStable: own.shrink_stable ?? top.shrink_stable ?? false,
    sticky: sticky === null ? null : { cookie: sticky.cookie, maxAgeMs: sticky.max_age },
  };
}

function timesOf(own: ServiceSettings, top: ProjectSettings) {
  return {
    retireAfterMs: own.retire_after ?? top.retire_after ?? 0,
    progressDeadlineMs: own.progress_deadline ?? top.progress_deadline ?? PROGRESS_DEADLINE_MS,
    drainTimeoutMs: own.drain_timeout ?? top.drain_timeout ?? DRAIN_TIMEOUT_MS,
  };
}

function routeOf(own: ServiceSettings): Route | null {
  if (own.route === undefined) return null;
  const { port, host, path, probe, preview } = own.route;
  return {
    port,
    host: host ?? null,
    path: path ?? null,
    probe:
      probe === undefined
        ? null
        : {
            path: probe.path,
            port: probe.port ?? port,
            intervalMs: probe.interval,
            timeoutMs: probe.timeout,
            status: probe.status,
          },
    ...(preview === undefined ? {} : { preview }),
  };
}
