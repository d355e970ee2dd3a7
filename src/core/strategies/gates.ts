import type { HookMoment } from '../hooks.ts';
import type { HookStep, Step } from '../plan.ts';
import type { Side } from '../record.ts';

/** What stands around the moves of a rollout, as steps. Each list may be empty; a first deploy has no checks. */
export interface Gates {
  /** Checks before the candidate gets its first requests. */
  readonly before: readonly Step[];
  /** Checks beside the steps from then on. */
  readonly watch: readonly Step[];
  /** Checks once it gets all of them. */
  readonly after: readonly Step[];
  readonly hooks: (moment: HookMoment) => readonly HookStep[];
}

/** Steps that move traffic, with hooks and checks around the first of them and the last. Copies come after checks, too. */
export function gated(steps: readonly Step[], gates: Gates): Step[] {
  const reached = steps.findIndex((step) => isTraffic(step) || copies(step));
  const first = steps.findIndex(isTraffic);
  const last = steps.findLastIndex(isTraffic) + 1;
  return [
    ...steps.slice(0, reached),
    ...gates.before,
    ...gates.hooks('pre_switch'),
    ...steps.slice(reached, first + 1),
    ...gates.watch,
    ...steps.slice(first + 1, last),
    ...gates.hooks('post_switch'),
    ...gates.after,
    ...steps.slice(last),
  ];
}

/** True if a ready candidate is looked at before anybody depends on it. */
export function asksBefore({ before, hooks }: Gates): boolean {
  return before.length > 0 || hooks('pre_switch').length > 0;
}

/** Opens the ways in that the candidate's routes have for whoever looks at it first. */
export function previewOf({ services }: Side): Step[] {
  const ways = Object.values(services).flatMap(({ name, route }) =>
    route?.preview === undefined ? [] : [[name, route.preview] as const],
  );
  return ways.length === 0 ? [] : [{ kind: 'preview', matches: Object.fromEntries(ways) }];
}

/** The candidate gets requests by it. */
function isTraffic(step: Step): boolean {
  return (step.kind === 'weight' && step.weight > 0) || (step.kind === 'match' && step.match !== null);
}

/** The candidate gets copies by it, whose answers nobody sees. */
function copies(step: Step): boolean {
  return step.kind === 'mirror' && step.percent > 0;
}

/** The watch of a service in place begins with its first ready replica, its checks come when all are replaced. */
export function gatedInPlace(steps: readonly Step[], { watch, after }: Pick<Gates, 'watch' | 'after'>): Step[] {
  if (steps.length === 0) return [];
  const first = steps.findIndex((step) => step.kind === 'ready' && step.side === 'candidate') + 1;
  return [...steps.slice(0, first), ...watch, ...steps.slice(first), ...after];
}

/** Puts steps before the first one of a kind, and before the change of routes that it begins with; else at the end. */
export function insertBefore(
  steps: readonly Step[],
  isOne: (step: Step) => boolean,
  inserted: readonly Step[],
): Step[] {
  const found = steps.findIndex(isOne);
  const index = found < 0 ? steps.length : found;
  const at = steps[index - 1]?.kind === 'routes' ? index - 1 : index;
  return [...steps.slice(0, at), ...inserted, ...steps.slice(at)];
}
