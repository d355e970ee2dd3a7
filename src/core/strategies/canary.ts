import type { Step } from '../plan.ts';
import type { CanaryStep } from '../project.ts';
import type { Side } from '../record.ts';
import { type Pair, routedSize, unroutedPair } from '../rounding.ts';
import { longRunning, replicasOf } from './bring-in.ts';
import type { CheckUse } from '../service-checks.ts';
import { asksBefore, type Gates, gated, previewOf } from './gates.ts';
import { grow, type GroupPlan, switchOver } from './group.ts';
import { resize } from './resize.ts';
import type { InPlace } from './rolling.ts';

/**
 * Without a route the share of the candidate is its share of the replicas: each weight is one more resize in place,
 * up or down (DESIGN section 5). Without a release there is no way down, because nothing of the old side can be made.
 */
export function canaryInPlace(
  there: InPlace & { readonly stableKnown: boolean },
  steps: readonly CanaryStep[],
  questions: Questions,
): Step[] {
  const { service, stableKnown } = there;
  const whole: CanaryStep = { kind: 'weight', weight: 100 };
  let now: Pair = { candidate: there.candidate, stable: there.stable };
  return [...steps, whole].flatMap((step, index) => {
    if (step.kind === 'pause') return [pauseAt(step, index, questions)];
    if (step.kind === 'check') return [{ kind: 'check', checks: questions.named(step.names) }];
    if (step.kind !== 'weight') return [];
    const pair = unroutedPair(service.replicas, step.weight, service.update.order);
    // A release of another size does not get more of the old one than there were.
    const wanted = { ...pair, stable: Math.min(pair.stable, there.stable) };
    if (wanted.candidate < now.candidate && !stableKnown) return [];
    const moved = towards(there, now, wanted);
    now = wanted;
    return moved;
  });
}

/** What the steps of a canary ask, as checks of its release. */
export interface Questions {
  readonly named: (names: readonly string[]) => readonly CheckUse[];
  /** The question of the pause at an index. */
  readonly until: (index: number) => CheckUse | null;
}

function pauseAt({ ms }: Extract<CanaryStep, { kind: 'pause' }>, index: number, questions: Questions): Step {
  const until = questions.until(index);
  return until === null ? { kind: 'pause', ms } : { kind: 'pause', ms, until };
}

function towards({ service }: InPlace, now: Pair, wanted: Pair): Step[] {
  const candidate = { from: now.candidate, to: wanted.candidate };
  const stable = { from: now.stable, to: wanted.stable };
  const down = wanted.candidate < now.candidate || wanted.stable > now.stable;
  return resize({
    service: service.name,
    routed: service.route !== null,
    config: service.update,
    full: service.replicas,
    grows: down ? 'stable' : 'candidate',
    grown: down ? stable : candidate,
    shrunk: down ? candidate : stable,
  });
}

export interface CanarySettings {
  readonly stable: Side;
  readonly candidate: Side;
  /** Services that go by the steps. */
  readonly stepped: ReadonlySet<string>;
  readonly steps: readonly CanaryStep[];
  readonly questions: Questions;
  readonly gates: Gates;
  readonly shrinkStable: boolean;
}

/** Where a canary stands between two steps. */
interface Stage {
  readonly weight: number;
  /** Requests that match reach the candidate, or copies: whatever its weight, somebody has to be there. */
  readonly previewed: boolean;
  readonly matched: boolean;
  readonly mirrored: boolean;
  /** What a `replicas` step said last; null: by weight. */
  readonly fixed: number | { readonly percent: number } | null;
  /** Candidate replicas of the services that go by the steps. */
  readonly sizes: Readonly<Record<string, number>>;
}

const NOTHING: Stage = { weight: 0, previewed: false, matched: false, mirrored: false, fixed: null, sizes: {} };

/**
 * A color beside the live one that gets its traffic step by step. The proxy weighs, so the candidate only has to have
 * replicas enough for its share: it grows before its weight does, and shrinks after.
 */
export function canary(settings: CanarySettings): GroupPlan {
  const { candidate, stepped, steps, gates } = settings;
  const preview = isLookedAt(settings) ? previewOf(candidate) : [];
  const none = sized(settings, { ...NOTHING, previewed: preview.length > 0 });
  const start = stageAt(settings, none, steps[0] ?? WHOLE);
  let stage: Stage = { ...none, sizes: start.sizes };
  const moved = steps.flatMap((step, index) => {
    const before = stage;
    stage = stageAt(settings, before, step);
    return stepsTo(settings, before, stage, step, index);
  });
  const last = stageAt(settings, { ...stage, fixed: null }, WHOLE);
  return {
    before: [],
    size: ({ name, replicas }) => (stepped.has(name) ? (start.sizes[name] ?? 0) : replicas),
    after: [...preview, ...gated([...moved, ...growTo(settings, stage, last), ...switchOver(candidate)], gates)],
  };
}

/** True if anything waits while the candidate has no share of the requests yet. */
function isLookedAt({ steps, gates }: CanarySettings): boolean {
  const share = steps.findIndex((step) => step.kind === 'weight' && step.weight > 0);
  const before = share < 0 ? steps : steps.slice(0, share);
  return asksBefore(gates) || before.some(({ kind }) => kind === 'pause' || kind === 'check');
}

const WHOLE: CanaryStep = { kind: 'weight', weight: 100 };

/** The stage after a step. */
function stageAt(settings: CanarySettings, before: Stage, step: CanaryStep): Stage {
  switch (step.kind) {
    case 'pause':
    case 'check':
      return before;
    case 'weight':
      return sized(settings, { ...before, weight: step.weight });
    case 'replicas':
      return sized(settings, { ...before, fixed: step.replicas === 'match' ? null : step.replicas });
    // Whoever is there stays when it ends: the next weight may need them.
    case 'match':
      return step.match === null ? { ...before, matched: false } : sized(settings, { ...before, matched: true });
    case 'mirror':
      return step.percent === 0 ? { ...before, mirrored: false } : sized(settings, { ...before, mirrored: true });
  }
}

function sized({ candidate, stepped }: CanarySettings, stage: Stage): Stage {
  const sizes = [...stepped].map((name) => [name, sizeOf(stage, replicasOf(candidate, name))] as const);
  return { ...stage, sizes: Object.fromEntries(sizes) };
}

/** Whatever a `replicas` step says: who gets requests is there to answer them. */
function sizeOf(stage: Stage, replicas: number): number {
  return Math.min(replicas, Math.max(saidSize(stage, replicas), isReached(stage) ? 1 : 0));
}

function saidSize({ weight, fixed }: Stage, replicas: number): number {
  if (fixed === null) return routedSize(replicas, weight);
  return typeof fixed === 'number' ? fixed : routedSize(replicas, fixed.percent);
}

function isReached({ weight, previewed, matched, mirrored }: Stage): boolean {
  return weight > 0 || previewed || matched || mirrored;
}

function stepsTo(settings: CanarySettings, before: Stage, after: Stage, step: CanaryStep, index: number): Step[] {
  const up = growTo(settings, before, after);
  switch (step.kind) {
    case 'pause':
      return [pauseAt(step, index, settings.questions)];
    case 'check':
      return [{ kind: 'check', checks: settings.questions.named(step.names) }];
    case 'weight':
      return [...up, ...weigh(settings, before, after)];
    case 'replicas': {
      const down = shrinkTo(settings, before, after);
      const changed = isReached(after) && up.length + down.length > 0;
      return [...up, ...(changed ? [{ kind: 'routes' } as const] : []), ...down];
    }
    case 'match':
      return [...up, { kind: 'match', match: step.match }];
    case 'mirror':
      return [...up, { kind: 'mirror', percent: step.percent }];
  }
}

/** The stable side grows before it gets more, and what either side does not need any more goes after. */
function weigh(settings: CanarySettings, before: Stage, after: Stage): Step[] {
  const { stable, shrinkStable, stepped } = settings;
  const weight: Step = { kind: 'weight', weight: after.weight };
  const down = shrinkTo(settings, before, after);
  if (!shrinkStable || stable.release === null) return [weight, ...down];
  const size = (name: string, share: number): number => routedSize(replicasOf(stable, name), 100 - share);
  const names = [...stepped].filter((name) => name in stable.services);
  const larger = names.filter((name) => size(name, after.weight) > size(name, before.weight));
  const smaller = names.filter((name) => size(name, after.weight) < size(name, before.weight));
  return [
    ...grow(larger, (name) => size(name, after.weight), 'stable'),
    weight,
    ...down,
    ...less('stable', smaller, (name) => size(name, after.weight)),
  ];
}

function growTo({ candidate }: CanarySettings, before: Stage, after: Stage): Step[] {
  const larger = inOrder(candidate, after).filter((name) => (after.sizes[name] ?? 0) > (before.sizes[name] ?? 0));
  return grow(larger, (name) => after.sizes[name] ?? 0);
}

/** The change of routes before this leaves them out. */
function shrinkTo({ candidate }: CanarySettings, before: Stage, after: Stage): Step[] {
  const smaller = inOrder(candidate, after).filter((name) => (after.sizes[name] ?? 0) < (before.sizes[name] ?? 0));
  return less('candidate', smaller, (name) => after.sizes[name] ?? 0);
}

function less(side: 'stable' | 'candidate', services: readonly string[], replicas: (name: string) => number): Step[] {
  if (services.length === 0) return [];
  const shrinks = services.map((service): Step => ({
    kind: 'shrink',
    side,
    service,
    replicas: replicas(service),
    first: 'highest',
    sparing: false,
  }));
  return [{ kind: 'drain', side, services }, ...shrinks];
}

function inOrder(candidate: Side, { sizes }: Stage): string[] {
  return longRunning(candidate).filter((name) => name in sizes);
}
