import { type Hooks, NO_HOOKS } from './hooks.ts';
import type { NotifyTarget } from './notify.ts';
import type { Models, ProxySpec, ServiceSpec } from './project.ts';
import { NO_CHECKS } from './service-checks.ts';

/** A service as a release froze it. */
export interface ReleaseService extends ServiceSpec {
  /** Version it was made at: an older one than its release's if the deploy did not ask for it. */
  readonly version: string;
  /** Engine id of the image, `sha256:…`. */
  readonly imageId: string;
  /** Local tag that keeps the image alive as long as the release. */
  readonly pinnedImage: string;
  /** Hash of the definition, image id and contents of its secrets and configs; replicas do not count. */
  readonly identity: string;
}

/** An immutable snapshot of what a version is made of (DESIGN section 1). It has no color. */
export interface Release {
  readonly format: 1;
  readonly id: string;
  readonly version: string;
  readonly project: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** The replaced services: colored, in place and one-shots. */
  readonly services: Readonly<Record<string, ReleaseService>>;
  /** Services of the project that deploys do not replace. */
  readonly shared: readonly string[];
  readonly proxy: ProxySpec;
  /** The project directory that relative paths belong to. */
  readonly directory: string;
  /** Hooks of the project when this release was made. */
  readonly hooks: Hooks;
  readonly notify: readonly NotifyTarget[];
  /** Releases kept for rollback when this one was made. */
  readonly history: number;
  readonly models: Models;
  /** Secret: values of `environment:` secrets and configs. */
  readonly environmentValues: Readonly<Record<string, string>>;
  /** Secret: contents of file-backed secrets. */
  readonly secretTexts: readonly string[];
}

/** True if both releases would make the same containers, and as many of them, of the same version. */
export function sameRelease(a: Release, b: Release): boolean {
  const sameSize = Object.values(a.services).every(({ name, replicas }) => b.services[name]?.replicas === replicas);
  return a.version === b.version && sameSize && sameDefinition(a, b);
}

/** True if both releases would make the same containers, whatever their number. */
export function sameDefinition(a: Release, b: Release): boolean {
  const names = Object.keys(a.services);
  return (
    names.length === Object.keys(b.services).length &&
    names.every((name) => a.services[name]?.identity === b.services[name]?.identity)
  );
}

/** A release as an earlier version of this program may have written it, with what that version did not know. */
export function upgradedRelease(release: Release): Release {
  const services = Object.entries(release.services).map(([name, service]): [string, ReleaseService] => [
    name,
    {
      ...{
        liveness: 'none',
        pullPolicy: 'missing',
        buildable: false,
        checks: NO_CHECKS,
        hooks: NO_HOOKS,
        steps: [],
        shrinkStable: false,
        sticky: null,
      },
      ...service,
    },
  ]);
  return { ...{ hooks: NO_HOOKS, notify: [], secretTexts: [] }, ...release, services: Object.fromEntries(services) };
}
