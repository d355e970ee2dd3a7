import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { update, type UpdateOptions } from '../../../src/app/update.ts';
import { type Ended, Host } from '../../support/host.ts';
import { service } from '../../support/specs.ts';

let host: Host;
beforeEach(async () => {
  host = await Host.create(() => [service('web')], {});
});
afterEach(() => host.dispose());

const MOVED = 'sha256:another image';

/** What the registry has for a version. */
function pushed(version: string, digest = `digest of sha256:app:${version}`): void {
  host.registry.set(`app:${version}`, digest);
}

function updating(options: Partial<UpdateOptions> = {}): Promise<Ended> {
  const all = { version: null, now: false, dryRun: false, waitMs: null, timeoutMs: null, ...options };
  return host.run('cron', (ports, signal) => update(ports, all, signal)).ended;
}

const rollouts = async (): Promise<readonly string[]> =>
  (await host.store().rollouts()).map(({ candidate }) => candidate.version ?? '');

describe('update of a tag', () => {
  it('does nothing while the registry has the image that serves', async () => {
    await host.deploy('latest');
    pushed('latest');
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'nothing-to-do', version: 'latest' } });
    expect(await rollouts()).toEqual(['latest']);
  });

  it('deploys the version that serves again once its tag is another image', async () => {
    await host.deploy('latest');
    pushed('latest', MOVED);
    host.images.set('app:latest', 'sha256:new');
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'completed', version: 'latest' } });
    expect(await rollouts()).toEqual(['latest', 'latest']);
  });

  it('takes the version that the compose files name, also for the first deploy', async () => {
    host.update = { ...host.update, version: 'stable' };
    expect(await updating()).toMatchObject({ exit: 0, outcome: { version: 'stable' } });
    expect(await updating({ version: 'v7' })).toMatchObject({ exit: 0, outcome: { version: 'v7' } });
  });

  it('says what is missing where nothing is deployed and no version is named', async () => {
    expect(await updating()).toMatchObject({ exit: 5, error: { code: 'not-possible' } });
  });

  it('changes nothing while the registry is down', async () => {
    await host.deploy('latest');
    expect(await updating()).toMatchObject({ exit: 7, error: { code: 'registry-unreachable' } });
    expect(await rollouts()).toEqual(['latest']);
  });

  it('asks nobody for images that are only built', async () => {
    host = await Host.create(() => [service('web', { pullPolicy: 'build' })], {});
    await host.deploy('v1');
    expect(await updating()).toMatchObject({ exit: 5, error: { code: 'not-possible' } });
  });

  it('only says what it would do, if that is wanted', async () => {
    await host.deploy('latest');
    pushed('latest', MOVED);
    host.images.set('app:latest', 'sha256:new');
    expect(await updating({ dryRun: true })).toMatchObject({ exit: 0, outcome: { state: 'planned' } });
    expect(await rollouts()).toEqual(['latest']);
  });
});

describe('update in a range', () => {
  beforeEach(() => {
    host.update = { ...host.update, image: 'web', range: '^1.2' };
  });

  it('deploys the newest version, and the same one no second time', async () => {
    await host.deploy('1.2.0');
    host.registryTags = ['1.2.0', '1.3.0', '2.0.0', 'latest'];
    pushed('1.3.0');
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'completed', version: '1.3.0' } });
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'nothing-to-do' } });
    expect(await rollouts()).toEqual(['1.2.0', '1.3.0']);
  });

  it('never goes back to an older one than a person has deployed', async () => {
    await host.deploy('1.9.0');
    host.registryTags = ['1.2.0'];
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'nothing-to-do', version: '1.9.0' } });
  });

  it('says so where no tag is in it', async () => {
    await host.deploy('1.2.0');
    host.registryTags = ['latest', '3.0.0'];
    expect(await updating()).toMatchObject({ exit: 1, error: { code: 'image-missing' } });
  });
});

describe('update in a window', () => {
  it('does nothing outside of it, unless a person says now', async () => {
    await host.deploy('1.0.0');
    const now = new Date(host.clock.now());
    const minute = now.getHours() * 60 + now.getMinutes();
    // Two hours long, and six hours from now.
    const from = (minute + 360) % 1440;
    host.update = { ...host.update, version: '2.0.0', window: { from, to: (from + 120) % 1440 } };
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'nothing-to-do', version: '1.0.0' } });
    expect(await updating({ now: true })).toMatchObject({ exit: 0, outcome: { version: '2.0.0' } });
  });
});
