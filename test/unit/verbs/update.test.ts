import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deploy } from '../../../src/app/deploy.ts';
import { rollback } from '../../../src/app/rollback.ts';
import { update, type UpdateOptions } from '../../../src/app/update.ts';
import { type Ended, Host, PLAINLY } from '../../support/host.ts';
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

  it('compares what serves, also where it is older than the version', async () => {
    host.services = () => [service('web'), service('api')];
    await host.deploy('v1');
    await host.deploy('v2', { services: ['web'] });
    pushed('v1');
    pushed('v2');
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'nothing-to-do', version: 'v2' } });
  });

  it('leaves out what was built here, and does not stumble over it', async () => {
    host.services = () => [service('web'), service('api', { buildable: true })];
    host.built.add('sha256:app:v1');
    await host.deploy('v1');
    // Of web, which the registry does not know here.
    expect(await updating()).toMatchObject({ exit: 7 });
  });

  it('in a range has nothing to do while what was built here is the newest', async () => {
    host.services = () => [service('api', { buildable: true })];
    host.built.add('sha256:app:1.2.0');
    host.update = { ...host.update, image: 'api', range: '^1.2' };
    await host.deploy('1.2.0');
    host.registryTags = ['1.2.0'];
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'nothing-to-do' } });
  });

  it('asks nobody for images that are only built', async () => {
    host.services = () => [service('web', { pullPolicy: 'build' })];
    await host.deploy('v1');
    expect(await updating()).toMatchObject({ exit: 5, error: { code: 'not-possible' } });
  });

  it('only says what it would do, if that is wanted, although the old image is still here', async () => {
    await host.deploy('latest');
    pushed('latest', MOVED);
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

describe('what a person decided', () => {
  const goBack = (): Promise<Ended> =>
    host.run('anna', (ports, signal) => rollback(ports, { to: null, timeoutMs: null }, signal)).ended;

  it('stays: a tag that somebody went back from, until it moves again', async () => {
    await host.deploy('latest');
    host.images.set('app:latest', 'sha256:second');
    pushed('latest', 'digest of sha256:second');
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'completed' } });
    expect(await goBack()).toMatchObject({ exit: 0 });
    expect(await updating()).toMatchObject({
      exit: 0,
      outcome: { message: expect.stringContaining('went back') as string },
    });
    pushed('latest', 'digest of sha256:third');
    host.images.set('app:latest', 'sha256:third');
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'completed' } });
  });

  it('stays: a version that somebody went back from, until there is a newer one or it is asked for', async () => {
    host.update = { ...host.update, image: 'web', range: '^1.2' };
    await host.deploy('1.2.0');
    host.registryTags = ['1.2.0', '1.3.0'];
    pushed('1.3.0');
    await updating();
    expect(await goBack()).toMatchObject({ exit: 0 });
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'nothing-to-do', version: '1.2.0' } });
    host.registryTags = ['1.2.0', '1.3.0', '1.3.1'];
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'completed', version: '1.3.1' } });
  });

  it('stays: each of the versions that somebody went back from, one after the other', async () => {
    host.update = { ...host.update, image: 'web', range: '^1.2' };
    for (const version of ['1.2.0', '1.3.0', '1.3.1']) {
      await host.deploy(version);
      pushed(version);
    }
    expect(await goBack()).toMatchObject({ exit: 0 });
    expect(await goBack()).toMatchObject({ exit: 0, outcome: { version: '1.2.0' } });
    host.registryTags = ['1.2.0', '1.3.0', '1.3.1'];
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'nothing-to-do', version: '1.2.0' } });
  });

  it('stays: a version whose deploy somebody aborted', async () => {
    host.update = { ...host.update, image: 'web', range: '^1.2' };
    host.services = (version) => [service('web', { promote: version === '1.3.0' ? 'manual' : 'auto' })];
    await host.deploy('1.2.0');
    expect(await host.deploy('1.3.0')).toMatchObject({ exit: 3 });
    expect(await goBack()).toMatchObject({ exit: 0 });
    host.registryTags = ['1.2.0', '1.3.0'];
    expect(await updating()).toMatchObject({
      exit: 0,
      outcome: { message: expect.stringMatching(/1.3.0 was aborted/) as string },
    });
  });

  it.each(['2.0.0', '1.9.0', '2.0', 'main'])('stays: %s, which is newer or no version', async (version) => {
    host.update = { ...host.update, image: 'web', range: '^1.2' };
    host.registryTags = ['1.3.0'];
    await host.deploy(version);
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'nothing-to-do', version } });
  });

  it('is waited for: a rollout at its gate is not taken back', async () => {
    host.services = (version) => [service('web', { promote: version === 'v2' ? 'manual' : 'auto' })];
    await host.deploy('v1');
    expect(await host.deploy('v2')).toMatchObject({ exit: 3 });
    host.update = { ...host.update, version: 'v3' };
    expect(await updating()).toMatchObject({
      exit: 5,
      error: { message: expect.stringMatching(/v2 waits for a person/) as string },
    });
    expect(await rollouts()).toEqual(['v1', 'v2']);
  });
});

describe('update beside others', () => {
  it('decides again when the project is free: nothing older is put over what came meanwhile', async () => {
    host.update = { ...host.update, image: 'web', range: '^1.2' };
    host.services = (version) => [service('web', { promote: version === '2.0.0' ? 20_000 : 'auto' })];
    await host.deploy('1.2.0');
    host.registryTags = ['1.3.0'];
    const person = host.deploying('anna', '2.0.0');
    await host.untilState('paused');
    const queued = updating({ waitMs: 600_000 });
    expect(await person.ended).toMatchObject({ exit: 0 });
    expect(await queued).toMatchObject({ exit: 0, outcome: { state: 'nothing-to-do' } });
    expect(await rollouts()).toEqual(['1.2.0', '2.0.0']);
  });

  it('is not done with the rollout of an image that the tag has left', async () => {
    let promote: 'auto' | number = 'auto';
    host.services = () => [service('web', { promote })];
    await host.deploy('latest');
    promote = 60_000;
    host.images.set('app:latest', 'sha256:second');
    const person = host.deploying('anna', 'latest');
    await host.untilState('paused');
    pushed('latest', 'digest of sha256:third');
    host.onFetch = () => host.images.set('app:latest', 'sha256:third');
    expect(await updating()).toMatchObject({ exit: 5, error: { code: 'locked' } });
    person.interrupt();
    await person.ended;
  });

  it('finishes a deploy whose process died, also where there is nothing else to do', async () => {
    host.update = { ...host.update, image: 'web', range: '^1.2' };
    host.services = (version) => [service('web', { promote: version === '2.0.0' ? 60_000 : 'auto' })];
    await host.deploy('1.2.0');
    host.registryTags = ['1.1.0', '1.2.0'];
    pushed('1.2.0');
    const dying = host.deploying('anna', '2.0.0');
    await host.untilState('paused');
    dying.cutOff();
    expect(await dying.ended).toMatchObject({ exit: 7 });
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'completed', version: '2.0.0' } });
    expect(await host.lastRollout()).toMatchObject({ state: 'completed', candidate: { version: '2.0.0' } });
  });

  it('finishes a deploy whose process died before it begins one of its own', async () => {
    host.services = (version) => [service('web', { promote: version === 'v2' ? 60_000 : 'auto' })];
    await host.deploy('v1');
    pushed('v1', MOVED);
    const dying = host.deploying('anna', 'v2');
    await host.untilState('paused');
    dying.cutOff();
    await dying.ended;
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'completed', version: 'v2' } });
    expect(await rollouts()).toEqual(['v1', 'v2']);
  });

  it('says who is at work where there is nothing to do but another deploy is under way', async () => {
    host.services = (version) => [service('web', { promote: version === 'v2' ? 60_000 : 'auto' })];
    await host.deploy('v1');
    pushed('v1');
    const person = host.deploying('anna', 'v2');
    await host.untilState('paused');
    expect(await updating()).toMatchObject({ exit: 5, error: { code: 'locked' } });
    person.interrupt();
    await person.ended;
  });

  it('waits for no rollout that came to wait for a person meanwhile, and does not end it', async () => {
    host.services = (version) => [service('web', { promote: version === 'v2' ? 'manual' : 'auto' })];
    await host.deploy('v1');
    const person = host.deploying('anna', 'v2', { attach: true });
    await host.untilState('paused');
    const options = { ...PLAINLY, version: 'v3', waitMs: 600_000 };
    const decided = host.run('cron', (ports, signal) => deploy(ports, options, signal, () => Promise.resolve(null)));
    expect(await decided.ended).toMatchObject({ exit: 5, error: { code: 'locked' } });
    expect(await host.lastRollout()).toMatchObject({ state: 'paused', candidate: { version: 'v2' } });
    person.interrupt();
    await person.ended;
  });

  it('leaves a rollout of the same tag at its gate, too', async () => {
    let promote: 'auto' | 'manual' = 'auto';
    host.services = () => [service('web', { promote })];
    await host.deploy('latest');
    promote = 'manual';
    host.images.set('app:latest', 'sha256:second');
    expect(await host.deploy('latest')).toMatchObject({ exit: 3 });
    host.images.set('app:latest', 'sha256:third');
    pushed('latest', 'digest of sha256:third');
    expect(await updating()).toMatchObject({
      exit: 5,
      error: { message: expect.stringMatching(/waits for a person/) as string },
    });
    expect(await rollouts()).toHaveLength(2);
  });
});

describe('update in a window', () => {
  /** Two hours long, and six hours from now. */
  const closed = () => {
    const now = new Date(host.clock.now());
    const from = (now.getHours() * 60 + now.getMinutes() + 360) % 1440;
    return { from, to: (from + 120) % 1440 };
  };

  it('does nothing outside of it, unless a person says now', async () => {
    await host.deploy('1.0.0');
    host.update = { ...host.update, version: '2.0.0', window: closed() };
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'nothing-to-do', version: '1.0.0' } });
    expect(await updating({ now: true })).toMatchObject({ exit: 0, outcome: { version: '2.0.0' } });
  });

  it('outside of it goes on with nothing that died', async () => {
    host.services = (version) => [service('web', { promote: version === 'v2' ? 60_000 : 'auto' })];
    await host.deploy('v1');
    host.update = { ...host.update, window: closed() };
    const dying = host.deploying('anna', 'v2');
    await host.untilState('paused');
    dying.cutOff();
    await dying.ended;
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'nothing-to-do' } });
    expect(await host.lastRollout()).toMatchObject({ state: 'paused' });
  });

  it('outside of it ends nothing either', async () => {
    host.services = (version) => [service('web', { promote: version === 'v2' ? 'manual' : 'auto' })];
    await host.deploy('v1');
    host.update = { ...host.update, window: closed() };
    expect(await host.deploy('v2')).toMatchObject({ exit: 3 });
    expect(await updating()).toMatchObject({ exit: 0, outcome: { state: 'nothing-to-do' } });
    expect(await host.lastRollout()).toMatchObject({ state: 'paused' });
  });
});
