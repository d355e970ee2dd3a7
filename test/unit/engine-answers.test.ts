import type Docker from 'dockerode';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DockerEngine } from '../../src/adapters/docker/engine.ts';
import { status } from '../../src/app/status.ts';
import { DeployError } from '../../src/core/errors.ts';
import { LABEL } from '../../src/core/labels.ts';
import { Host } from '../support/host.ts';
import { service } from '../support/specs.ts';

/** What the engine says of a container, as far as anybody here reads it. */
const INSPECT = {
  Id: 'c1',
  Name: '/shop-green-web-green-1',
  Created: '2026-01-01T00:00:00Z',
  RestartCount: 0,
  Image: 'sha256:1',
  State: {
    Status: 'running',
    ExitCode: 0,
    OOMKilled: false,
    Pid: 7,
    StartedAt: '2026-01-01T00:00:01Z',
    FinishedAt: '0001-01-01T00:00:00Z',
    Health: { Status: 'healthy', Log: [{ ExitCode: 0, Output: 'ok' }] },
  },
  Config: {
    Image: 'app:v1',
    Env: ['DEPLOY_VERSION=v1'],
    Labels: { [LABEL.color]: 'green', [LABEL.service]: 'web', 'com.docker.compose.container-number': '1' },
  },
  NetworkSettings: { Networks: { shop_default: { IPAddress: '172.18.0.2' } } },
};

/** An engine of one container that answers this. */
function engineThatSays(list: unknown, inspect: unknown): DockerEngine {
  const container = { inspect: () => Promise.resolve(inspect) };
  const answers = { listContainers: () => Promise.resolve(list), getContainer: () => container };
  return new DockerEngine(answers as unknown as Docker);
}

const LIST = [{ Id: 'c1', Names: ['/shop-green-web-green-1'] }];

/** The answer with one value of it replaced, or taken away. */
const edited = fc.tuple(fc.nat(60), fc.option(fc.jsonValue(), { nil: undefined })).map(([which, value]) => {
  let left = which + 2;
  return JSON.parse(
    JSON.stringify(INSPECT, (_key, each: unknown) => {
      left -= 1;
      return left === 0 ? value : each;
    }),
  ) as unknown;
});

/** The value, or the code of the refusal; anything else fails. */
async function told<T>(answer: Promise<T>): Promise<T | string> {
  return answer.catch((error: unknown) => {
    if (error instanceof DeployError) return error.code;
    throw error;
  });
}

describe('whatever an engine answers', () => {
  it('a container is seen whole, or the engine has failed', async () => {
    await fc.assert(
      fc.asyncProperty(edited, async (inspect) => {
        const engine = engineThatSays(LIST, inspect);
        const seen = await told(engine.containers('shop'));
        if (typeof seen === 'string') expect(seen).toBe('engine-failed');
        else
          for (const { id, name, number, createdAt } of seen)
            expect([typeof id, typeof name, Number.isInteger(number), Number.isNaN(createdAt)]).toEqual([
              ...['string', 'string'],
              true,
              false,
            ]);
        expect(['object', 'string']).toContain(typeof (await told(engine.healthLog('c1'))));
      }),
      { numRuns: 300 },
    );
  });

  it('a list that is none is a failure of the engine', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue())), async (list) => {
        const seen = await told(engineThatSays(list, INSPECT).containers('shop'));
        expect(seen === 'engine-failed' || Array.isArray(seen)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('none at all is an engine that cannot be reached, in time', async () => {
    const silent = { listContainers: () => new Promise(() => undefined) };
    const engine = new DockerEngine(silent as unknown as Docker, 50);
    await expect(engine.containers('shop')).rejects.toMatchObject({
      code: 'engine-unreachable',
      message: 'a question to the engine did not end within 50 ms',
    });
  });

  it.each([
    ['no labels', { ...INSPECT, Config: { ...INSPECT.Config, Labels: null } }, { service: '', color: null }],
    ['no environment', { ...INSPECT, Config: { ...INSPECT.Config, Env: null } }, { version: null }],
    ['no networks', { ...INSPECT, NetworkSettings: { Networks: null } }, { addresses: {} }],
    ['a network that it has left', { ...INSPECT, NetworkSettings: { Networks: { a: null } } }, { addresses: {} }],
  ])('%s are none', async (_, inspect, expected) => {
    expect(await engineThatSays(LIST, inspect).containers('shop')).toMatchObject([{ id: 'c1', ...expected }]);
  });

  it('labels that say nothing are none', async () => {
    const Labels = { [LABEL.color]: 'red', 'com.docker.compose.container-number': '1; rm -rf /' };
    const inspect = { ...INSPECT, Config: { ...INSPECT.Config, Labels } };
    expect(await engineThatSays(LIST, inspect).containers('shop')).toMatchObject([{ color: null, number: 1 }]);
  });
});

describe('what the engine says of room', () => {
  const engineOf = (answers: { readonly info?: unknown; readonly stats?: unknown }): DockerEngine =>
    new DockerEngine({
      info: () => Promise.resolve(answers.info),
      getContainer: () => ({ stats: () => Promise.resolve(answers.stats) }),
    } as unknown as Docker);

  it('is its memory and its folder, as far as it says them', async () => {
    const info = { MemTotal: 1024, DockerRootDir: '/var/lib/docker', Name: 'x' };
    expect(await engineOf({ info }).machine()).toEqual({ memoryBytes: 1024, dataRoot: '/var/lib/docker' });
    expect(await engineOf({ info: {} }).machine()).toEqual({ memoryBytes: null, dataRoot: null });
  });

  it.each([
    ['less what the kernel would give back', { usage: 100, stats: { inactive_file: 30 } }, 70],
    ['the same by the older kernel interface', { usage: 100, stats: { total_inactive_file: 40 } }, 60],
    ['all of it, where that is not told', { usage: 100 }, 100],
    ['not known of a container that has ended', {}, null],
  ])('of a container is %s', async (_, memory_stats, expected) => {
    expect(await engineOf({ stats: { memory_stats } }).memoryOf('c1')).toBe(expected);
  });
});

const HOSTILE = [
  '; rm -rf /',
  '$(reboot)',
  '`id`',
  '../../x',
  '..',
  '-x',
  '__proto__',
  'constructor',
  'a\nb',
  '\u001b[2J',
  '',
  'é😀',
  'x'.repeat(5000),
];
const hostile = fc.constantFrom(...HOSTILE);

describe('whatever the names and labels of its containers are', () => {
  it('is shown and planned with, or refused', async () => {
    const host = await Host.create(() => [service('web')]);
    const strange = fc.record({
      id: hostile,
      name: hostile,
      service: fc.oneof(hostile, fc.constant('web')),
      color: fc.constantFrom('blue', 'green', null),
      release: fc.oneof(hostile, fc.constant(null)),
      rollout: hostile,
      version: hostile,
      image: hostile,
    });
    try {
      expect(await host.deploy('v1')).toMatchObject({ exit: 0 });
      const [like] = host.world.observed().containers;
      await fc.assert(
        fc.asyncProperty(fc.array(strange, { minLength: 1, maxLength: 4 }), async (added) => {
          const others = added.map((each) => ({ ...like, ...each }) as NonNullable<typeof like>);
          host.strangers = others;
          const { ended } = host.run('ben', async (ports) => {
            await status(ports, { version: null });
            return { exit: 0 } as never;
          });
          await ended;
          const { exit, error } = await host.deploy('v2', { dryRun: true, takeOver: true });
          expect(exit === 0 || error?.code === 'not-possible' || error?.code === 'state-unreadable').toBe(true);
        }),
        { numRuns: 100 },
      );
    } finally {
      await host.dispose();
    }
  });
});

it('an engine that takes questions and never answers is given up', async () => {
  const never = (): Promise<never> => new Promise(() => undefined);
  const docker = { ping: never, listContainers: never, getContainer: () => ({ stop: never, remove: never }) };
  const engine = new DockerEngine(docker as unknown as Docker, 20);
  for (const question of [engine.ping(), engine.containers('shop'), engine.remove('c1')])
    await expect(question).rejects.toMatchObject({ code: 'engine-unreachable', exit: 7 });
});
