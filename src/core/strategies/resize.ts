import type { SideName, Step } from '../plan.ts';
import type { UpdateConfig } from '../project.ts';

/** From how many replicas to how many. */
export interface Size {
  readonly from: number;
  readonly to: number;
}

/** One service whose replicas are replaced in their own place: one side grows, the other one shrinks. */
export interface Resize {
  readonly service: string;
  /** Requests reach it through the proxy: its routes follow. */
  readonly routed: boolean;
  readonly config: UpdateConfig;
  /** Replicas that serve in the end; start-first never has fewer, and never more than these and one batch. */
  readonly full: number;
  readonly grows: SideName;
  readonly grown: Size;
  readonly shrunk: Size;
}

/**
 * Batches of `parallelism` (0 is all) with `delay` between them. start-first: new replicas are ready before old ones
 * go, and the old ones are gone before the next batch; stop-first: the other way round (DESIGN section 5).
 */
export function resize(plan: Resize): Step[] {
  const sizes = batches(plan);
  const batch = plan.config.order === 'start-first' ? startFirst : stopFirst;
  let before: Sizes = { grown: plan.grown.from, shrunk: plan.shrunk.from };
  return sizes.flatMap((grown, index) => {
    const last = index === sizes.length - 1;
    const steps = batch(plan, before, grown, last);
    before = { grown, shrunk: Math.min(before.shrunk, least(plan, grown)) };
    return last || plan.config.delayMs === 0 ? steps : [...steps, { kind: 'delay', ms: plan.config.delayMs }];
  });
}

interface Sizes {
  readonly grown: number;
  readonly shrunk: number;
}

/** The size after each batch; one batch that only shrinks if there is nothing to bring in. */
function batches({ grown, config }: Resize): number[] {
  if (grown.from >= grown.to) return [grown.from];
  const size = config.parallelism === 0 ? grown.to - grown.from : config.parallelism;
  const count = Math.ceil((grown.to - grown.from) / size);
  return Array.from({ length: count }, (_, index) => Math.min(grown.to, grown.from + (index + 1) * size));
}

function startFirst(plan: Resize, before: Sizes, grown: number): Step[] {
  const room = Math.min(before.shrunk, least(plan, before.grown));
  const makeRoom = room < before.shrunk ? shrinkTo(plan, room) : [];
  if (grown <= before.grown) return makeRoom;
  const rest = Math.min(room, least(plan, grown));
  return [...makeRoom, ...growTo(plan, grown), ...(rest < room ? shrinkTo(plan, rest) : follow(plan, true))];
}

function stopFirst(plan: Resize, before: Sizes, grown: number, last: boolean): Step[] {
  const rest = Math.min(before.shrunk, least(plan, grown));
  const grows = grown > before.grown;
  return [
    ...(rest < before.shrunk ? shrinkTo(plan, rest) : []),
    ...(grows ? growTo(plan, grown) : []),
    // Between two batches without a delay the next one sets the routes at once.
    ...follow(plan, grows && (last || plan.config.delayMs > 0)),
  ];
}

/** How many of the shrinking side stay beside so many of the growing one. */
function least({ shrunk, full }: Resize, grown: number): number {
  return Math.max(shrunk.to, full - grown);
}

function growTo({ grows, service }: Resize, replicas: number): Step[] {
  return [
    { kind: 'create', side: grows, service, replicas },
    { kind: 'ready', side: grows, services: [service] },
  ];
}

function shrinkTo({ grows, service, routed, config }: Resize, replicas: number): Step[] {
  const side = grows === 'candidate' ? 'stable' : 'candidate';
  const sparing = config.order === 'start-first';
  return leave({ side, service, replicas, routed, sparing, first: 'lowest' });
}

function follow({ routed }: Resize, wanted: boolean): Step[] {
  return routed && wanted ? [{ kind: 'routes' }] : [];
}

/** Replicas leave the router, drain and go. */
export function leave(what: Omit<Extract<Step, { kind: 'shrink' }>, 'kind'> & { readonly routed: boolean }): Step[] {
  const { routed, ...shrink } = what;
  const out: Step[] = [{ kind: 'routes' }, { kind: 'drain', side: what.side, services: [what.service] }];
  return [...(routed ? out : []), { kind: 'shrink', ...shrink }];
}

/** True if the rollout goes on although some replicas failed: then slots may be left as they were. */
export function tolerates(config: UpdateConfig): boolean {
  return config.maxFailureRatio > 0 || config.failureAction === 'continue';
}
