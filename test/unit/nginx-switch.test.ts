import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../../src/adapters/proxy/answer.ts';
import { isIdle } from '../../src/adapters/proxy/nginx/master.ts';
import { Switch, type SwitchDeps } from '../../src/adapters/proxy/nginx/switch.ts';
import { type Workers, workersOf } from '../../src/adapters/proxy/nginx/workers.ts';

describe('nginx’s workers, seen from the host', () => {
  let proc: string;
  beforeEach(async () => {
    proc = await mkdtemp(join(tmpdir(), 'deploy-bg-proc-'));
  });
  afterEach(() => rm(proc, { recursive: true }));

  async function process(pid: number, title: string, ...children: readonly number[]): Promise<void> {
    const task = join(proc, String(pid), 'task', String(pid));
    await mkdir(task, { recursive: true });
    await writeFile(join(task, 'children'), children.map((child) => `${String(child)} `).join(''));
    await writeFile(join(proc, String(pid), 'cmdline'), title);
  }

  it('take connections, or were told to end', async () => {
    await process(1, 'nginx: master process', 2, 3, 4);
    await process(2, 'nginx: worker process is shutting down');
    await process(3, 'nginx: worker process');
    await process(4, 'nginx: cache manager process');
    expect(await workersOf(1, proc)).toEqual({ accepting: new Set([3]), leaving: new Set([2]) });
  });

  it('are found behind an init or a shell', async () => {
    await process(1, '/sbin/docker-init', 2);
    await process(2, 'nginx: master process', 3);
    await process(3, 'nginx: worker process');
    expect(await workersOf(1, proc)).toEqual({ accepting: new Set([3]), leaving: new Set() });
  });

  it.each([1, 9, null])('are unknown, rather than none, where they cannot be seen (%j)', async (pid) => {
    await process(1, '/bin/something');
    expect(await workersOf(pid, proc)).toBeNull();
  });
});

describe('nginx’s master', () => {
  const IDLE = {
    State: 'S (sleeping)',
    SigPnd: '0000000000000000',
    ShdPnd: '0000000000000000',
    SigBlk: '0000000000000000',
  };
  let proc: string;
  beforeEach(async () => {
    proc = await mkdtemp(join(tmpdir(), 'deploy-bg-proc-'));
  });
  afterEach(() => rm(proc, { recursive: true }));

  it.each([
    ['waits for signals', {}, true],
    ['is at work, and lets none in', { SigBlk: '0000000018016ac7' }, false],
    ['was stopped before it could take one', { State: 'T (stopped)', ShdPnd: '0000000000000001' }, false],
    ['is about to take one', { State: 'R (running)' }, false],
    ['is not to be seen', null, false],
  ] as const)('%s', async (_, changed, idle) => {
    await mkdir(join(proc, '1'));
    await writeFile(join(proc, '1', 'cmdline'), 'nginx: master process nginx -g daemon off;');
    const status = Object.entries({ ...IDLE, ...changed }).map(([name, value]) => `${name}:\t${value}\n`);
    if (changed !== null) await writeFile(join(proc, '1', 'status'), status.join(''));
    expect(await isIdle(1, proc)).toBe(idle);
  });
});

describe('a reload', () => {
  const LET_GO_MS = 2000;

  /** How long it takes where the workers are, one look after the other; the last look stays. */
  async function takes(...looks: readonly (Workers | null)[]): Promise<number> {
    return takesWith(() => false, looks);
  }

  function switchOf(deps: Partial<SwitchDeps>): Switch {
    return new Switch({
      clock: { now: () => 0, wait: () => Promise.resolve() },
      config: { digest: 'new', generation: '' },
      ask: () => Promise.resolve({ digest: 'new', routes: [], rest: () => '' }),
      workers: () => Promise.resolve(null),
      reload: () => Promise.resolve(),
      handOver: () => Promise.resolve(true),
      ...deps,
    });
  }

  async function takesWith(handsOver: () => boolean, looks: readonly (Workers | null)[]): Promise<number> {
    let now = 0;
    let look = 0;
    const clock = { now: () => now, wait: (ms: number) => Promise.resolve(void (now += ms)) };
    const change = new Switch({
      clock,
      config: { digest: 'new', generation: '' },
      ask: () => Promise.resolve({ digest: 'new', routes: [], rest: () => '' }),
      workers: () => Promise.resolve(looks[Math.min(look++, looks.length - 1)] ?? null),
      reload: () => Promise.resolve(),
      handOver: () => Promise.resolve(handsOver()),
    });
    await change.run();
    return now;
  }

  function workers(accepting: readonly number[], leaving: readonly number[] = []): Workers {
    return { accepting: new Set(accepting), leaving: new Set(leaving) };
  }

  it('is over as soon as the old workers have ended', async () => {
    expect(await takes(workers([1]), workers([1]), workers([2], [1]), workers([2], [1]), workers([2]))).toBeLessThan(
      100,
    );
  });

  it('is over when the old workers send their clients to the new ones, and not before they stop to accept', async () => {
    const looks = [workers([1]), workers([1, 2]), workers([1, 2]), workers([2], [1])];
    let handedOver = 0;
    expect(await takesWith(() => (handedOver += 1) > 0, looks)).toBeLessThan(100);
    expect(handedOver).toBe(1);
    const unseen = await takesWith(() => true, [null]);
    expect(unseen).toBeGreaterThan(120);
    expect(unseen).toBeLessThan(1000);
  });

  it('that is taken back waits no longer, and hands nothing over', async () => {
    let handedOver = 0;
    const change: Switch = switchOf({
      reload: () => {
        change.stop();
        return Promise.resolve();
      },
      workers: () => Promise.resolve(workers([1])),
      handOver: () => Promise.resolve((handedOver += 1) > 0),
    });
    await change.run();
    expect(handedOver).toBe(0);
  });

  it('hands over from the configuration that nginx answered by before it', async () => {
    const answers = ['before', 'new'];
    const seen: unknown[] = [];
    const change = switchOf({
      ask: () => Promise.resolve({ digest: answers.shift() ?? 'new', routes: [], rest: () => '' }),
      handOver: (before) => Promise.resolve(seen.push(before.digest) > 0),
    });
    await change.run();
    expect(seen).toEqual(['before']);
  });

  it('is proved by its own generation: the same content may be that of workers who are about to be replaced', async () => {
    const generations = ['1', '1', '1', '2'];
    const rest = (): string => generations.shift() ?? '2';
    let asked = 0;
    const ask = (): Promise<Answer> =>
      Promise.resolve(void (asked += 1)).then(() => ({ digest: 'new', routes: [], rest }));
    await switchOf({ config: { digest: 'new', generation: '2' }, ask }).run();
    expect(generations).toEqual([]);
    expect(asked).toBeGreaterThan(8);
  });

  it('behind another one is made twice: whose workers that leaves is known only when it is over', async () => {
    const looks = [
      workers([1]),
      workers([2, 3]),
      workers([2, 3]),
      workers([3], [2]),
      workers([4], [2, 3]),
      workers([4]),
    ];
    const reloads: number[] = [];
    const change = switchOf({
      isBehind: true,
      workers: () => Promise.resolve(looks.length > 1 ? (looks.shift() ?? null) : (looks[0] ?? null)),
      reload: () => Promise.resolve(void reloads.push(looks.length)),
    });
    await change.run();
    expect(reloads).toEqual([5, 3]);
    expect(looks).toEqual([workers([4])]);
  });

  it.each([
    [0, 10_000],
    [20_000, 50_000],
  ])('of what took %d ms to be tested is waited for until %d ms are over', async (testMs, until) => {
    let now = 0;
    const change: Switch = switchOf({
      clock: { now: () => now, wait: (ms) => Promise.resolve(void (now += ms)) },
      ask: () => {
        if (now >= testMs) change.tested(testMs);
        return Promise.resolve({ digest: 'before', routes: [], rest: () => '' });
      },
    });
    await expect(change.run()).rejects.toMatchObject({ code: 'proxy-unreachable' });
    expect(now).toBe(until);
  });

  it('is not over while those of a reload in between accept, although nobody knows them', async () => {
    const both = workers([2, 3]);
    expect(await takes(workers([1]), both, both, both, both, both, workers([3], [2]), workers([3]))).toBeGreaterThan(
      50,
    );
  });

  it('waits until idle clients have been let go while old workers are there, or may be', async () => {
    for (const look of [workers([2], [1]), null]) {
      const ms = await takes(look === null ? null : workers([1]), look);
      expect(ms).toBeGreaterThan(LET_GO_MS);
      expect(ms).toBeLessThan(LET_GO_MS + 1000);
    }
  });
});
