import { COLORS, composeProject, type Color } from './color.ts';
import { copiesBeside, type Live } from './live.ts';
import type { Observed, ObservedContainer } from './observed.ts';
import type { RolloutRecord } from './record.ts';
import { heldUntil } from './steps/gates.ts';

/** Something of a project that serves nobody and should not be there. */
export type Leftover =
  | { readonly kind: 'container'; readonly id: string; readonly name: string; readonly why: string }
  | { readonly kind: 'network'; readonly name: string; readonly color: Color; readonly why: string };

/**
 * What `cleanup` would remove. Never what serves, never what a moving rollout needs, never a release held for an
 * instant way back, never anything that the proxy sends traffic to.
 */
export function leftovers(
  observed: Observed,
  live: Live,
  records: readonly RolloutRecord[],
  replaced: readonly string[],
): readonly Leftover[] {
  if (live.kind === 'unclear') return [];
  const needed = colorsInUse(live, records);
  const dead = COLORS.filter((color) => !needed.has(color));
  const containers = [
    ...observed.containers
      .filter((c) => c.color !== null && dead.includes(c.color))
      .map((c) => leftover(c, `${c.color ?? ''} does not serve`)),
    ...observed.containers
      .filter((c) => c.color !== null && !dead.includes(c.color) && c.oneOff && c.state === 'exited')
      .map((c) => leftover(c, 'a one-shot that has ended')),
    ...(live.kind === 'color'
      ? copiesBeside(observed, records, replaced).map((c) => leftover(c, 'an uncolored copy beside the colors'))
      : []),
  ].filter((item) => !routedNames(observed).has(item.name));
  const networks = dead
    .filter((color) => observed.networks.some((name) => name.endsWith(`-${color}`)))
    .map((color): Leftover => ({
      kind: 'network',
      name: networkProject(observed, color),
      color,
      why: `${color} does not serve`,
    }));
  return [...containers, ...networks];
}

function leftover(container: ObservedContainer, why: string): Extract<Leftover, { kind: 'container' }> {
  return { kind: 'container', id: container.id, name: container.name, why };
}

function routedNames(observed: Observed): ReadonlySet<string> {
  if (observed.router.kind === 'unreadable') return new Set();
  return new Set(observed.router.routes.flatMap((route) => route.backends.map((backend) => backend.container)));
}

/** Live, and both sides of a rollout that is moving, paused or held. */
function colorsInUse(live: Live, records: readonly RolloutRecord[]): ReadonlySet<Color> {
  const colors = new Set<Color>();
  if (live.kind === 'color') colors.add(live.color);
  const last = records.at(-1);
  if (last === undefined) return colors;
  const moving = last.endedAt === null || heldUntil(last) !== null;
  for (const side of moving ? [last.stable, last.candidate] : []) if (side?.color) colors.add(side.color);
  return colors;
}

function networkProject(observed: Observed, color: Color): string {
  return observed.networks.find((name) => name.endsWith(`-${color}`)) ?? composeProject('', color);
}
