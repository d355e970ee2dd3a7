import type { Step } from '../plan.ts';
import type { SideService } from '../record.ts';
import { leave, resize, tolerates } from './resize.ts';

/** A service that is replaced in its own place, and how many replicas of each side are there now. */
export interface InPlace {
  readonly service: SideService;
  readonly stable: number;
  readonly candidate: number;
  /** How many of these are unhealthy. */
  readonly unhealthy: number;
}

/** Slot by slot, in batches (DESIGN section 5). What of the old side stays because its slot failed goes at the end. */
export function rolling({ service, stable, candidate }: InPlace): Step[] {
  const batches = resize({
    service: service.name,
    routed: service.route !== null,
    config: service.update,
    full: service.replicas,
    grows: 'candidate',
    grown: { from: Math.min(candidate, service.replicas), to: service.replicas },
    shrunk: { from: stable, to: 0 },
  });
  // Left by a rollout to the same release that was superseded: they have to prove themselves again.
  return candidate > 0 ? [{ kind: 'ready', side: 'candidate', services: [service.name] }, ...batches] : batches;
}

/** After completion: old replicas that had to stay in the place of failed ones. */
export function sweep({ service }: InPlace): Step[] {
  if (!tolerates(service.update) || service.update.order === 'stop-first') return [];
  return leave({
    side: 'stable',
    service: service.name,
    replicas: 0,
    routed: service.route !== null,
    sparing: false,
    first: 'lowest',
  });
}
