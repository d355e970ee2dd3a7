import type { Changes } from './changes.ts';
import { gateCheck, policyOf } from './checks.ts';
import { execSide, type HookMoment, type Hooks, hookText, type HookSpec } from './hooks.ts';
import type { HookStep, SideName, Step } from './plan.ts';
import type { FailureHooks, RolloutVerb } from './record.ts';
import type { Release, ReleaseService } from './release.ts';
import { type CheckUse, usesAt, usesNamed } from './service-checks.ts';
import type { Questions } from './strategies/canary.ts';
import type { Gates } from './strategies/gates.ts';

/** What a rollout has around its moves: the hooks of the project, and hooks and checks of the services it changes. */
export interface Around {
  readonly hooks: (moment: HookMoment) => readonly HookStep[];
  /** Before anything of the release is created. */
  readonly begins: readonly HookStep[];
  /** As soon as it is completed. */
  readonly ends: readonly HookStep[];
  /** Around the traffic of these services. */
  readonly gates: (services: ReadonlySet<string>) => Gates;
  /** Of canaries that go by one list of steps. */
  readonly questions: (canaries: readonly ReleaseService[]) => Questions;
}

const NO_GATES: Gates = { before: [], watch: [], after: [], hooks: () => [] };

/** Only numbers change: nobody has to be asked, and nothing to be run. */
export const NOTHING_AROUND: Around = {
  hooks: () => [],
  begins: [],
  ends: [],
  gates: () => NO_GATES,
  questions: () => ({ named: () => [], until: () => null }),
};

interface AroundInput {
  readonly verb: RolloutVerb;
  readonly release: Release;
  /** The release that serves, if it is known. */
  readonly liveRelease: Release | null;
}

/** A rollback by hand has hooks of its own, which the release that is left brings; neither it nor a first deploy has checks. */
export function aroundRollout(input: AroundInput, changes: Changes): Around {
  const { verb, release } = input;
  const hooks = (moment: HookMoment): readonly HookStep[] => hooksAt(input, changes, moment);
  const checked = verb === 'deploy' && changes.stable !== null;
  return {
    hooks,
    begins: hooks(verb === 'rollback' ? 'pre_rollback' : 'pre_deploy'),
    ends: hooks(verb === 'rollback' ? 'post_rollback' : 'post_deploy'),
    gates: (services) => ({ ...(checked ? checksOf(release, services) : NO_GATES), hooks }),
    questions: questionsOf,
  };
}

/** The hooks of a rollout that does not succeed. A rollback by hand is gone back from without any. */
export function failureHooks(input: AroundInput, changes: Changes): FailureHooks {
  const at = (moment: HookMoment): readonly HookStep[] => hooksAt(input, changes, moment);
  const back = input.verb === 'deploy';
  return {
    on_failure: at('on_failure'),
    pre_rollback: back ? at('pre_rollback') : [],
    post_rollback: back ? at('post_rollback') : [],
  };
}

const OF_A_WAY_BACK: ReadonlySet<HookMoment> = new Set(['pre_rollback', 'post_rollback']);

/** Those of the project first; of services only those that the rollout changes. */
function hooksAt(
  { verb, release, liveRelease }: AroundInput,
  changes: Changes,
  moment: HookMoment,
): readonly HookStep[] {
  const left = verb === 'rollback' && OF_A_WAY_BACK.has(moment);
  const from = left ? liveRelease : release;
  if (from === null) return [];
  const of: SideName = left ? 'stable' : 'candidate';
  const changed = namesOf(changes);
  const own = Object.values(from.services).filter(({ name }) => changed.has(name));
  const lists: readonly (readonly [string | null, Hooks])[] = [
    [null, from.hooks],
    ...own.map(({ name, hooks }) => [name, hooks] as const),
  ];
  return lists.flatMap(([owner, hooks]) =>
    (hooks[moment] ?? []).flatMap((hook, index): HookStep[] =>
      hasPlace(hook, execSide(verb, moment), from, changes)
        ? [{ kind: 'hook', moment, of, owner, index, text: hookText(hook) }]
        : [],
    ),
  );
}

function namesOf({ switched, added, replaced, removed, oneShots }: Changes): ReadonlySet<string> {
  return new Set([...switched, ...added, ...replaced, ...removed, ...oneShots]);
}

/** A first deploy has no old containers of a replaced service to run anything in. */
function hasPlace(hook: HookSpec, side: SideName, from: Release, { stable }: Changes): boolean {
  const replaced = hook.kind === 'exec' && from.services[hook.service] !== undefined;
  return stable !== null || !replaced || side === 'candidate';
}

function checksOf(release: Release, services: ReadonlySet<string>): Omit<Gates, 'hooks'> {
  const members = Object.values(release.services).filter(({ name }) => services.has(name));
  const at = (kind: 'check' | 'watch', place: 'before' | 'watch' | 'after'): Step[] => {
    const checks = usesAt(members, place);
    return checks.length === 0 ? [] : [{ kind, checks }];
  };
  return { before: at('check', 'before'), watch: at('watch', 'watch'), after: at('check', 'after') };
}

function questionsOf(canaries: readonly ReleaseService[]): Questions {
  return {
    named: (names) => usesNamed(canaries, names),
    until: (index): CheckUse | null => {
      const [first] = canaries;
      const step = first?.steps[index];
      if (first === undefined || step?.kind !== 'pause' || step.until === undefined) return null;
      return { service: first.name, policy: policyOf(gateCheck(step.until)), step: index };
    },
  };
}

/** The stable side begins to go by it. */
export function leavesStable(step: Step): boolean {
  const goes = step.kind === 'drain' || step.kind === 'shrink' || step.kind === 'stop' || step.kind === 'remove';
  return goes && step.side === 'stable';
}
