import { COLORS, type Color } from './color.ts';
import type { Observed, ObservedContainer } from './observed.ts';
import type { RolloutRecord, Side, SideService } from './record.ts';
import type { Release } from './release.ts';
import { replicasIn } from './sides.ts';

/** Which place serves now. */
export type Live =
  | { readonly kind: 'none' }
  /** Containers of the user's own project: never deployed by us, or given back by `reset`. */
  | { readonly kind: 'uncolored' }
  | { readonly kind: 'color'; readonly color: Color }
  /** The evidence contradicts itself; a person has to say. */
  | { readonly kind: 'unclear'; readonly reason: string };

/** The color that serves; null if none does. */
export function liveColor(live: Live): Color | null {
  return live.kind === 'color' ? live.color : null;
}

/**
 * Who serves, by the strength of the evidence: what the proxy sends traffic to, then the last completed rollout,
 * then `.deployment-color`, then the only place that has containers (DESIGN section 9: labels and the proxy's
 * read-back are the truth, files are checked against them).
 */
export function whoIsLive(observed: Observed, records: readonly RolloutRecord[], replaced: readonly string[]): Live {
  return byRouter(observed, records) ?? byRecord(records) ?? byFile(observed) ?? byContainers(observed, replaced);
}

function byRouter(observed: Observed, records: readonly RolloutRecord[]): Live | null {
  if (observed.router.kind === 'unreadable') return null;
  const names = new Set(observed.router.routes.flatMap((route) => route.backends.map((b) => b.container)));
  const inPlace = servicesInPlace(records);
  const group = observed.containers.filter((c) => names.has(c.name) && !inPlace.has(c.service));
  const places = new Set(group.map((c) => c.color));
  if (places.size === 0) return null;
  if (places.size > 1) return byRecord(records);
  return place([...places][0] ?? null);
}

function byRecord(records: readonly RolloutRecord[]): Live | null {
  const last = records.findLast((record) => record.state === 'completed');
  return last === undefined ? null : place(last.candidate.color);
}

function byFile(observed: Observed): Live | null {
  return observed.color === null ? null : place(observed.color);
}

function byContainers(observed: Observed, replaced: readonly string[]): Live {
  const colors = COLORS.filter((color) => observed.containers.some((c) => c.color === color && isUp(c)));
  const [only, second] = colors;
  if (second !== undefined)
    return {
      kind: 'unclear',
      reason: 'blue and green both run, and neither the proxy nor the state says which one serves',
    };
  if (only !== undefined) return { kind: 'color', color: only };
  return uncolored(observed, replaced).some(isUp) ? { kind: 'uncolored' } : { kind: 'none' };
}

function place(color: Color | null): Live {
  return color === null ? { kind: 'uncolored' } : { kind: 'color', color };
}

function isUp(container: ObservedContainer): boolean {
  return !container.oneOff && container.state === 'running';
}

/** Services that the last completed rollout left in the user's own project: they say nothing about the live color. */
export function servicesInPlace(records: readonly RolloutRecord[]): ReadonlySet<string> {
  const last = records.findLast((record) => record.state === 'completed');
  const services = Object.values(last?.candidate.services ?? {});
  return new Set(services.filter(({ placement }) => placement === 'in-place').map(({ name }) => name));
}

/** Plain containers beside the colors, of services that belong into a color. */
export function copiesBeside(
  observed: Observed,
  records: readonly RolloutRecord[],
  replaced: readonly string[],
): readonly ObservedContainer[] {
  const inPlace = servicesInPlace(records);
  return uncolored(
    observed,
    replaced.filter((name) => !inPlace.has(name)),
  );
}

/** Replicas in the user's own project of services that deploys replace. */
export function uncolored(observed: Observed, replaced: readonly string[]): readonly ObservedContainer[] {
  return observed.containers.filter((c) => c.color === null && !c.oneOff && replaced.includes(c.service));
}

/** A side made of a release: the color group in a color, or in the user's own project, and the services in place. */
export function releaseSide(release: Release, color: Color | null): Side {
  const services = Object.fromEntries(
    Object.values(release.services)
      .filter(({ placement }) => placement !== 'shared')
      .map((service) => [service.name, sideService(service)]),
  );
  return { release: release.id, version: release.version, color, services };
}

function sideService(spec: SideService): SideService {
  const { name, placement, strategy, replicas, hasHealthcheck, update, rollback, route, dependsOn, sticky } = spec;
  const { progressDeadlineMs, drainTimeoutMs, stopGraceMs, retireAfterMs } = spec;
  const times = { progressDeadlineMs, drainTimeoutMs, stopGraceMs, retireAfterMs };
  return { name, placement, strategy, replicas, hasHealthcheck, update, rollback, route, dependsOn, sticky, ...times };
}

/**
 * A side made of containers that no release describes: an uncolored project, or a color whose state was lost.
 * Their settings are those of the release that replaces them, their number is what runs.
 */
export function adoptedSide(observed: Observed, like: Side, color: Color | null): Side | null {
  const services: Record<string, SideService> = {};
  const found = Object.values(like.services).map((spec) => ({ spec, replicas: replicasIn(observed, like, spec.name) }));
  for (const { spec, replicas } of found) {
    const count = spec.placement === 'in-place' ? adoptedInPlace(spec, replicas) : replicas.length;
    if (replicas.length > 0) services[spec.name] = { ...spec, replicas: count };
  }
  const version = found.flatMap(({ replicas }) => replicas).find((c) => c.version !== null)?.version ?? null;
  return Object.keys(services).length === 0 ? null : { release: null, version, color, services };
}

/** What does not run serves nobody, and what is there twice was not meant to be: neither is gone back to. */
function adoptedInPlace({ replicas }: SideService, found: readonly ObservedContainer[]): number {
  return Math.min(replicas, found.filter((c) => c.state === 'running').length);
}
