import type { Millis } from '../observed.ts';
import type { SideName, Step } from '../plan.ts';
import type { Side, SideService } from '../record.ts';
import { callersFirst, longest, longRunning, routed } from './bring-in.ts';
import { type Gates, gated } from './gates.ts';

/** How a strategy replaces the color group; what all strategies have in common is put around it. */
export interface GroupPlan {
  /** Before anything of the candidate is created. */
  readonly before: readonly Step[];
  /** How many replicas of a service there are before any traffic moves. */
  readonly size: (service: SideService) => number;
  /** Once everything is ready: gates, and the traffic to the candidate. */
  readonly after: readonly Step[];
}

/** A first deploy and a way back by hand: no pauses, and their gates have no checks. */
export function atOnce(candidate: Side, gates: Gates): GroupPlan {
  return { before: [], size: ({ replicas }) => replicas, after: gated(switchOver(candidate), gates) };
}

/** The candidate's containers are still there from before: only weight has to move. */
export function held(candidate: Side, gates: Gates): GroupPlan {
  return {
    before: [],
    size: () => 0,
    after: [
      { kind: 'ready', side: 'candidate', services: longRunning(candidate) },
      ...gated([{ kind: 'weight', weight: 100 }], gates),
    ],
  };
}

/** More replicas of some services, ready. */
export function grow(
  services: readonly string[],
  replicas: (service: string) => number,
  side: SideName = 'candidate',
): Step[] {
  const creates = services.map((service): Step => ({ kind: 'create', side, service, replicas: replicas(service) }));
  return creates.length > 0 ? [...creates, { kind: 'ready', side, services }] : [];
}

/** All traffic to the candidate, which is watched then, while the old side drains. */
export function switchOver(candidate: Side): Step[] {
  const ms = longest(candidate, (service) => service.update.monitorMs);
  const monitor: Step[] = ms > 0 ? [{ kind: 'monitor', ms }] : [];
  return [{ kind: 'weight', weight: 100 }, ...monitor];
}

/** After the switch: hold for a time, then drain and remove, callers first. */
export function retire(name: SideName, side: Side, hold: Millis): Step[] {
  if (Object.keys(side.services).length === 0) return [];
  const steps: Step[] = [];
  if (hold > 0) steps.push({ kind: 'hold', ms: hold });
  if (routed(side).length > 0) steps.push({ kind: 'drain', side: name, services: routed(side) });
  return [...steps, { kind: 'remove', side: name, services: callersFirst(side) }];
}
