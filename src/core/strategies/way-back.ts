import type { Observed } from '../observed.ts';
import type { HookStep, Step } from '../plan.ts';
import type { RolloutRecord, Side, SideService } from '../record.ts';
import { isTogether, replicasOn } from '../sides.ts';
import { callersFirst, longRunning, only, replicasOf, routed } from './bring-in.ts';
import { insertBefore } from './gates.ts';
import { leave, resize, tolerates } from './resize.ts';

/**
 * The way back with its hooks: those of the failure run when the traffic has left the candidate and before it goes,
 * those of a way back around it, unless there is nothing to take back.
 */
export function wayBack(record: RolloutRecord, observed: Observed, failed: readonly HookStep[]): Step[] {
  const back = stepsBack(record, observed);
  const steps = insertBefore(back, takesAway, failed);
  const { pre_rollback: before, post_rollback: after } = record.hooks;
  const stays = record.replaced && back.length === 0;
  return hasBegun(record) && !stays ? [...before, ...steps, ...after] : steps;
}

function takesAway(step: Step): boolean {
  return (step.kind === 'drain' || step.kind === 'shrink' || step.kind === 'remove') && step.side === 'candidate';
}

/** What comes before the release itself: it changes nothing that would have to be taken back. */
const PRELUDE: ReadonlySet<Step['kind']> = new Set(['clear', 'prepare', 'shared', 'wire']);

/** False until everything has run that comes before the first container, `pre_deploy` included. */
function hasBegun({ steps, cursor }: RolloutRecord): boolean {
  const first = steps.findIndex(
    (step) => !PRELUDE.has(step.kind) && !(step.kind === 'hook' && step.moment === 'pre_deploy'),
  );
  return cursor >= first;
}

/**
 * In reverse order: the color group first, then the services in place that the rollout touched. Never a pause, never a
 * check. A superseded rollout leaves in place what it put there: its successor replaces it.
 */
function stepsBack(record: RolloutRecord, observed: Observed): Step[] {
  const group = groupBack(record);
  if (record.replaced) return group;
  const touched = touchedServices(record);
  const names = [...new Set([...callersFirst(record.candidate), ...callersFirst(record.stable ?? record.candidate)])];
  const inPlace = names.filter((name) => touched.has(name) && isTogether(record, name));
  const steps = inPlace.flatMap((name) => serviceBack(record, observed, name));
  return [...group, ...steps, ...windows(record, steps)];
}

/** Whatever was made anew has to hold, as it had to on the way forward. */
function windows({ stable }: RolloutRecord, steps: readonly Step[]): Step[] {
  const created = new Set(steps.flatMap((step) => (step.kind === 'create' ? [step.service] : [])));
  const services = [...created].filter((name) => (stable?.services[name]?.rollback.monitorMs ?? 0) > 0);
  return services.length > 0 ? [{ kind: 'windows', side: 'stable', services }] : [];
}

/** Services that the way forward would have created, changed in number or removed. */
function touchedServices({ steps }: RolloutRecord): ReadonlySet<string> {
  return new Set(steps.flatMap((step) => (step.kind === 'create' || step.kind === 'shrink' ? [step.service] : [])));
}

function groupBack(record: RolloutRecord): Step[] {
  const apart = (service: SideService): boolean => !isTogether(record, service.name);
  const candidate = only(record.candidate, apart);
  const stable = record.stable === null ? null : only(record.stable, apart);
  if (Object.keys(candidate.services).length === 0) return [];
  if (stable !== null && isStopped(record)) return aroundTheGap(record, stable, candidate);
  const toStable: Step[] = record.weight === null ? [] : [{ kind: 'weight', weight: 0 }];
  const gradual = stable === null ? [] : inMeasure(record, stable);
  return [
    ...(gradual.length > 0 ? gradual : toStable),
    ...(stable === null ? [] : [...restore(stable), ...toStable]),
    ...away(candidate, record.weight !== null),
  ];
}

/** A stable side that was shrunk gets its traffic back in the measure in which it grows again (ORACLE C18). */
function inMeasure(record: RolloutRecord, stable: Side): Step[] {
  const weight = record.weight ?? 0;
  const shrunk = record.steps.slice(0, record.cursor + 1).filter((step) => step.kind === 'shrink');
  const names = longRunning(stable).filter((name) =>
    shrunk.some(({ side, service }) => side === 'stable' && service === name),
  );
  const most = Math.max(0, ...names.map((name) => replicasOf(stable, name)));
  const stages = Array.from({ length: most }, (_, index) => ({
    least: index + 1,
    share: 100 - (100 * (index + 1)) / most,
  }));
  const lower = stages.filter(({ share }) => share > 0 && share < weight);
  if (lower.length === 0) return [];
  return [
    ...names.map((service): Step => ({
      kind: 'create',
      side: 'stable',
      service,
      replicas: replicasOf(stable, service),
    })),
    ...lower.flatMap(({ least, share }): Step[] => [
      { kind: 'ready', side: 'stable', services: names, least },
      { kind: 'weight', weight: Math.floor(share) },
    ]),
  ];
}

/** The old side was stopped because both cannot run: the candidate goes before it is started again. */
function aroundTheGap(record: RolloutRecord, stable: Side, candidate: Side): Step[] {
  const served = record.weight !== null && routed(candidate).length > 0;
  const off: Step[] = served ? [{ kind: 'routes' }] : [];
  return [...off, ...away(candidate, served), ...restore(stable), { kind: 'weight', weight: 0 }];
}

function isStopped({ steps, cursor }: RolloutRecord): boolean {
  return steps.slice(0, cursor + 1).some((step) => step.kind === 'stop');
}

function away(candidate: Side, served: boolean): Step[] {
  const drain: Step[] = served && routed(candidate).length > 0 ? [drained(routed(candidate))] : [];
  return [...drain, { kind: 'remove', side: 'candidate', services: callersFirst(candidate) }];
}

function drained(services: readonly string[]): Step {
  return { kind: 'drain', side: 'candidate', services };
}

function restore(stable: Side): Step[] {
  const services = longRunning(stable);
  if (services.length === 0) return [];
  return [
    ...services.map((service): Step => ({
      kind: 'create',
      side: 'stable',
      service,
      replicas: replicasOf(stable, service),
    })),
    { kind: 'ready', side: 'stable', services },
  ];
}

/** Slot by slot by `rollback_config`, until only the old side is there. */
function serviceBack(record: RolloutRecord, observed: Observed, name: string): Step[] {
  const spec = record.stable?.services[name] ?? record.candidate.services[name];
  if (spec === undefined) return [];
  const { rollback } = spec;
  const there = replicasOn(record, observed, 'stable', name).filter((c) => c.state === 'running').length;
  const candidates = replicasOn(record, observed, 'candidate', name).length;
  const wanted = record.stable === null ? 0 : replicasOf(record.stable, name);
  const routed = spec.route !== null && record.weight !== null;
  const steps = resize({
    service: name,
    routed,
    config: rollback,
    full: wanted,
    grows: 'stable',
    grown: { from: Math.min(there, wanted), to: wanted },
    shrunk: { from: candidates, to: 0 },
  });
  const rest: Step[] =
    candidates > 0 && tolerates(rollback) && rollback.order === 'start-first'
      ? leave({ side: 'candidate', service: name, replicas: 0, routed, sparing: false, first: 'lowest' })
      : [];
  return [...steps, ...rest];
}
