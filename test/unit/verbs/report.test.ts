import { afterEach, expect, it } from 'vitest';
import { Host } from '../../support/host.ts';
import { script } from '../../support/simulator.ts';
import { service } from '../../support/specs.ts';

let host: Host;
afterEach(() => host.dispose());

it('a failure is told before the way back begins: it is one of the step that was under way', async () => {
  host = await Host.create(() => [service('web')], { scripts: { v2: { '*': script('x15') } } });
  await host.deploy('v1');
  const deploying = host.deploying('anna', 'v2');
  await deploying.ended;
  const told = deploying.events.flatMap((event) => {
    if (event.kind === 'failure') return 'failure';
    return event.kind === 'step-started' ? event.text : [];
  });
  expect(told.slice(told.indexOf('failure') - 1, told.indexOf('failure') + 2)).toEqual([
    'ready: web (candidate)',
    'failure',
    'weight 0',
  ]);
});
