import type { Color } from '../../src/core/color.ts';
import { NO_HOOKS } from '../../src/core/hooks.ts';
import { releaseSide } from '../../src/core/live.ts';
import { pinnedTag } from '../../src/core/labels.ts';
import type { ServiceSpec, UpdateConfig } from '../../src/core/project.ts';
import type { Side } from '../../src/core/record.ts';
import { NO_CHECKS } from '../../src/core/service-checks.ts';
import type { Release, ReleaseService } from '../../src/core/release.ts';

export const update: UpdateConfig = {
  parallelism: 1,
  delayMs: 0,
  monitorMs: 5000,
  maxFailureRatio: 0,
  failureAction: 'rollback',
  order: 'start-first',
};

/** A routed, colored service with two replicas and a health check. */
export function service(name: string, over: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    name,
    placement: 'colored',
    strategy: 'blue-green',
    replicas: 2,
    image: `app:v1`,
    pullPolicy: 'missing',
    buildable: false,
    dependsOn: [],
    route: { port: 3000, host: null, path: null, probe: null },
    hasHealthcheck: true,
    checks: NO_CHECKS,
    hooks: NO_HOOKS,
    update,
    rollback: update,
    promote: 'auto',
    previewReplicas: over.replicas ?? 2,
    steps: [],
    shrinkStable: false,
    sticky: null,
    liveness: 'none',
    retireAfterMs: 0,
    progressDeadlineMs: 300_000,
    drainTimeoutMs: 30_000,
    stopGraceMs: 10_000,
    restart: 'no',
    preStop: [],
    ...over,
  };
}

/** A release of some services; identity is name and version unless given. */
export function release(
  version: string,
  services: readonly ServiceSpec[],
  over: Partial<Release> & { identity?: string } = {},
): Release {
  const id = over.id ?? `r-${version}`;
  const entries = services.map((spec): [string, ReleaseService] => [
    spec.name,
    {
      ...spec,
      version,
      imageId: `sha256:${version}`,
      identity: over.identity ?? `${spec.name}@${version}`,
      pinnedImage: pinnedTag('shop', spec.name, id),
    },
  ]);
  return {
    format: 1,
    id,
    version,
    project: 'shop',
    createdAt: '2026-01-01T00:00:00.000Z',
    services: Object.fromEntries(entries),
    shared: [],
    proxy: { driver: 'caddy', service: 'proxy', output: '/tmp/x', mounted: '/etc/caddy/deploy-bg', template: null },
    directory: '/srv/shop',
    hooks: NO_HOOKS,
    notify: [],
    history: 5,
    models: { base: {}, overlays: { blue: {}, green: {} } },
    environmentValues: {},
    secretTexts: [],
    ...over,
  };
}

export function side(of: Release, color: Color | null): Side {
  return releaseSide(of, color);
}

/** A release whose services of these names are made of the same as another's. */
export function unchanged(of: Release, from: Release, ...names: readonly string[]): Release {
  const services = Object.values(of.services).map((spec): [string, ReleaseService] => {
    const identity = names.includes(spec.name) ? (from.services[spec.name]?.identity ?? spec.identity) : spec.identity;
    return [spec.name, { ...spec, identity }];
  });
  return { ...of, services: Object.fromEntries(services) };
}

/** Keys of a service whose canary stands at half of the traffic until a person comes. */
export const HALF_CANARY = {
  strategy: 'canary',
  steps: [
    { kind: 'weight', weight: 50 },
    { kind: 'pause', ms: null },
  ],
} as const;
