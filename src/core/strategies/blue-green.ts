import type { SideName, Step } from '../plan.ts';
import type { Promote } from '../project.ts';
import type { Side } from '../record.ts';
import { callersFirst, createInOrder, longest, longRunning, routed } from './create-ready.ts';

export interface BlueGreenSettings {
  readonly stable: Side | null;
  readonly candidate: Side;
  readonly shared: readonly string[];
  readonly promote: Promote;
  /** Candidate size before the switch, by service. */
  readonly preview: Readonly<Record<string, number>>;
  /** The candidate's containers are still there from before: only weight has to move. */
  readonly held: boolean;
}

/** A whole color beside the live one, one switch, then the old one drains and goes (DESIGN section 5). */
export function blueGreen(settings: BlueGreenSettings): Step[] {
  const { candidate, stable } = settings;
  const steps: Step[] = settings.held
    ? [{ kind: 'ready', side: 'candidate', services: longRunning(candidate) }]
    : bringIn(settings);
  steps.push({ kind: 'weight', weight: 100 });
  if (!settings.held) steps.push(...monitor(candidate));
  steps.push({ kind: 'complete' });
  return stable === null ? steps : [...steps, ...retire('stable', stable)];
}

function bringIn(settings: BlueGreenSettings): Step[] {
  const { candidate, preview, promote } = settings;
  const steps: Step[] = [{ kind: 'clear' }, { kind: 'prepare' }];
  if (settings.shared.length > 0) steps.push({ kind: 'shared', services: settings.shared });
  steps.push({ kind: 'wire' });
  const first = settings.stable === null;
  steps.push(...createInOrder('candidate', candidate, (s) => (first ? s.replicas : (preview[s.name] ?? s.replicas))));
  if (first) return steps;
  if (promote !== 'auto') steps.push({ kind: 'pause', ms: promote === 'manual' ? null : promote });
  const small = longRunning(candidate).filter(
    (name) => (preview[name] ?? Infinity) < (candidate.services[name]?.replicas ?? 0),
  );
  if (small.length > 0) {
    for (const service of small) {
      steps.push({ kind: 'create', side: 'candidate', service, replicas: candidate.services[service]?.replicas ?? 0 });
    }
    steps.push({ kind: 'ready', side: 'candidate', services: small });
  }
  return steps;
}

function monitor(candidate: Side): Step[] {
  const ms = longest(candidate, (service) => service.update.monitorMs);
  return ms > 0 ? [{ kind: 'monitor', ms }] : [];
}

/** After the switch: hold for `retire_after`, then drain and remove, callers first. */
export function retire(name: SideName, side: Side): Step[] {
  const steps: Step[] = [];
  const hold = longest(side, (service) => service.retireAfterMs);
  if (hold > 0) steps.push({ kind: 'hold', ms: hold });
  if (routed(side).length > 0) steps.push({ kind: 'drain', side: name, services: routed(side) });
  return [...steps, { kind: 'remove', side: name, services: callersFirst(side) }];
}
