import { freeColor } from './color.ts';
import { adoptedSide, type Live, releaseSide } from './live.ts';
import type { Observed, ObservedContainer } from './observed.ts';
import type { Side } from './record.ts';
import type { Release } from './release.ts';
import { serving } from './routing.ts';
import { isTogether, replicasIn } from './sides.ts';
import { longRunning, replicasOf } from './strategies/bring-in.ts';

/** What the question "what does this release change?" depends on. */
export interface ChangeInput {
  readonly release: Release;
  readonly live: Live;
  /** The release that serves, if it is known. */
  readonly liveRelease: Release | null;
  readonly observed: Observed;
  /** Every slot of what is asked for is made anew, changed or not. */
  readonly force: boolean;
  /** The services that a person named; none: all of them. Of the others nothing is made anew by force, or for who made them. */
  readonly asked?: readonly string[];
}

/** Both sides of a rollout, and what happens to each service. What is named nowhere is not touched. */
export interface Changes {
  readonly stable: Side | null;
  readonly candidate: Side;
  /** Created beside what serves, then switched to by weight: the color group, and what moves out of it. */
  readonly switched: ReadonlySet<string>;
  /** New in place: nothing has to go for it. */
  readonly added: ReadonlySet<string>;
  /** Replaced in their own place. */
  readonly replaced: ReadonlySet<string>;
  /** As they were, but not as many as there should be. */
  readonly scaled: ReadonlySet<string>;
  /** In place, and not part of the release any more. */
  readonly removed: ReadonlySet<string>;
  /** One-shots that are not what they were. */
  readonly oneShots: ReadonlySet<string>;
}

/** What it takes for a release to serve in the place of what does. */
export function changesOf(input: ChangeInput): Changes {
  const { release, live } = input;
  const color = live.kind === 'color' ? live.color : null;
  const stable = stableSide(input);
  const dirty = isGroupDirty(input);
  const colored = Object.values(release.services).some(({ placement }) => placement === 'colored');
  const candidate = releaseSide(release, dirty ? freeColor(color) : colored ? color : null);
  const sides = { stable, candidate };
  const lasting = longRunning(candidate);
  const together = lasting.filter((name) => isTogether(sides, name));
  const there = (name: string): boolean => stable?.services[name] !== undefined;
  const replaced = together.filter((name) => there(name) && isChanged(input, name));
  const scaled = together.filter(
    (name) => there(name) && !isChanged(input, name) && !isFull(input.observed, candidate, name),
  );
  const gone = Object.values(stable?.services ?? {}).filter(
    ({ name, placement }) => placement === 'in-place' && candidate.services[name] === undefined,
  );
  const once = Object.values(release.services).filter(({ placement }) => placement === 'one-shot');
  return {
    ...sides,
    switched: new Set(lasting.filter((name) => !isTogether(sides, name))),
    added: new Set(together.filter((name) => !there(name))),
    replaced: new Set(replaced),
    scaled: new Set(scaled),
    removed: new Set(gone.map(({ name }) => name)),
    oneShots: new Set(once.filter(({ name }) => isChanged(input, name)).map(({ name }) => name)),
  };
}

function stableSide({ release, live, liveRelease, observed }: ChangeInput): Side | null {
  if (live.kind === 'none' || live.kind === 'unclear') return null;
  const color = live.kind === 'color' ? live.color : null;
  return liveRelease === null
    ? adoptedSide(observed, releaseSide(release, color), color)
    : releaseSide(liveRelease, color);
}

/**
 * True if a service is made of something else than the one that serves, or depends with `restart: true` on one that is:
 * being replaced is the restart that loses no request.
 */
function isChanged(input: ChangeInput, name: string): boolean {
  const { release, liveRelease, force, observed, asked = [] } = input;
  const before = liveRelease?.services[name];
  const after = release.services[name];
  if (liveRelease === null || before === undefined || after === undefined) return true;
  const isAsked = asked.length === 0 || asked.includes(name);
  if (isAsked && (force || othersInPlace(observed, liveRelease, name).length > 0)) return true;
  if (before.identity !== after.identity || before.placement !== after.placement) return true;
  const followed = after.dependsOn.filter(({ restart, service }) => restart && service in release.services);
  return followed.some(({ service }) => isChanged(input, service));
}

/** The color group is one unit: if any member changes, all are created in the free color (DESIGN section 3). */
function isGroupDirty(input: ChangeInput): boolean {
  const { release, liveRelease } = input;
  const members = Object.values(release.services).filter(({ placement }) => placement === 'colored');
  if (members.length === 0) return false;
  const before = Object.values(liveRelease?.services ?? {}).filter(({ placement }) => placement === 'colored');
  const left = before.some(({ name }) => release.services[name]?.placement !== 'colored');
  const fed = members.flatMap(({ dependsOn }) => dependsOn.map(({ service }) => service));
  const oneShots = fed.filter((name) => release.services[name]?.placement === 'one-shot');
  const changed = [...members.map(({ name }) => name), ...oneShots].some((name) => isChanged(input, name));
  return left || changed || isGroupBroken(input);
}

/** As many replicas are wanted as before, and some of them do not run: a new color mends it. */
function isGroupBroken({ release, live, liveRelease, observed }: ChangeInput): boolean {
  if (live.kind !== 'color' || liveRelease === null) return true;
  const [before, after] = [releaseSide(liveRelease, live.color), releaseSide(release, live.color)];
  const names = longRunning(after).filter((name) => after.services[name]?.placement === 'colored');
  const sameSize = names.every((name) => replicasOf(before, name) === replicasOf(after, name));
  return sameSize && !names.every((name) => isFull(observed, after, name));
}

/** Exactly as many replicas as wanted, all of them good. */
export function isFull(observed: Observed, side: Side, name: string): boolean {
  const replicas = replicasIn(observed, side, name);
  const good = serving(replicas).filter((c) => c.health === 'healthy' || c.health === 'none');
  return good.length === replicas.length && good.length === replicasOf(side, name);
}

/**
 * Running replicas in the user's own project that a release is said to have there, but of another image: somebody ran
 * `docker compose up` with another version.
 */
export function othersInPlace(observed: Observed, release: Release, service: string): readonly ObservedContainer[] {
  const spec = release.services[service];
  if (spec?.placement !== 'in-place') return [];
  const replicas = replicasIn(observed, releaseSide(release, null), service);
  return replicas.filter((c) => c.state === 'running' && c.release !== release.id && c.imageId !== spec.imageId);
}
