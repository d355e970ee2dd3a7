/** How many replicas of each side serve. */
export interface Pair {
  readonly candidate: number;
  readonly stable: number;
}

/** With a route the proxy weighs: the candidate only needs enough replicas for its share (DESIGN section 5). */
export function routedSize(replicas: number, weight: number): number {
  return Math.ceil((replicas * weight) / 100);
}

/**
 * Without a route the share is the number of replicas: the pair (c of T) next to the weight, T being the replicas, or
 * one more where one more may run (start-first); never none of a side unless the weight says so. Ties: fewer in all,
 * then more of the candidate. A single replica that has to stop first is either old or new.
 */
export function unroutedPair(replicas: number, weight: number, order: 'start-first' | 'stop-first'): Pair {
  if (weight <= 0) return { candidate: 0, stable: replicas };
  if (weight >= 100) return { candidate: replicas, stable: 0 };
  const totals = order === 'start-first' ? [replicas, replicas + 1] : [replicas];
  const best = totals.flatMap(pairs).toSorted((a, b) => distance(a, weight) - distance(b, weight) || tie(a, b))[0];
  return best ?? { candidate: weight < 50 ? 0 : replicas, stable: weight < 50 ? replicas : 0 };
}

function pairs(total: number): Pair[] {
  return Array.from({ length: Math.max(0, total - 1) }, (_, index) => ({
    candidate: index + 1,
    stable: total - index - 1,
  }));
}

/** |c/T − w/100|, rounded so that equal distances are equal whatever floating point makes of them. */
function distance({ candidate, stable }: Pair, weight: number): number {
  return Math.round(Math.abs(candidate / (candidate + stable) - weight / 100) * 1e9);
}

function tie(a: Pair, b: Pair): number {
  return a.candidate + a.stable - (b.candidate + b.stable) || b.candidate - a.candidate;
}
