import { describe, expect, it } from 'vitest';
import { releaseInPlace } from '../../src/core/labels.ts';
import { leftovers } from '../../src/core/leftovers.ts';
import { whoIsLive } from '../../src/core/live.ts';
import { deploy, inPlace, serving } from '../support/rollouts.ts';
import { release, service } from '../support/specs.ts';

describe('the release of a container in place', () => {
  it.each([
    ['/srv/shop/.deploy-bg/releases/r-1/compose.yaml', 'r-1'],
    ['/srv/shop/compose.yaml', null],
    ['/srv/shop/compose.yml,/srv/shop/compose.override.yml', null],
    ['/srv/shop/.deploy-bg/releases/r-1/compose.blue.yaml', null],
    [undefined, null],
  ])('of %s is %s', (path, wanted) => {
    expect(releaseInPlace(path)).toBe(wanted);
  });
});

describe('in place beside a color', () => {
  const of = (version: string) =>
    release(version, [service('web'), inPlace('api', { route: service('x', {}).route, replicas: 1 })]);
  const names = ['web', 'api'];

  it('says nothing about which color serves, and is no leftover of it', () => {
    const world = serving(of('v1'));
    const { record } = deploy(world, of('v2'), of('v1'));
    const live = whoIsLive(world.observed(), [record], names);
    expect(live).toEqual({ kind: 'color', color: 'green' });
    const [liveRelease, observed] = [of('v2'), world.observed()];
    const stored = { releases: [liveRelease], store: 'store', tags: [], faults: [] };
    const services = { replaced: names, shared: [], proxy: 'proxy', hostProxy: false };
    expect(leftovers({ observed, live, liveRelease, records: [record], ...stored }, services, 5)).toEqual([]);
  });
});
