import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { counts, SLOTS, spread, spreadForward } from '../../src/adapters/proxy/caddy/spread.ts';

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

describe('spreading a route whose clients stay', () => {
  const [stable, candidate] = [
    backends([1, 1]),
    backends([1, 1, 1]).map((b) => ({ ...b, container: `new-${b.container}` })),
  ];

  test('no slot goes back while the share grows, whatever the key', () => {
    const sorted = fc.array(fc.double({ min: 0.01, max: 0.99, noNaN: true }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(sorted, fc.stringMatching(/^[a-z0-9]{1,20}$/), (shares, key) => {
        let before = new Set<number>();
        for (const share of shares.toSorted((a, b) => a - b)) {
          const slots = spreadForward({ stable, candidate, share }, SLOTS, key);
          const now = new Set(slots.flatMap(({ container }, slot) => (container.startsWith('new') ? [slot] : [])));
          expect(now.size).toBe(Math.round(share * SLOTS));
          expect([...before].filter((slot) => !now.has(slot))).toEqual([]);
          before = now;
        }
      }),
    );
  });

  test('the replicas of a side share it evenly, and other rollouts begin elsewhere', () => {
    const slots = spreadForward({ stable, candidate, share: 0.1 }, SLOTS, 'a');
    const names = slots.map(({ container }) => container);
    expect(names.filter((name) => name === 'c0')).toHaveLength(54);
    expect(names.filter((name) => name === 'new-c2')).toHaveLength(4);
    expect(spreadForward({ stable, candidate, share: 0.1 }, SLOTS, 'b')).not.toEqual(slots);
  });
});
