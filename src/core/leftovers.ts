import { COLORS, type Color } from './color.ts';
import { type Evidence, foreignContainer, isSettled, type Services } from './disagreements.ts';
import { copiesBeside, type Live, releaseSide } from './live.ts';
import type { Observed, ObservedContainer } from './observed.ts';
import type { RolloutRecord } from './record.ts';
import { releasesInUse } from './releases-stack.ts';
import type { Release } from './release.ts';
import { replicasIn } from './sides.ts';
import { heldUntil } from './steps/gates.ts';
import { longRunning, replicasOf } from './strategies/bring-in.ts';

/** Something of a project that serves nobody and should not be there. */
export type Leftover = { readonly name: string; readonly why: string } & (
  | { readonly kind: 'container'; readonly id: string }
  | { readonly kind: 'network'; readonly color: Color }
  | { readonly kind: 'release'; readonly release: Release }
  | { readonly kind: 'image tag' }
);

/**
 * What `cleanup` would remove. Never what serves, never what a moving rollout needs, never a release held for an
 * instant way back, never anything that the proxy sends traffic to or, while it cannot be asked, might. What belongs
 * to another checkout is left to that.
 */
export function leftovers(evidence: Evidence, services: Services, history: number): readonly Leftover[] {
  if (evidence.live.kind === 'unclear' || foreignContainer(evidence) !== undefined) return [];
  const containers = containersLeft(evidence, services);
  const going = new Set(containers.map(({ id }) => id));
  const staying = evidence.observed.containers.filter(({ id }) => !going.has(id));
  return [
    ...containers.map(({ id, name, why }): Leftover => ({ kind: 'container', id, name, why })),
    ...networksLeft(evidence, staying),
    ...storedLeft(evidence, staying, history),
  ];
}

interface Found extends Pick<ObservedContainer, 'id' | 'name'> {
  readonly why: string;
}

function containersLeft(evidence: Evidence, { replaced, proxy, hostProxy }: Services): readonly Found[] {
  const { observed, live, records } = evidence;
  const dead = deadColors(live, records);
  const spared = sparedNames(observed, proxy !== null || hostProxy);
  const colored = observed.containers.flatMap((c) => {
    if (c.color === null) return [];
    if (dead.includes(c.color)) return [found(c, `${c.color} does not serve`)];
    return c.oneOff && c.state === 'exited' ? [found(c, 'a one-shot that has ended')] : [];
  });
  const beside = live.kind === 'color' ? copiesBeside(observed, records, replaced) : [];
  const copies = beside.map((c) => found(c, 'an uncolored copy beside the colors'));
  return [...colored, ...extra(evidence), ...copies].filter(({ name }) => !spared.has(name));
}

function found({ id, name }: ObservedContainer, why: string): Found {
  return { id, name, why };
}

/** Replicas that have ended, beside as many that run as are wanted. */
function extra({ observed, live, liveRelease, records }: Evidence): readonly Found[] {
  if (live.kind !== 'color' || liveRelease === null || !isSettled(records)) return [];
  const side = releaseSide(liveRelease, live.color);
  return longRunning(side).flatMap((name) => {
    const replicas = replicasIn(observed, side, name).filter((c) => c.color !== null);
    const ended = replicas.filter((c) => c.state === 'exited' || c.state === 'dead' || c.state === 'created');
    if (replicas.length - ended.length < replicasOf(side, name)) return [];
    return ended.map((c) => found(c, `${c.state}, beside all replicas of ${name}`));
  });
}

/** Those that the proxy names; if it cannot be asked, whatever runs in a color. */
function sparedNames({ router, containers }: Observed, hasProxy: boolean): ReadonlySet<string> {
  if (router.kind === 'routes')
    return new Set(
      router.routes
        .flatMap(({ backends, matched, mirror }) => [backends, matched?.backends ?? [], mirror?.backends ?? []].flat())
        .map(({ container }) => container),
    );
  if (!hasProxy) return new Set();
  return new Set(containers.filter((c) => c.color !== null && c.state === 'running').map(({ name }) => name));
}

function deadColors(live: Live, records: readonly RolloutRecord[]): readonly Color[] {
  const needed = colorsInUse(live, records);
  return COLORS.filter((color) => !needed.has(color));
}

/** Live, what the last rollout left live if somebody else has changed that, and both sides of one that is moving, paused or held. */
function colorsInUse(live: Live, records: readonly RolloutRecord[]): ReadonlySet<Color> {
  const colors = new Set<Color>();
  if (live.kind === 'color') colors.add(live.color);
  const left = records.findLast((record) => record.state === 'completed')?.candidate.color;
  if (left != null) colors.add(left);
  const last = records.at(-1);
  if (last === undefined) return colors;
  const moving = last.endedAt === null || heldUntil(last) !== null;
  for (const side of moving ? [last.stable, last.candidate] : []) if (side?.color) colors.add(side.color);
  return colors;
}

function networksLeft({ observed, live, records }: Evidence, staying: readonly ObservedContainer[]): Leftover[] {
  return deadColors(live, records)
    .filter((color) => !staying.some((container) => container.color === color))
    .flatMap((color) => {
      const name = observed.networks.find((each) => each.endsWith(`-${color}`));
      return name === undefined ? [] : [{ kind: 'network' as const, name, color, why: `${color} does not serve` }];
    });
}

/**
 * Releases that no way back leads to within `history` and of which nothing runs, and tags that no release has. Where
 * the state was lost, nobody knows whose tags these are.
 */
function storedLeft(
  { records, releases, liveRelease, tags }: Evidence,
  staying: readonly ObservedContainer[],
  history: number,
): Leftover[] {
  const needed = new Set([...releasesInUse(records, history), liveRelease?.id, ...staying.map((c) => c.release)]);
  return [
    ...releases
      .filter(({ id }) => !needed.has(id))
      .map((release): Leftover => {
        const why = `${release.version} is not kept for rollback any more`;
        return { kind: 'release', name: release.id, why, release };
      }),
    ...looseTags(releases, tags).map((name): Leftover => ({ kind: 'image tag', name, why: 'its release is gone' })),
  ];
}

/** Image tags of releases that are gone. */
export function looseTags(releases: readonly Release[], tags: readonly string[]): readonly string[] {
  const kept = new Set(releases.flatMap(({ services }) => Object.values(services).map((s) => s.pinnedImage)));
  return releases.length === 0 ? [] : tags.filter((tag) => !kept.has(tag));
}
