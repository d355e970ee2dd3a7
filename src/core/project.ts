import type { HttpQuestion } from './checks.ts';
import type { Color } from './color.ts';
import type { Hooks } from './hooks.ts';
import type { NotifyTarget } from './notify.ts';
import type { ServiceChecks } from './service-checks.ts';
import type { Match } from './observed.ts';
import type { UpdateSpec } from './update.ts';

/** A Compose model as `docker compose config` prints it. Only `config/` and `adapters/compose` look inside. */
export type ComposeModel = { readonly [key: string]: unknown };

/** Where a service of a project lives (DESIGN section 3, "What runs where"). */
export type Placement = 'colored' | 'in-place' | 'one-shot' | 'shared';

export type Strategy = 'blue-green' | 'rolling' | 'canary' | 'recreate';

export type DependencyCondition = 'service_started' | 'service_healthy' | 'service_completed_successfully';

export interface Dependency {
  readonly service: string;
  readonly condition: DependencyCondition;
  readonly required: boolean;
  readonly restart: boolean;
}

/** The router's own health check of a replica; times in milliseconds. */
export interface ProbeSpec {
  readonly path: string;
  readonly port: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Inclusive range of HTTP status codes that count as ready. */
  readonly status: readonly [number, number];
}

/** How HTTP reaches a service through the proxy. */
export interface Route {
  readonly port: number;
  readonly host: string | null;
  readonly path: string | null;
  readonly probe: ProbeSpec | null;
  /** Requests that reach a candidate which has no traffic yet; absent if none do. */
  readonly preview?: Match;
}

/** What `deploy.update_config` or `deploy.rollback_config` says, with defaults applied; times in milliseconds. */
export interface UpdateConfig {
  /** 0 is all at once. */
  readonly parallelism: number;
  readonly delayMs: number;
  readonly monitorMs: number;
  readonly maxFailureRatio: number;
  readonly failureAction: 'rollback' | 'pause' | 'continue';
  readonly order: 'start-first' | 'stop-first';
}

/** When a blue-green candidate takes the traffic: by itself, by a person, or after a time in milliseconds. */
export type Promote = 'auto' | 'manual' | number;

/** One step of a canary: weights in percent, times in milliseconds. */
export type CanaryStep =
  | { readonly kind: 'weight'; readonly weight: number }
  /** Ends by itself after a time, when a question is answered, or by a person (null, and no question). */
  | { readonly kind: 'pause'; readonly ms: number | null; readonly until?: HttpQuestion }
  /** These checks of the service have to pass. */
  | { readonly kind: 'check'; readonly names: readonly string[] }
  /** Candidate replicas from here on: a number, a share of the service's replicas, or by weight again. */
  | { readonly kind: 'replicas'; readonly replicas: number | { readonly percent: number } | 'match' }
  | { readonly kind: 'match'; readonly match: Match | null }
  /** So many percent of the requests are copied to the candidate; 0 ends it. */
  | { readonly kind: 'mirror'; readonly percent: number };

export interface StickyCookie {
  readonly cookie: string;
  readonly maxAgeMs: number;
}

/** Everything about one service that a rollout decides by; times in milliseconds. */
export interface ServiceSpec {
  readonly name: string;
  readonly placement: Placement;
  readonly strategy: Strategy;
  readonly replicas: number;
  /** Image reference as the compose files give it. */
  readonly image: string;
  /** Where its image comes from, in Compose's words; `build` also for one that has no name in a registry. */
  readonly pullPolicy: string;
  /** It can be built here as well. */
  readonly buildable: boolean;
  readonly dependsOn: readonly Dependency[];
  readonly route: Route | null;
  readonly hasHealthcheck: boolean;
  readonly checks: ServiceChecks;
  /** Its own ones; they run after the project's. */
  readonly hooks: Hooks;
  readonly update: UpdateConfig;
  readonly rollback: UpdateConfig;
  readonly promote: Promote;
  readonly previewReplicas: number;
  /** Empty but for a canary; a last weight of 100 is implied. */
  readonly steps: readonly CanaryStep[];
  /** Routed canary: the stable side gets smaller as its weight does. */
  readonly shrinkStable: boolean;
  /** Clients keep the release that they got first, by a cookie; null if each request is on its own. */
  readonly sticky: StickyCookie | null;
  /** What an agent does with a live replica that turns unhealthy. */
  readonly liveness: 'none' | 'restart';
  readonly retireAfterMs: number;
  readonly progressDeadlineMs: number;
  readonly drainTimeoutMs: number;
  readonly stopGraceMs: number;
  /** Restart policy as Compose writes it: `no`, `always`, `unless-stopped`, `on-failure:3`. */
  readonly restart: string;
  /** `pre_stop` hooks as Compose resolved them; run by us, because Compose runs them on its own stop path only. */
  readonly preStop: readonly PreStopHook[];
}

/**
 * Names of shared services that may have done their work when they have exited with 0: nothing restarts them, checks
 * their health, waits for them to be up, or sends requests through them.
 */
export function jobsOf({ services, proxy }: Pick<Project, 'services' | 'proxy'>): ReadonlySet<string> {
  const all = Object.values(services);
  const awaited = all.flatMap(({ dependsOn }) =>
    dependsOn.flatMap(({ service, condition }) => (condition === 'service_completed_successfully' ? [] : [service])),
  );
  const runsOn = new Set([...awaited, proxy.service]);
  const jobs = all.filter(
    ({ name, placement, restart, hasHealthcheck }) =>
      placement === 'shared' && !/^(always|unless-stopped)/.test(restart) && !hasHealthcheck && !runsOn.has(name),
  );
  return new Set(jobs.map(({ name }) => name));
}

export interface PreStopHook {
  readonly command: readonly string[];
  readonly user: string | null;
  readonly workingDir: string | null;
  readonly environment: readonly string[];
  readonly privileged: boolean;
}

export type ProxyDriver = 'caddy' | 'nginx' | 'none';

/** The proxy of a project as configuration and compose files describe it. */
export interface ProxySpec {
  readonly driver: ProxyDriver;
  /** Compose service of the proxy; null for a proxy on the host and for `none`. */
  readonly service: string | null;
  /** Folder on the host that holds the generated files; null for `none`. */
  readonly output: string | null;
  /** The same folder as the proxy sees it. */
  readonly mounted: string | null;
  /** The user's own Handlebars template instead of the packaged one. */
  readonly template: string | null;
}

/** True for a proxy that is no container, and so nothing that the engine, or an agent in a container, reaches. */
export function isOnHost({ driver, service }: ProxySpec): boolean {
  return driver !== 'none' && service === null;
}

/** A finding of validation: error codes start with E (exit 2), warnings with W. */
export interface Diagnostic {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly file: string | null;
  readonly line: number | null;
}

/** What people want to know of a service, and no rollout decides by. */
export interface ServiceFacts {
  /** Why a deploy replaces it, or leaves it alone. */
  readonly role: string;
  /** Where its strategy comes from. */
  readonly strategy: string;
  /** Bytes that a container of it may take; null for no limit. */
  readonly memoryLimit: number | null;
  /** Bytes that a container of it shall have; null where nothing is said. */
  readonly memoryReserved: number | null;
  /** What the files call its container in the user's own project and in each color; null: Compose gives it a name. */
  readonly containerNames: Readonly<Record<Color | 'plain', string | null>>;
}

/** A Compose project, resolved for one version and validated. */
export interface Project {
  readonly name: string;
  readonly directory: string;
  readonly version: string;
  readonly services: Readonly<Record<string, ServiceSpec>>;
  /** By service. */
  readonly facts: Readonly<Record<string, ServiceFacts>>;
  readonly proxy: ProxySpec;
  /** Hooks of the top level: they run once, whatever the number of services. */
  readonly hooks: Hooks;
  readonly notify: readonly NotifyTarget[];
  /** What `update` keeps up to date. */
  readonly update: UpdateSpec;
  /** Releases kept for rollback. */
  readonly history: number;
  /** False if no service's definition changes with the version. */
  readonly dependsOnVersion: boolean;
  readonly models: Models;
  /** Values of variables named by `environment:` secrets and configs; secret. */
  readonly environmentValues: Readonly<Record<string, string>>;
  /** Contents of file-backed secrets, so that they can be kept out of what people read. */
  readonly secretTexts: readonly string[];
  readonly warnings: readonly Diagnostic[];
}

/** The resolved model, plain and with each color's overlay merged over it by Compose. */
export interface Models {
  readonly base: ComposeModel;
  readonly overlays: Readonly<Record<Color, ComposeModel>>;
}
