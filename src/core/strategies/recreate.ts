import type { Step } from '../plan.ts';
import type { Side } from '../record.ts';
import { callersFirst, routed } from './bring-in.ts';
import { type Gates, gated } from './gates.ts';
import { type GroupPlan, switchOver } from './group.ts';

/**
 * For what cannot run twice: the old side leaves the routes, drains and stops before anything of the new one is
 * created, and is kept until the new one has proved itself (DESIGN section 5). Nobody serves in between.
 */
export function recreate(stable: Side, candidate: Side, gates: Gates): GroupPlan {
  const names = routed(stable);
  const off: Step[] = [{ kind: 'routes' }, { kind: 'drain', side: 'stable', services: names }];
  return {
    before: [...(names.length > 0 ? off : []), { kind: 'stop', side: 'stable', services: callersFirst(stable) }],
    size: ({ replicas }) => replicas,
    after: gated(switchOver(candidate), gates),
  };
}
