import { expect, it } from 'vitest';
import { Measuring, type Seen } from '../../src/app/measuring.ts';
import type { Session } from '../../src/app/session.ts';
import { NO_MEASUREMENTS } from '../../src/core/assess.ts';
import type { CheckRun } from '../../src/core/record.ts';
import { check } from '../support/checks.ts';
import { policyOf } from '../../src/core/checks.ts';

/** One check of a release that cannot be read: its measurement is an error, and soon over. */
function oneCheck() {
  let begun = 0;
  const release = (): Promise<null> => {
    begun += 1;
    return Promise.resolve(null);
  };
  const session = { secrets: [], ports: { clock: { now: () => 0 }, store: { release } } } as unknown as Session;
  const use = { service: 'web', policy: policyOf(check()), project: false };
  const run = { use, step: 3, startedAt: 0, tally: NO_MEASUREMENTS } as unknown as CheckRun;
  const seen = { record: { id: 'r', runs: [run], candidate: { release: 'v2' } }, observed: {} } as unknown as Seen;
  return { session, seen, begun: () => begun };
}

it('A04 a measurement that ended while the next decision was made is not begun again', async () => {
  const { session, seen, begun } = oneCheck();
  const measuring = await new Promise<Measuring>((ended) => {
    const begins = new Measuring(session, () => {
      ended(begins);
    });
    begins.follow(['3 web smoke'], seen);
  });
  measuring.follow(['3 web smoke'], seen);
  expect(measuring.take()).toHaveLength(1);
  await measuring.close();
  expect(begun()).toBe(1);
  expect(measuring.take()).toEqual([]);
});
