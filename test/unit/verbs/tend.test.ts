import { appendFile, copyFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nothingToDo } from '../../../src/app/outcome.ts';
import { tend } from '../../../src/app/tend.ts';
import { rollback } from '../../../src/app/rollback.ts';
import { DeployError } from '../../../src/core/errors.ts';
import type { Raw } from '../../../src/core/checks.ts';
import { bounds, check } from '../../support/checks.ts';
import { Host, type Terminal } from '../../support/host.ts';
import { script } from '../../support/simulator.ts';
import { service } from '../../support/specs.ts';

let host: Host;
let agent: Terminal | null;
let said: string[];
beforeEach(async () => {
  host = await Host.create(() => [service('web')], {});
  [agent, said] = [null, []];
});
afterEach(async () => {
  agent?.interrupt();
  await agent?.ended;
  await host.dispose();
});

/** An agent of the project, until it is interrupted. */
function startAgent(): Terminal {
  host.hasAgent = true;
  agent = host.run('agent', async (ports, signal) => {
    const tender = {
      looked: () => undefined,
      took: () => said.push('took'),
      left: (_: unknown, reason: string) => said.push(`left: ${reason}`),
      rests: () => undefined,
      restarted: () => undefined,
      followed: () => said.push('followed'),
      failed: (error: unknown) => said.push(`failed: ${error instanceof DeployError ? error.code : String(error)}`),
    };
    await tend({ ...ports, leaving: signal }, tender, signal);
    return nothingToDo(null, null, 'gone');
  });
  return agent;
}

const atGate = (promote: 'manual' | number) => {
  host.services = (version) => [service('web', { promote: version === 'v1' ? 'auto' : promote })];
};
const state = async (): Promise<string> => (await host.lastRollout()).state;
const isOver = async (): Promise<boolean> => {
  const { cursor, steps } = await host.lastRollout();
  return (await state()) === 'completed' && cursor >= steps.length && (await host.store().holder()) === null;
};

describe('an agent', () => {
  it('goes on with a deploy whose process died, when its lease is over', async () => {
    atGate(2000);
    await host.deploy('v1');
    startAgent();
    const dying = host.deploying('anna', 'v2');
    await host.untilState('paused');
    dying.cutOff();
    await host.until('v2 to be whole', isOver);
    expect(await host.lastRollout()).toMatchObject({ candidate: { version: 'v2' } });
    expect(said).toEqual(['took']);
  });

  it('leaves alone what another process runs', async () => {
    atGate(4000);
    await host.deploy('v1');
    startAgent();
    await host.deploy('v2');
    await host.until('v2 to be whole', isOver);
    expect(said).toEqual([]);
  });

  it('takes no gate away from a person, but takes back a candidate that dies while one is waited for', async () => {
    atGate('manual');
    await host.deploy('v1');
    startAgent();
    expect(await host.deploy('v2')).toMatchObject({ exit: 3 });
    const paused = host.clock.now();
    await host.until('it to have looked', () => host.clock.now() > paused + 40_000);
    expect(said).toEqual([]);
    host.kill('v2');
    await host.untilState('rollback_completed');
    expect(said).toContain('took');
  });

  it('lets a person go back meanwhile, since it holds no lock while nothing is to be done', async () => {
    atGate('manual');
    await host.deploy('v1');
    startAgent();
    await host.deploy('v2');
    const back = host.run('anna', (ports, signal) => rollback(ports, { to: null, timeoutMs: null }, signal));
    expect(await back.ended).toMatchObject({ exit: 0 });
    expect(await state()).toBe('rollback_completed');
  });

  it('retires a release at the end of its hold', async () => {
    host.services = () => [service('web', { retireAfterMs: 3000 })];
    await host.deploy('v1');
    startAgent();
    expect(await host.deploy('v2')).toMatchObject({ exit: 0, outcome: { holdUntil: expect.any(Number) as number } });
    expect(await isOver()).toBe(false);
    await host.until('v1 to be retired', isOver);
    expect(host.world.containers.filter((c) => c.version === 'v1')).toEqual([]);
  });

  it('takes a held release back in when the new one dies', async () => {
    host.services = () => [service('web', { retireAfterMs: 600_000 })];
    await host.deploy('v1');
    startAgent();
    await host.deploy('v2');
    host.kill('v2');
    await host.untilState('rollback_completed');
  });

  describe('while the version before is held', () => {
    const errors = check({
      name: 'errors',
      intervalMs: 1000,
      failureLimit: 1,
      errorLimit: 1,
      pass: bounds({ max: 0 }),
    });
    const value = (seen: number) => (): Raw => ({ kind: 'value', value: seen, detail: null });
    const error = (): Raw => ({ kind: 'error', detail: 'the log cannot be read' });

    async function held(): Promise<void> {
      const checks = { specs: { errors }, watch: ['errors'], before: [], after: [] };
      host.services = () => [service('web', { checks, retireAfterMs: 600_000 })];
      host.measures = value(0);
      await host.deploy('v1');
      expect(await host.deploy('v2')).toMatchObject({ exit: 0 });
    }

    const measured = async (): Promise<number> => {
      const [run] = (await host.lastRollout()).runs;
      return (run?.tally.passes ?? 0) + (run?.tally.failures ?? 0) + (run?.tally.errors ?? 0);
    };
    const measuredMore = async (): Promise<void> => {
      const before = await measured();
      await host.until('another measurement', async () => (await measured()) > before + 3);
    };

    it('watches the new one, and goes back when it begins to fail', async () => {
      await held();
      startAgent();
      await measuredMore();
      expect(await state()).toBe('completed');
      host.measures = value(7);
      await host.untilState('rollback_completed');
      expect(await host.lastRollout()).toMatchObject({ message: 'check errors: 7, wanted at most 0 (2 failures)' });
      await host.until('v2 to be gone', () => host.world.containers.every((c) => c.version === 'v1'));
    });

    it('takes nothing back because nobody can be asked, and asks again', async () => {
      await held();
      startAgent();
      host.measures = error;
      await measuredMore();
      expect(await state()).toBe('completed');
      host.measures = value(7);
      await host.untilState('rollback_completed');
    });

    it('lets another command in', async () => {
      await held();
      startAgent();
      await measuredMore();
      expect(await host.deploy('v3')).toMatchObject({ exit: 0 });
      expect(await host.lastRollout()).toMatchObject({ candidate: { version: 'v3' } });
    });

    it('does not watch without an agent', async () => {
      await held();
      const before = await measured();
      host.measures = value(7);
      const now = host.clock.now();
      await host.until('time to pass', () => host.clock.now() > now + 10_000);
      expect(await measured()).toBe(before);
    });
  });

  it('that has to go leaves a rollout where it is, and the next one goes on with it', async () => {
    atGate(20_000);
    await host.deploy('v1');
    const first = startAgent();
    await host.deploy('v2', { detach: true });
    await host.untilState('paused');
    first.interrupt();
    await first.ended;
    expect(said).toEqual(['took', 'failed: interrupted']);
    expect(await state()).toBe('paused');
    expect(await host.store().holder()).toBeNull();
    startAgent();
    await host.until('v2 to be whole', isOver);
  });

  it.each([
    [
      'its hook post_deploy of the project',
      () => (host.hooks = { post_deploy: [{ kind: 'host', command: ['true'], timeoutMs: 1000 }] }),
    ],
    ['its proxy', () => (host.proxy = { ...host.proxy, driver: 'nginx', service: null })],
  ])('leaves to the host what only the host can run: %s', async (what, given) => {
    given();
    atGate(2000);
    await host.deploy('v1', { force: true });
    startAgent();
    const dying = host.deploying('anna', 'v2');
    await host.untilState('paused');
    dying.cutOff();
    await host.until('the agent to have seen it', () => said.length > 0);
    expect(said).toEqual([`left: ${what} runs on the host`]);
  });
});

describe('an unhealthy replica with liveness: restart', () => {
  const drainTimeoutMs = 20_000;

  it('is restarted when it holds no request any more, or has had its time for them; each time anew', async () => {
    host.services = () => [service('web', { liveness: 'restart', drainTimeoutMs })];
    host.proxy = { ...host.proxy, driver: 'caddy', service: 'proxy' };
    await host.deploy('v1');
    startAgent();
    host.inFlight = 3;
    const restarts: number[] = [];
    for (const times of [1, 2]) {
      const began = host.clock.now();
      const name = host.sicken('v1');
      await host.until('it to be restarted', () => host.restarted.length === times);
      expect(host.restarted.at(-1)).toBe(name);
      restarts.push(host.clock.now() - began);
      host.sicken('v1', false);
      await host.until('the proxy to have it back', () => host.world.routes[0]?.backends.length === 2);
    }
    for (const took of restarts) expect(took).toBeGreaterThanOrEqual(drainTimeoutMs);
  });
});

describe('an agent that was away', () => {
  const away = async (since: Terminal): Promise<void> => {
    since.interrupt();
    await since.ended;
  };

  it('X01 goes on at once with a pause that has ended meanwhile, and nothing was touched in between', async () => {
    atGate(60_000);
    await host.deploy('v1');
    const first = startAgent();
    await host.deploy('v2', { detach: true });
    await host.untilState('paused');
    const { gateUntil } = await host.lastRollout();
    await away(first);
    const before = host.world.containers.map(({ id }) => id);
    await host.until('the gate to be over', () => host.clock.now() > (gateUntil ?? Infinity) + 30_000);
    expect(host.world.containers.map(({ id }) => id)).toEqual(before);
    expect(await state()).toBe('paused');
    startAgent();
    await host.until('v2 to be whole', isOver);
  });

  it('X03 continues the way back, not forward; X10 another deploy is refused meanwhile', async () => {
    atGate('manual');
    await host.deploy('v1');
    await host.deploy('v2');
    host.hold();
    const first = startAgent();
    host.kill('v2');
    await host.untilState('rollback_started');
    expect(await host.deploy('v3')).toMatchObject({ exit: 5, error: { code: 'locked' } });
    first.interrupt();
    host.release();
    await first.ended;
    startAgent();
    await host.untilState('rollback_completed');
    expect(new Set(host.world.containers.map(({ version }) => version))).toEqual(new Set(['v1']));
  });

  it('X11 counts a candidate that died meanwhile once, and goes back', async () => {
    atGate(60_000);
    await host.deploy('v1');
    const first = startAgent();
    await host.deploy('v2', { detach: true });
    await host.untilState('paused');
    await away(first);
    host.kill('v2');
    startAgent();
    await host.untilState('rollback_completed');
    const { failures } = await host.lastRollout();
    expect(new Set(failures.map(({ id }) => id)).size).toBe(failures.length);
    expect(failures.length).toBeGreaterThan(0);
  });
});

describe('an agent whose rollout cannot go on', () => {
  it('tries again ever more rarely, whatever it writes into the journal itself', async () => {
    atGate(1000);
    await host.deploy('v1');
    let refused = 0;
    host.refuseRemoval = () => {
      refused += 1;
      return new DeployError('engine-failed', { what: 'the device is busy' });
    };
    startAgent();
    await host.deploy('v2', { detach: true });
    await host.until('it to have failed', () => said.includes('failed: engine-failed'));
    const began = host.clock.now();
    await host.until('a minute to be over', () => host.clock.now() > began + 60_000);
    expect(refused).toBeLessThan(30);
    host.refuseRemoval = null;
    await host.until('v2 to be whole', isOver);
  });
});

describe('a process that slept, and lost the project meanwhile', () => {
  it('writes nothing more', async () => {
    atGate('manual');
    await host.deploy('v1');
    const slow = host.deploying('anna', 'v2', { attach: true });
    await host.untilState('paused');
    const lock = join(host.folder, '.deploy-bg', 'lock');
    const [epoch] = (await readdir(lock)).filter((name) => /^\d+$/.test(name));
    await copyFile(join(lock, epoch ?? ''), join(lock, String(Number(epoch) + 1)));
    host.kill('v2');
    expect(await slow.ended).toMatchObject({ exit: 6, error: { code: 'superseded' } });
    expect(await state()).toBe('paused');
  });
});

describe('deploy --detach', () => {
  it('returns when it is accepted, and the agent runs it', async () => {
    await host.deploy('v1');
    startAgent();
    const detached = await host.deploy('v2', { detach: true });
    expect(detached).toMatchObject({ exit: 0, outcome: { version: 'v2' } });
    expect(detached.outcome?.message).toMatch(/on its way/);
    await host.until('v2 to be whole', isOver);
    expect(said).toEqual(['took']);
  });

  it('leaves nothing of the releases that were lost with the state', async () => {
    await host.deploy('v1');
    await rm(join(host.folder, '.deploy-bg'), { recursive: true });
    startAgent();
    await host.deploy('v2', { detach: true });
    await host.until('v2 to be whole', isOver);
    expect(said).toEqual(['took']);
    expect(host.tags.size).toBe(1);
  });

  it('of what is under way already does not wait for it either', async () => {
    atGate(60_000);
    await host.deploy('v1');
    startAgent();
    await host.deploy('v2', { detach: true });
    await host.untilState('paused');
    const again = await host.deploy('v2', { detach: true });
    expect(again.outcome?.message).toMatch(/already under way/);
    expect(await state()).toBe('paused');
  });

  it('with --attach ends as the rollout does, although the agent runs it', async () => {
    atGate(20_000);
    await host.deploy('v1');
    startAgent();
    expect(await host.deploy('v2', { detach: true, attach: true })).toMatchObject({
      exit: 0,
      outcome: { state: 'completed' },
    });
    expect(said).toEqual(['took']);
    await host.until('v2 to be whole', isOver);
  });

  it('with --attach ends at a pause for a person, and leaves it to the agent', async () => {
    atGate('manual');
    await host.deploy('v1');
    startAgent();
    expect(await host.deploy('v2', { detach: true, attach: true })).toMatchObject({ exit: 3 });
    expect(await state()).toBe('paused');
  });

  it('with --attach ends as badly as the rollout, also where it failed at once, and begins none anew', async () => {
    await host.dispose();
    host = await Host.create(() => [service('web')], { scripts: { v2: { '*': script('x15') } } });
    await host.deploy('v1');
    startAgent();
    const failed = await host.deploy('v2', { detach: true, attach: true });
    expect(failed).toMatchObject({ exit: 1, error: { code: 'rollout-failed' } });
    expect(failed.error?.message).toMatch(/exited/);
    expect(await host.store().rollouts()).toHaveLength(2);
  });

  it('changes nothing where no agent answers', async () => {
    await host.deploy('v1');
    expect(await host.deploy('v2', { detach: true })).toMatchObject({ exit: 7, error: { code: 'agent-unreachable' } });
    expect(await host.lastRollout()).toMatchObject({ candidate: { version: 'v1' } });
  });

  it('ends as every deploy does where the state cannot be read, which no agent could either', async () => {
    await host.deploy('v1');
    await appendFile(join(host.folder, '.deploy-bg', 'journal.ndjson'), 'nonsense\nmore\n');
    expect(await host.deploy('v2', { detach: true })).toMatchObject({ exit: 5, error: { code: 'state-unreadable' } });
  });

  it('is run here where an agent answers and does not begin', async () => {
    await host.deploy('v1');
    host.hasAgent = true;
    expect(await host.deploy('v2', { detach: true })).toMatchObject({ exit: 0, outcome: { state: 'completed' } });
  });
});
