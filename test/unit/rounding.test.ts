import { describe, expect, it } from 'vitest';
import { routedSize, unroutedPair } from '../../src/core/rounding.ts';

const pair = (replicas: number, weight: number, order: 'start-first' | 'stop-first') => {
  const { candidate, stable } = unroutedPair(replicas, weight, order);
  return `${String(candidate)}+${String(stable)}`;
};

describe('the size of a canary', () => {
  it.each([
    { id: 'C03', replicas: 3, weight: 10, order: 'stop-first', wanted: '1+2' },
    { id: 'C03', replicas: 3, weight: 10, order: 'start-first', wanted: '1+3' },
    { id: 'C05', replicas: 2, weight: 75, order: 'stop-first', wanted: '1+1' },
    { id: 'C05', replicas: 5, weight: 90, order: 'stop-first', wanted: '4+1' },
    { id: 'C05', replicas: 10, weight: 95, order: 'stop-first', wanted: '9+1' },
    { id: 'a single one, stop-first', replicas: 1, weight: 49, order: 'stop-first', wanted: '0+1' },
    { id: 'a single one, stop-first', replicas: 1, weight: 50, order: 'stop-first', wanted: '1+0' },
    { id: 'a single one, start-first', replicas: 1, weight: 10, order: 'start-first', wanted: '1+1' },
    { id: 'nothing', replicas: 4, weight: 0, order: 'start-first', wanted: '0+4' },
    { id: 'everything', replicas: 4, weight: 100, order: 'start-first', wanted: '4+0' },
    { id: 'a tie: fewer in all', replicas: 2, weight: 50, order: 'start-first', wanted: '1+1' },
    { id: 'a tie: more of the candidate', replicas: 3, weight: 50, order: 'stop-first', wanted: '2+1' },
  ] as const)(
    '$id without a route: $weight % of $replicas, $order, is $wanted',
    ({ replicas, weight, order, wanted }) => {
      expect(pair(replicas, weight, order)).toBe(wanted);
    },
  );

  it.each([
    [4, 25, 1],
    [4, 75, 3],
    [3, 10, 1],
    [4, 0, 0],
    [4, 100, 4],
  ])('with a route: %i replicas at %i %% need %i of the candidate', (replicas, weight, wanted) => {
    expect(routedSize(replicas, weight)).toBe(wanted);
  });
});
