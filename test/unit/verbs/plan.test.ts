import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Plan } from '../../../src/app/plan-view.ts';
import { stepText } from '../../../src/core/plan.ts';
import type { DeployOptions } from '../../../src/app/deploy.ts';
import { Host } from '../../support/host.ts';
import { service, update } from '../../support/specs.ts';

const MIB = 1024 ** 2;

let host: Host;
beforeEach(async () => {
  host = await Host.create(() => [service('web')], {});
});
afterEach(() => host.dispose());

/** What `deploy VERSION --dry-run` finds out. */
async function planOf(version: string, over: Partial<DeployOptions> = {}): Promise<Plan> {
  const { outcome, error } = await host.deploy(version, { dryRun: true, ...over });
  if (outcome?.plan == null) throw new Error(error?.message ?? 'no plan');
  return outcome.plan;
}

describe('a plan', () => {
  it('is what the deploy runs, step by step', async () => {
    await host.deploy('v1');
    const { steps } = await planOf('v2');
    await host.deploy('v2');
    expect(steps.map(({ text }) => text)).toEqual((await host.lastRollout()).steps.map(stepText));
  });

  it('has a time until it is completed, and one for all that is left to do then', async () => {
    await host.deploy('v1');
    expect((await planOf('v2')).time).toEqual({ completeMs: 905_000, atMostMs: 945_000, until: [] });
  });

  it('leaves no trace', async () => {
    await host.deploy('v1');
    const look = async () => [host.world.observed(), await host.store().rollouts(), await files()];
    const before = await look();
    await planOf('v2');
    expect(await look()).toEqual(before);
    expect(host.fetched).toEqual(['v1']);
  });

  it('takes no lock, and says who has it', async () => {
    await host.deploy('v1');
    const lock = await host.store().lock({ who: 'bert', verb: 'deploy v3', since: 0 });
    const { notes } = await planOf('v2');
    await lock.release();
    expect(notes).toEqual(['bert is at work on this project: deploy v3']);
  });

  it('is refused where the deploy would be', async () => {
    await host.deploy('v1');
    host.storeOfLabels = 'another checkout';
    expect(await host.deploy('v2', { dryRun: true })).toMatchObject({ exit: 5, error: { code: 'foreign-store' } });
    expect(await planOf('v2', { takeOver: true })).toMatchObject({ state: 'planned' });
  });

  it('says that there is nothing to do, and still what serves', async () => {
    await host.deploy('v1');
    const { state, message, steps, services } = await planOf('v1');
    expect({ state, message, steps }).toEqual({
      ...{ state: 'nothing-to-do', message: 'v1 (blue) already serves all traffic: nothing to do', steps: [] },
    });
    expect(services).toMatchObject([{ service: 'web', fate: 'keep', from: { version: 'v1', color: 'blue' } }]);
  });

  it('names a rollout that is not over, which a deploy ends first', async () => {
    await host.deploy('v1');
    host.services = () => [service('web', { promote: 'manual' })];
    await host.deploy('v2');
    expect((await planOf('v3')).notes).toEqual([
      'the deploy of v2 is not over (paused): a deploy ends it first, and plans anew then',
    ]);
    expect((await planOf('v2')).notes).toEqual(['the deploy of v2 is not over (paused): a deploy goes on with it']);
  });

  async function files(): Promise<readonly string[]> {
    return (await readdir(join(host.folder), { recursive: true })).toSorted();
  }
});

describe('the services of a plan', () => {
  it('go from a version, a color and a number to others', async () => {
    await host.deploy('v1');
    host.services = () => [service('web', { replicas: 3 })];
    expect((await planOf('v2')).services).toMatchObject([
      {
        ...{ service: 'web', fate: 'switch', strategy: 'blue-green', why: 'default: it has a route' },
        from: { version: 'v1', color: 'blue', replicas: 2 },
        to: { version: 'v2', color: 'green', replicas: 3 },
      },
    ]);
  });

  it('that nobody asked for are left alone', async () => {
    const plain = { placement: 'in-place', strategy: 'rolling', route: null } as const;
    host.services = () => [service('web'), service('jobs', plain)];
    await host.deploy('v1');
    const { services } = await planOf('v2', { services: ['web'] });
    expect(services.map(({ service, fate, why, image }) => [service, fate, why, image === null])).toEqual([
      ['web', 'switch', 'default: it has a route', false],
      ['jobs', 'keep', 'not asked for: left alone', true],
    ]);
  });

  it('in place go at a pace', async () => {
    const slow = { ...update, parallelism: 2, order: 'stop-first' } as const;
    host.services = () => [service('jobs', { placement: 'in-place', strategy: 'rolling', route: null, update: slow })];
    await host.deploy('v1');
    expect((await planOf('v2')).services).toMatchObject([
      { fate: 'replace', strategy: 'rolling', why: 'default: it has a route; order stop-first, 2 at a time' },
    ]);
  });

  it('of a color go by the strategy of one of them', async () => {
    host.services = () => [service('web'), service('api', { strategy: 'recreate' })];
    await host.deploy('v1');
    const { services } = await planOf('v2');
    expect(services.map(({ strategy, why }) => [strategy, why])).toEqual([
      ['recreate', 'the color group goes as one, by the strategy of api'],
      ['recreate', 'default: it has a route'],
    ]);
  });

  it('of a first deploy come all at once, whatever their strategy is later', async () => {
    const jobs = service('jobs', { placement: 'in-place', strategy: 'rolling', route: null });
    host.services = () => [service('web', { strategy: 'canary' }), jobs];
    const { services, from } = await planOf('v1');
    expect(from).toBeNull();
    expect(services.map(({ fate, strategy, why }) => [fate, strategy, why])).toEqual([
      ['switch', 'at-once', 'all at once, for nothing has to go; later canary (default: it has a route)'],
      ['create', null, 'nothing has to go for it; later rolling (default: it has a route)'],
    ]);
  });

  it('are shared with why and whether they are to be started', async () => {
    host.services = () => [service('web'), service('db', { placement: 'shared' })];
    expect((await planOf('v1')).shared).toEqual([{ service: 'db', why: 'it has x-deploy-bg', starts: true }]);
  });

  it('have an image, and where it comes from', async () => {
    host.sources.set('web', 'pull');
    await host.deploy('v1');
    const { services, disk, notes } = await planOf('v2');
    expect(services).toMatchObject([{ image: { reference: 'app:v2', source: 'pull' } }]);
    expect(disk.neededBytes).toBeNull();
    expect(notes).toEqual(['the images of web are pulled or built first: another one makes another plan']);
  });
});

describe('an image that is built or pulled although it is here', () => {
  it('leaves open whether there is something to do', async () => {
    await host.deploy('v1');
    host.sources.set('web', 'build');
    const { state, message } = await planOf('v1', { build: true });
    expect(state).toBe('nothing-to-do');
    expect(message).toBe('v1 (blue) already serves all traffic: nothing to do, if the images of web come as they are');
  });
});

describe('a proxy that was started before the folder was mounted', () => {
  it('is named: the deploy would be refused', async () => {
    host.silence = { kind: 'unreadable', reason: 'no folder', code: 'proxy-not-wired', cure: 'create it anew' };
    expect((await planOf('v1')).notes).toEqual([
      'a deploy writes the proxy’s files and is refused then: no folder; create it anew',
    ]);
  });
});

describe('a shared service that runs otherwise than the files say', () => {
  it('is named, with what changes it', async () => {
    host.drift.push({ code: 'W07', message: 'db runs otherwise', hint: 'create it anew', file: null, line: null });
    expect((await planOf('v1')).notes).toEqual(['db runs otherwise (create it anew)']);
  });
});

describe('an image that is missing', () => {
  it('is named: the deploy would be refused', async () => {
    host.sources.set('web', 'missing');
    expect((await planOf('v1')).notes).toEqual(['the image app:v1 of web is missing: a deploy is refused']);
  });

  it('is looked for also where nobody asks for its service, but nothing serves it yet', async () => {
    host.services = () => [service('web'), service('api')];
    const { services } = await planOf('v1', { services: ['web'] });
    expect(services.map(({ service, image }) => [service, image?.source])).toEqual([
      ['web', 'here'],
      ['api', 'here'],
    ]);
  });
});

describe('the room that a plan takes', () => {
  it('is what runs more than now where most runs, by the limits of the files', async () => {
    host.memoryLimit = 100 * MIB;
    host.machine = { memoryBytes: 1000 * MIB, dataRoot: '/var/lib/docker' };
    host.memory = { totalBytes: 1000 * MIB, availableBytes: 150 * MIB };
    await host.deploy('v1');
    const { twice, memory, shortages } = await planOf('v2');
    expect(twice).toEqual([{ service: 'web', old: 2, new: 2, now: 2 }]);
    expect(memory).toMatchObject({ neededBytes: 200 * MIB, notKnown: [], availableBytes: 150 * MIB });
    expect(shortages).toEqual(['the deploy may need 200 MiB of memory more, and the host has left 150 MiB']);
  });

  it('is seen on the machine of the engine only', async () => {
    host.memoryLimit = 600 * MIB;
    host.machine = { memoryBytes: 1000 * MIB, dataRoot: '/var/lib/docker' };
    host.memory = { totalBytes: 1000 * MIB, availableBytes: 900 * MIB };
    expect((await planOf('v1')).disk).toMatchObject({ folder: '/var/lib/docker', freeBytes: 1024 * MIB });
    host.memory = { totalBytes: 64_000 * MIB, availableBytes: 50_000 * MIB };
    const { memory, disk, shortages } = await planOf('v1');
    expect(memory).toMatchObject({ totalBytes: 1000 * MIB, availableBytes: null });
    expect(disk).toMatchObject({ folder: '/var/lib/docker', freeBytes: null });
    expect(shortages).toEqual(['the deploy may need 1.2 GiB of memory more, and the host has 1000 MiB']);
  });

  it('is what the running containers have, where the files say nothing', async () => {
    host.memoryUsed = 30 * MIB;
    await host.deploy('v1');
    expect((await planOf('v2')).memory).toMatchObject({ neededBytes: 60 * MIB, totalBytes: null });
  });

  it('is not known where nobody can tell, and never guessed', async () => {
    const { memory, shortages } = await planOf('v1');
    expect(memory).toMatchObject({ neededBytes: null, notKnown: ['web'] });
    expect(shortages).toEqual([]);
  });

  it('has room for shared services that the deploy starts first', async () => {
    host.memoryLimit = 100 * MIB;
    host.services = () => [service('web'), service('db', { placement: 'shared', replicas: 1 })];
    expect((await planOf('v1')).memory.neededBytes).toBe(300 * MIB);
  });

  it('is none where the old version stops first', async () => {
    host.memoryLimit = 100 * MIB;
    host.services = () => [service('web', { strategy: 'recreate' })];
    await host.deploy('v1');
    const { twice, memory } = await planOf('v2');
    expect({ twice, needed: memory.neededBytes }).toEqual({ twice: [], needed: 0 });
  });
});

describe('the proxy of a plan', () => {
  it('is shown before and after', async () => {
    await host.deploy('v1');
    const { proxy } = await planOf('v2');
    expect(proxy).toMatchObject({ driver: 'none', reload: false, reason: null });
    expect(proxy.diff).toEqual([
      ' web: host (any), path /',
      '-  shop-blue-web-1:3000  50 %',
      '-  shop-blue-web-2:3000  50 %',
      '+  shop-green-web-green-1:3000  50 %',
      '+  shop-green-web-green-2:3000  50 %',
    ]);
  });

  it('in place ends with the replicas that the deploy leaves', async () => {
    host.services = () => [service('web', { placement: 'in-place', strategy: 'rolling' })];
    await host.deploy('v1');
    const { proxy } = await planOf('v2');
    await host.deploy('v2');
    const backends = host.world.routes[0]?.backends.map(({ container }) => container);
    expect(proxy.after[0]?.backends.map(({ container }) => container)).toEqual(backends);
  });

  it('is asked whether it reloads', async () => {
    host.proxy = { driver: 'caddy', service: 'proxy', output: '/srv/x', mounted: '/x', template: null };
    await host.deploy('v1');
    for (const reloads of [true, null]) {
      host.reloads = reloads;
      expect((await planOf('v2')).proxy).toMatchObject({ driver: 'caddy', reload: reloads });
    }
  });
});
