import { freeColor } from './color.ts';
import { adoptedSide, type Live, releaseSide } from './live.ts';
import type { Observed } from './observed.ts';
import type { Step } from './plan.ts';
import type { Promote } from './project.ts';
import type { RolloutRecord, RolloutVerb, Side } from './record.ts';
import { type Release, sameDefinition } from './release.ts';
import { serving } from './routing.ts';
import { containersOf, replicasIn } from './sides.ts';
import { blueGreen, retire } from './strategies/blue-green.ts';
import { createInOrder, longRunning } from './strategies/create-ready.ts';
import { scale } from './strategies/scale.ts';

/** What has to happen for a release to serve. */
export type Compiled =
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'rollout';
      readonly stable: Side | null;
      readonly candidate: Side;
      readonly steps: readonly Step[];
    };

export interface CompileInput {
  readonly verb: RolloutVerb;
  readonly release: Release;
  readonly live: Live;
  /** The release that serves, if it is known. */
  readonly liveRelease: Release | null;
  readonly observed: Observed;
  /** Shared services in dependency order, to be started if they do not run. */
  readonly shared: readonly string[];
  readonly force: boolean;
}

/** Compiles the way from what serves to a release (DESIGN sections 2 and 5). Pure. */
export function compile(input: CompileInput): Compiled {
  const { release, live, liveRelease, observed } = input;
  const color = live.kind === 'color' ? live.color : null;
  const inPlace = releaseSide(release, color);
  const stable = stableSide(input);
  if (live.kind === 'color' && liveRelease !== null && !input.force && sameDefinition(release, liveRelease)) {
    const current = releaseSide(liveRelease, color);
    if (!sameReplicas(current, inPlace))
      return { kind: 'rollout', stable: current, candidate: inPlace, steps: scale(current, inPlace) };
    if (isComplete(inPlace, observed)) return { kind: 'nothing' };
  }
  const candidate = releaseSide(release, freeColor(color));
  const held = input.verb === 'rollback' && isHeld(candidate, observed);
  const { promote, preview } = gates(release);
  return {
    kind: 'rollout',
    stable,
    candidate,
    steps: blueGreen({
      stable,
      candidate,
      shared: input.shared,
      promote: input.verb === 'rollback' ? 'auto' : promote,
      preview,
      held,
    }),
  };
}

function stableSide({ release, live, liveRelease, observed }: CompileInput): Side | null {
  if (live.kind === 'none' || live.kind === 'unclear') return null;
  const color = live.kind === 'color' ? live.color : null;
  if (color !== null && liveRelease !== null) return releaseSide(liveRelease, color);
  return adoptedSide(observed, releaseSide(release, color), color);
}

function sameReplicas(a: Side, b: Side): boolean {
  return longRunning(a).every((name) => a.services[name]?.replicas === b.services[name]?.replicas);
}

/** Enough running replicas of every service, none of them unhealthy. */
function isComplete(side: Side, observed: Observed): boolean {
  return longRunning(side).every((name) => {
    const replicas = replicasIn(observed, side, name);
    const good = serving(replicas).filter((c) => c.health === 'healthy' || c.health === 'none');
    return good.length === replicas.length && good.length === (side.services[name]?.replicas ?? 0);
  });
}

/** All containers of the release are still there and run: only weight has to move. */
function isHeld(side: Side, observed: Observed): boolean {
  return isComplete(side, observed) && containersOf(observed, side).every((c) => c.release === side.release);
}

/** The color group is promoted as one: the latest gate of its services counts. */
function gates(release: Release): { promote: Promote; preview: Record<string, number> } {
  const colored = Object.values(release.services).filter((service) => service.placement === 'colored');
  const preview = Object.fromEntries(colored.map((service) => [service.name, service.previewReplicas]));
  if (colored.some((service) => service.promote === 'manual')) return { promote: 'manual', preview };
  const times = colored.flatMap((service) => (typeof service.promote === 'number' ? [service.promote] : []));
  return { promote: times.length > 0 ? Math.max(...times) : 'auto', preview };
}

/** The way from a color to plain containers of the same release in the user's own project. */
export function compileReset(
  release: Release,
  live: Extract<Live, { kind: 'color' }>,
): Extract<Compiled, { kind: 'rollout' }> {
  const stable = releaseSide(release, live.color);
  const lasting = Object.entries(stable.services).filter(([, service]) => service.placement !== 'one-shot');
  const candidate: Side = { ...stable, color: null, services: Object.fromEntries(lasting) };
  const steps: Step[] = [
    { kind: 'clear' },
    { kind: 'prepare' },
    { kind: 'wire' },
    ...createInOrder('candidate', candidate, (service) => service.replicas),
    { kind: 'weight', weight: 100 },
    { kind: 'complete' },
    ...retire('stable', stable).filter((step) => step.kind !== 'hold'),
  ];
  return { kind: 'rollout', stable, candidate, steps };
}

/** A new record, ready to be accepted. */
export function newRecord(
  compiled: Extract<Compiled, { kind: 'rollout' }>,
  about: { id: string; verb: RolloutVerb; project: string; now: number },
): RolloutRecord {
  const wired = compiled.steps.some((step) => step.kind === 'wire');
  return {
    format: 1,
    id: about.id,
    verb: about.verb,
    project: about.project,
    acceptedAt: about.now,
    endedAt: null,
    stable: compiled.stable,
    candidate: compiled.candidate,
    state: 'pending',
    pauseReason: null,
    message: null,
    steps: compiled.steps,
    cursor: 0,
    stepStartedAt: about.now,
    // Without a wire step the proxy works by our files already, with all traffic on the stable side.
    weight: wired ? null : 0,
    weightAt: null,
    ready: {},
    failures: [],
    aborted: false,
    replaced: false,
    gateUntil: null,
    ungated: false,
  };
}
