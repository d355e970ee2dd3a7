import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { counts, SLOTS, spread } from '../../src/adapters/proxy/caddy/spread.ts';

function backends(weights: readonly number[]): { container: string; port: number; weight: number }[] {
  return weights.map((weight, index) => ({ container: `c${index}`, port: 3000, weight }));
}

const weights = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 12 });

describe('spreading a route over its slots', () => {
  test.each([
    [[1], [120]],
    [
      [1, 1],
      [60, 60],
    ],
    [
      [1, 1, 1],
      [40, 40, 40],
    ],
    [
      [975, 25],
      [117, 3],
    ],
    [
      [95, 95, 5, 5],
      [57, 57, 3, 3],
    ],
    [
      [1, 1, 1, 1, 1, 1, 1],
      [18, 17, 17, 17, 17, 17, 17],
    ],
  ])('%j shares as %j', (given, expected) => {
    expect(counts(given, SLOTS)).toEqual(expected);
  });

  test('no share is off by a whole slot, and all slots are taken', () => {
    fc.assert(
      fc.property(weights, (given) => {
        const total = given.reduce((a, b) => a + b);
        const shares = counts(given, SLOTS);
        expect(shares.reduce((a, b) => a + b)).toBe(SLOTS);
        shares.forEach((share, index) => {
          expect(Math.abs(share - ((given[index] ?? 0) * SLOTS) / total)).toBeLessThan(1);
        });
      }),
    );
  });

  test('slots hold exactly the shares, and a backend’s slots lie evenly apart', () => {
    fc.assert(
      fc.property(weights, (given) => {
        const shares = counts(given, SLOTS);
        const slots = spread(backends(given), SLOTS);
        shares.forEach((share, index) => {
          expect(slots.filter((slot) => slot === index).length).toBe(share);
        });
      }),
    );
    expect(spread(backends([1, 1]), 6)).toEqual([0, 1, 0, 1, 0, 1]);
    expect(spread(backends([2, 1]), 6)).toEqual([0, 1, 0, 0, 1, 0]);
    expect(spread(backends([5, 1]), 6).indexOf(1)).toBe(3);
  });
});
