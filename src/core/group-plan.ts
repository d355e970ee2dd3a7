import type { Around } from './around.ts';
import type { Changes } from './changes.ts';
import type { CompileInput } from './compile.ts';
import type { Promote } from './project.ts';
import type { Side } from './record.ts';
import type { ReleaseService } from './release.ts';
import { isTogether } from './sides.ts';
import { blueGreen } from './strategies/blue-green.ts';
import { only } from './strategies/bring-in.ts';
import { canary, type CanarySettings } from './strategies/canary.ts';
import { atOnce, type GroupPlan } from './strategies/group.ts';
import { recreate } from './strategies/recreate.ts';

/** The color group is replaced by one strategy: whoever cannot run twice decides, then whoever goes step by step. */
export function groupPlan(input: CompileInput, { stable, candidate, switched }: Changes, around: Around): GroupPlan {
  const coming = only(candidate, ({ name }) => switched.has(name));
  const gates = around.gates(switched);
  const going = stable === null ? null : only(stable, ({ name }) => !isTogether({ stable, candidate }, name));
  if (going === null || Object.keys(going.services).length === 0) return atOnce(coming, gates);
  const members = Object.values(input.release.services).filter(({ name }) => switched.has(name));
  if (members.some(({ strategy }) => strategy === 'recreate')) return recreate(going, coming, gates);
  if (input.verb === 'rollback') return atOnce(coming, gates);
  const canaries = members.filter(({ strategy }) => strategy === 'canary');
  if (canaries.length > 0)
    return canary({ ...canarySettings(going, coming, canaries), questions: around.questions(canaries), gates });
  return blueGreen({ candidate: coming, promote: gateOf(members), preview: previewOf(members), gates });
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
