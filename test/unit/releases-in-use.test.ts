import { expect, it } from 'vitest';
import type { RolloutRecord } from '../../src/core/record.ts';
import { releasesInUse } from '../../src/core/releases-stack.ts';
import { deploy, serving } from '../support/rollouts.ts';
import { release, service } from '../support/specs.ts';

const [v1, v2, v3] = ['v1', 'v2', 'v3'].map((version) => release(version, [service('web')]));

/** Three deploys, one after the other. */
function records(): readonly RolloutRecord[] {
  if (!v1 || !v2 || !v3) return [];
  return [deploy(serving(v1), v2, v1).record, deploy(serving(v2), v3, v2).record];
}

it.each([
  [0, []],
  [1, ['r-v3']],
  [2, ['r-v2', 'r-v3']],
  [5, ['r-v2', 'r-v3']],
])('history %i keeps %j for rollback', (history, expected) => {
  expect(releasesInUse(records(), history).filter((id) => id !== null)).toEqual(expected);
});

it('what a rollback came from is kept until the next deploy', () => {
  if (!v1 || !v2 || !v3) return;
  const back = { ...deploy(serving(v3), v2, v3).record, verb: 'rollback' } as const;
  const left = [...records(), back];
  expect(releasesInUse(left, 1)).toEqual(['r-v2', 'r-v3']);
  expect(releasesInUse([...left, deploy(serving(v2), v1, v2).record], 1)).toEqual(['r-v1']);
});
