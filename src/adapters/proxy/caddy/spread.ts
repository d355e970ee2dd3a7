import type { Backend } from '../../../core/observed.ts';
import type { Sides } from '../sides.ts';

/**
 * Upstream slots of a route. A change of this number is a change of the configuration, which reloads, so it is the
 * same always: 120 is a multiple of 40, has steps of 2.5 %, and one to six equal replicas share it without a rest.
 */
export const SLOTS = 120;

/** Slots of the requests that match: those go to replicas of one release, which one to six of them share evenly. */
export const MATCHED_SLOTS = 60;

/** How many of the slots each backend gets: its share by weight, the rest to the largest remainders. */
export function counts(weights: readonly number[], slots: number): readonly number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const exact = weights.map((weight) => (weight * slots) / total);
  const floors = exact.map(Math.floor);
  const rest = slots - floors.reduce((sum, floor) => sum + floor, 0);
  const byRemainder = exact.map((_, index) => index).toSorted((a, b) => remainder(exact, b) - remainder(exact, a));
  const lucky = new Set(byRemainder.slice(0, rest));
  return floors.map((floor, index) => floor + (lucky.has(index) ? 1 : 0));
}

function remainder(exact: readonly number[], index: number): number {
  const value = exact[index] ?? 0;
  return value - Math.floor(value);
}

/**
 * The index of the backend in each slot, evenly interleaved: the proxy goes through the slots in turn, so that any
 * few requests in a row are spread like all of them.
 */
export function spread(backends: readonly Backend[], slots: number): readonly number[] {
  const shares = counts(
    backends.map(({ weight }) => weight),
    slots,
  );
  const credit = shares.map(() => 0);
  return Array.from({ length: slots }, () => {
    shares.forEach((share, index) => (credit[index] = (credit[index] ?? 0) + share));
    const next = credit.indexOf(Math.max(...credit));
    credit[next] = (credit[next] ?? 0) - slots;
    return next;
  });
}

/**
 * The backend in each slot, where a slot must not go back from the candidate to the stable side while the share of the
 * candidate grows: it takes the slots in an order of its own, the same for all shares. `key` says where that begins.
 */
export function spreadForward({ stable, candidate, share }: Sides, slots: number, key: string): readonly Backend[] {
  const taken = new Set(orderOf(slots, key).slice(0, Math.round(share * slots)));
  const next = [taken.size, slots - taken.size].map((count, side) => inTurn(side === 0 ? candidate : stable, count));
  return Array.from({ length: slots }, (_, slot) => {
    const backend = next[taken.has(slot) ? 0 : 1]?.shift();
    if (backend === undefined) throw new Error('a slot without a backend');
    return backend;
  });
}

function inTurn(backends: readonly Backend[], slots: number): Backend[] {
  return spread(backends, slots).flatMap((index) => backends[index] ?? []);
}

/** Slots in an order whose every beginning lies evenly among all: by their numbers with the bits reversed. */
function orderOf(slots: number, key: string): readonly number[] {
  const offset = Buffer.from(key).reduce((sum, byte) => (sum * 31 + byte) % slots, 0);
  const rank = (slot: number): number => reversed((slot + offset) % slots, Math.ceil(Math.log2(slots)));
  return Array.from({ length: slots }, (_, slot) => slot).toSorted((a, b) => rank(a) - rank(b));
}

function reversed(number: number, bits: number): number {
  return Array.from({ length: bits }, (_, bit) => (number >> bit) & 1).reduce((sum, bit) => sum * 2 + bit, 0);
}
