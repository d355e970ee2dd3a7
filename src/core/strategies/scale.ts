import type { Step } from '../plan.ts';
import type { InPlace } from './rolling.ts';

/**
 * Only the number of replicas changes, or some of them are gone: no pause, no check. More are created and ready before
 * the routes have them. Fewer leave the router first; they drain and go after completion, highest slot first.
 */
export function scale({ service, stable, candidate, unhealthy }: InPlace): {
  readonly before: Step[];
  readonly after: Step[];
} {
  const { name, replicas } = service;
  const good = stable - unhealthy;
  const missing = replicas - good - candidate;
  if (missing > 0) {
    const worn = unhealthy > 0 ? [shrunk('stable', name, good)] : [];
    return { before: added(name, candidate + missing), after: worn };
  }
  const lacking = replicas - stable - candidate;
  const ofStable = Math.max(0, stable + lacking);
  const ofCandidate = Math.min(candidate, replicas);
  return {
    before: [],
    after: [
      ...(service.route === null || lacking === 0 ? [] : drained(name, candidate > ofCandidate)),
      ...(stable > ofStable ? [shrunk('stable', name, ofStable)] : []),
      ...(candidate > ofCandidate ? [shrunk('candidate', name, ofCandidate)] : []),
    ],
  };
}

function added(service: string, replicas: number): Step[] {
  return [
    { kind: 'create', side: 'candidate', service, replicas },
    { kind: 'ready', side: 'candidate', services: [service] },
  ];
}

function drained(service: string, both: boolean): Step[] {
  const stable: Step = { kind: 'drain', side: 'stable', services: [service] };
  return both ? [stable, { kind: 'drain', side: 'candidate', services: [service] }] : [stable];
}

function shrunk(side: 'stable' | 'candidate', service: string, replicas: number): Step {
  return { kind: 'shrink', side, service, replicas, first: 'highest', sparing: false };
}
