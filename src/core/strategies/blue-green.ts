import type { Step } from '../plan.ts';
import type { Promote } from '../project.ts';
import type { Side } from '../record.ts';
import { longRunning, replicasOf } from './bring-in.ts';
import { asksBefore, type Gates, gated, previewOf } from './gates.ts';
import { grow, type GroupPlan, switchOver } from './group.ts';

export interface BlueGreenSettings {
  readonly candidate: Side;
  readonly promote: Promote;
  /** Candidate size before the switch, by service. */
  readonly preview: Readonly<Record<string, number>>;
  readonly gates: Gates;
}

/** A whole color beside the live one, gates, one switch (DESIGN section 5). */
export function blueGreen({ candidate, promote, preview, gates }: BlueGreenSettings): GroupPlan {
  const size = (name: string): number => Math.min(preview[name] ?? Infinity, replicasOf(candidate, name));
  const gate: Step[] = promote === 'auto' ? [] : [{ kind: 'pause', ms: promote === 'manual' ? null : promote }];
  const small = longRunning(candidate).filter((name) => size(name) < replicasOf(candidate, name));
  return {
    before: [],
    size: ({ name }) => size(name),
    after: [
      ...(gate.length > 0 || asksBefore(gates) ? previewOf(candidate) : []),
      ...gates.before,
      ...gate,
      ...grow(small, (name) => replicasOf(candidate, name)),
      ...gated(switchOver(candidate), { ...gates, before: [] }),
    ],
  };
}
