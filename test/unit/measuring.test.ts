import { expect, it } from 'vitest';
import { NO_MEASUREMENTS } from '../../src/core/assess.ts';
import { policyOf } from '../../src/core/checks.ts';
import { releaseSide } from '../../src/core/live.ts';
import type { Observed } from '../../src/core/observed.ts';
import { type CheckRun, type RolloutRecord, runKey } from '../../src/core/record.ts';
import { Measuring, type Seen } from '../../src/app/measuring.ts';
import type { Session } from '../../src/app/session.ts';
import { check } from '../support/checks.ts';
import { release, service } from '../support/specs.ts';

const smoke = check();
const v2 = release('v2', [service('web', { checks: { specs: { smoke }, watch: [], before: ['smoke'], after: [] } })]);
const run: CheckRun = {
  use: { service: 'web', policy: policyOf(smoke) },
  step: 0,
  startedAt: 0,
  tally: NO_MEASUREMENTS,
};
const seen = {
  record: { id: 'r1', runs: [run], candidate: releaseSide(v2, 'green'), stable: null } as unknown as RolloutRecord,
  observed: { containers: [] } as unknown as Observed,
} satisfies Seen;

/** A session in which every check passes at once. */
function passing(): { readonly session: Session; readonly measured: () => number } {
  let measured = 0;
  const measure = () => {
    measured += 1;
    return Promise.resolve({ kind: 'value', value: true, detail: null });
  };
  const store = { release: () => Promise.resolve(v2), releaseFolder: () => '/store/r1' };
  const session = { ports: { clock: { now: () => 0 }, store }, checker: { measure }, secrets: [] };
  return { session: session as unknown as Session, measured: () => measured };
}

it('what has been measured is not measured again before its result was taken', async () => {
  const { session, measured } = passing();
  let ended: () => void = () => undefined;
  const end = new Promise<void>((resolve) => (ended = resolve));
  const measuring = new Measuring(session, () => {
    ended();
  });
  measuring.follow([runKey(run)], seen);
  await end;
  measuring.follow([runKey(run)], seen);
  await measuring.close();
  expect(measured()).toBe(1);
  expect(measuring.take()).toHaveLength(1);

  measuring.follow([runKey(run)], seen);
  await measuring.close();
  expect(measured()).toBe(2);
});
