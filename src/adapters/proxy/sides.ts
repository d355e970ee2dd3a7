import type { Backend, RouteState } from '../../core/observed.ts';

/** The backends of a route by the release that they are of. */
export interface Sides {
  readonly stable: readonly Backend[];
  readonly candidate: readonly Backend[];
  /** The candidate's part of all requests, 0 to 1. */
  readonly share: number;
}

/** Both sides of a route whose clients stay on one; null if they do not, or while one side serves alone. */
export function stickySides({ backends, sticky }: Pick<RouteState, 'backends' | 'sticky'>): Sides | null {
  if (sticky === undefined) return null;
  const names = new Set(sticky.candidates);
  const [stable, candidate] = [false, true].map((side) => backends.filter((b) => names.has(b.container) === side));
  if (stable === undefined || candidate === undefined || stable.length === 0 || candidate.length === 0) return null;
  return { stable, candidate, share: weightOf(candidate) / weightOf(backends) };
}

function weightOf(backends: readonly Backend[]): number {
  return backends.reduce((sum, { weight }) => sum + weight, 0);
}
