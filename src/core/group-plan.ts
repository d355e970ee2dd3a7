import type { Around } from './around.ts';
import type { Changes } from './changes.ts';
import type { CompileInput } from './compile.ts';
import type { Promote } from './project.ts';
import type { Side } from './record.ts';
import type { Release, ReleaseService } from './release.ts';
import { isTogether } from './sides.ts';
import { blueGreen } from './strategies/blue-green.ts';
import { only } from './strategies/bring-in.ts';
import { canary, type CanarySettings } from './strategies/canary.ts';
import { atOnce, type GroupPlan } from './strategies/group.ts';
import { recreate } from './strategies/recreate.ts';

/** How the color group is replaced as a whole. */
export type GroupStrategy = 'at-once' | 'recreate' | 'canary' | 'blue-green';

/** One strategy for all: whoever cannot run twice decides, then whoever goes step by step. */
export function groupStrategy({ release, verb }: CompileInput, changes: Changes): GroupStrategy {
  if (goingOf(changes) === null) return 'at-once';
  const strategies = membersOf(release, changes).map(({ strategy }) => strategy);
  if (strategies.includes('recreate')) return 'recreate';
  if (verb === 'rollback') return 'at-once';
  return strategies.includes('canary') ? 'canary' : 'blue-green';
}

/** The steps of the color group's strategy. */
export function groupPlan(input: CompileInput, changes: Changes, around: Around): GroupPlan {
  const { candidate, switched } = changes;
  const coming = only(candidate, ({ name }) => switched.has(name));
  const gates = around.gates(switched);
  const [strategy, going] = [groupStrategy(input, changes), goingOf(changes)];
  if (strategy === 'at-once' || going === null) return atOnce(coming, gates);
  if (strategy === 'recreate') return recreate(going, coming, gates);
  const members = membersOf(input.release, changes);
  if (strategy === 'blue-green')
    return blueGreen({ candidate: coming, promote: gateOf(members), preview: previewOf(members), gates });
  const canaries = members.filter((each) => each.strategy === 'canary');
  return canary({ ...canarySettings(going, coming, canaries), questions: around.questions(canaries), gates });
}

function membersOf({ services }: Release, { switched }: Changes): readonly ReleaseService[] {
  return Object.values(services).filter(({ name }) => switched.has(name));
}

/** What the group takes the place of; null if there is nothing. */
function goingOf({ stable, candidate }: Changes): Side | null {
  const going = stable === null ? null : only(stable, ({ name }) => !isTogether({ stable, candidate }, name));
  return going === null || Object.keys(going.services).length === 0 ? null : going;
}

/** The canaries of a group go by one list (E02 refuses different ones); the others are there in full from the start. */
function canarySettings(
  stable: Side,
  candidate: Side,
  canaries: readonly ReleaseService[],
): Omit<CanarySettings, 'questions' | 'gates'> {
  return {
    stable,
    candidate,
    stepped: new Set(canaries.map(({ name }) => name)),
    steps: canaries[0]?.steps ?? [],
    shrinkStable: canaries.some(({ shrinkStable }) => shrinkStable),
  };
}

/** The group is promoted as one: the latest gate of its services counts. */
function gateOf(members: readonly ReleaseService[]): Promote {
  if (members.some(({ promote }) => promote === 'manual')) return 'manual';
  const times = members.flatMap(({ promote }) => (typeof promote === 'number' ? [promote] : []));
  return times.length > 0 ? Math.max(...times) : 'auto';
}

function previewOf(members: readonly ReleaseService[]): Record<string, number> {
  return Object.fromEntries(members.map(({ name, previewReplicas }) => [name, previewReplicas]));
}
