import { afterEach, beforeEach, expect, it } from 'vitest';
import { Host } from '../../support/host.ts';
import { release, service, side } from '../../support/specs.ts';

let host: Host;
beforeEach(async () => {
  host = await Host.create(() => [service('web')], {});
  host.proxy = { ...host.proxy, driver: 'caddy', service: 'proxy' };
  await host.deploy('v1');
});
afterEach(() => host.dispose());

const ON_HOST = { driver: 'nginx', service: null } as const;

it('another proxy than the one that still sends requests to what serves is refused, and nothing is touched', async () => {
  host.world.seedByHand(side(release('v1', [service('proxy')]), null), 'proxy', 1);
  const before = host.world.containers.map(({ id }) => id);
  host.proxy = { ...host.proxy, ...ON_HOST };
  expect(await host.deploy('v2')).toMatchObject({
    exit: 5,
    error: { code: 'not-possible', message: expect.stringContaining('proxy still sends requests to v1') as string },
  });
  expect(host.world.containers.map(({ id }) => id)).toEqual(before);
});

it('another proxy is taken once the one before it is gone', async () => {
  host.proxy = { ...host.proxy, ...ON_HOST };
  expect(await host.deploy('v2')).toMatchObject({ exit: 0 });
});
