import { describe, expect, it } from 'vitest';
import { apply } from '../../src/core/apply.ts';
import { compile, compileReset, type Compiled } from '../../src/core/compile.ts';
import type { Live } from '../../src/core/live.ts';
import { stepText } from '../../src/core/plan.ts';
import type { RolloutRecord } from '../../src/core/record.ts';
import type { Release } from '../../src/core/release.ts';
import { steering } from '../../src/core/steer.ts';
import { release, service, side, update } from '../support/specs.ts';
import { resume, run, script, World, type WorldOptions } from '../support/simulator.ts';

const web = service('web');
const v1 = release('v1', [web]);
const v2 = release('v2', [web]);

function deployed(of: Release, options: WorldOptions = {}): World {
  const world = new World(options);
  world.seed(side(of, 'blue'));
  return world;
}

function plan(
  world: World,
  to: Release,
  from: Release | null,
  over: { live?: Live; verb?: 'deploy' | 'rollback' } = {},
): Compiled {
  const live: Live = over.live ?? (from === null ? { kind: 'none' } : { kind: 'color', color: 'blue' });
  return compile({
    verb: over.verb ?? 'deploy',
    release: to,
    live,
    liveRelease: from,
    observed: world.observed(),
    records: [],
    shared: [],
    force: false,
  });
}

function steps(compiled: Compiled): string[] {
  return compiled.kind === 'nothing' ? [] : compiled.steps.map(stepText);
}

function running(world: World, color: string | null): string[] {
  return world
    .observed()
    .containers.filter((c) => c.color === color && c.state === 'running')
    .map((c) => c.id);
}

function share(world: World, color: string): number {
  const names = new Set(world.containers.filter((c) => c.color === color).map((c) => c.name));
  return world.routes.flatMap((r) => r.backends).filter((b) => names.has(b.container)).length;
}

describe('the plan', () => {
  it('of a first deploy creates, makes ready and routes, without gates', () => {
    expect(steps(plan(new World(), v1, null))).toEqual([
      'clear the color of leftovers',
      'proxy files in place',
      'proxy reads our files',
      'create web ×2 (candidate)',
      'ready: web (candidate)',
      'weight 100',
      'monitor 5 s',
      'complete',
    ]);
  });

  it('of a deploy switches once and retires the old color afterwards', () => {
    expect(steps(plan(deployed(v1), v2, v1)).slice(3)).toEqual([
      'create web ×2 (candidate)',
      'ready: web (candidate)',
      'weight 100',
      'monitor 5 s',
      'complete',
      'drain web (stable)',
      'remove web (stable)',
    ]);
  });

  it('U24 of the version that serves is empty', () => {
    expect(plan(deployed(v1), { ...v1, id: 'again' }, v1)).toEqual({ kind: 'nothing' });
  });

  it('creates services in dependency order, and waits where a dependent needs them healthy', () => {
    const api = service('api', { route: null });
    const front = service('web', {
      dependsOn: [{ service: 'api', condition: 'service_healthy', required: true, restart: false }],
    });
    const migrate = service('migrate', { placement: 'one-shot', route: null });
    const to = release('v1', [front, api, migrate]);
    expect(steps(plan(new World(), to, null)).slice(3, 8)).toEqual([
      'create api ×2 (candidate)',
      'ready: api (candidate)',
      'create web ×2 (candidate)',
      'run migrate once',
      'ready: api, web (candidate)',
    ]);
  });

  it('U25 of a change of replicas alone scales in the live color without steps in between', () => {
    const bigger = release('v1', [service('web', { replicas: 4 })], { id: 'bigger' });
    expect(steps(plan(deployed(v1), bigger, v1))).toEqual([
      'create web ×2 (candidate)',
      'ready: web (candidate)',
      'routes follow the replicas',
      'complete',
    ]);
  });
});

describe('blue-green', () => {
  it('B01 moves all traffic at once, watches, completes and then retires the old color after its time', () => {
    const kept = release('v2', [service('web', { retireAfterMs: 30_000 })]);
    const old = release('v1', [service('web', { retireAfterMs: 30_000 })]);
    const world = deployed(old);
    const held = run(world, plan(world, kept, old));
    expect(held.states).toEqual(['pending', 'updating', 'completed']);
    expect(world.log).toEqual(['t0 prepare', 't0 create web to 2 (candidate)', 't1 route 100', 't6 set-color']);
    expect(world.containers).toHaveLength(4);
    world.now += 30_000;
    resume(world, held.record);
    expect(running(world, 'blue')).toEqual([]);
    expect(running(world, 'green')).toHaveLength(2);
  });

  it.each([
    { was: 0, is: 30_000, kept: 2 },
    { was: 30_000, is: 0, kept: 0 },
  ])('B01 today’s file says how long the old color stays: $is ms, whatever it said before', (given) => {
    const old = release('v1', [service('web', { retireAfterMs: given.was })]);
    const world = deployed(old);
    run(world, plan(world, release('v2', [service('web', { retireAfterMs: given.is })]), old));
    expect(running(world, 'blue')).toHaveLength(given.kept);
  });

  it('drains before it removes: a request in flight outlives the switch', () => {
    const world = deployed(v1, { inFlightSeconds: 12 });
    run(world, plan(world, v2, v1));
    expect(world.log.at(-2)).toBe('t13.1 remove shop-blue-web-1 shop-blue-web-2');
  });

  it('drained is idle all together: one that was idle, and is asked once more while another drains, is waited for', () => {
    const first = (id: string): boolean => id === 'c1';
    const isBusy = (id: string, s: number): boolean => (first(id) ? s < 15 : s >= 13 && s < 20);
    const world = deployed(v1, { isBusy });
    run(world, plan(world, v2, v1));
    expect(world.log.at(-2)).toBe('t21.1 remove shop-blue-web-1 shop-blue-web-2');
  });

  it('takes the traffic back from a candidate that is dead when the old color would go', () => {
    const kept = (name: string) => release(name, [service('web', { retireAfterMs: 30_000 })]);
    const world = deployed(kept('v1'), { scripts: { v2: { '*': script('r1,x9') } } });
    const held = run(world, plan(world, kept('v2'), kept('v1')));
    expect(held.states.at(-1)).toBe('completed');
    world.now += 30_000;
    const { record } = resume(world, held.record);
    expect(record).toMatchObject({ state: 'rollback_completed', message: 'no replica of web is alive any more' });
    expect(share(world, 'blue')).toBe(2);
    expect(running(world, 'blue')).toHaveLength(2);
    expect(world.containers).toHaveLength(2);
  });

  it('takes the traffic back from a replica that somebody takes from its network', () => {
    const kept = (name: string) => release(name, [service('web', { retireAfterMs: 30_000 })]);
    const world = deployed(kept('v1'));
    const held = run(world, plan(world, kept('v2'), kept('v1')));
    const cutOff = world.containers.map((c) => (c.color === 'green' ? { ...c, addresses: {} } : c));
    world.containers.splice(0, cutOff.length, ...cutOff);
    world.now += 30_000;
    expect(resume(world, held.record).record.state).toBe('rollback_completed');
    expect(running(world, 'blue')).toHaveLength(2);
  });

  it('removes the old color beside a candidate that lost one of its replicas', () => {
    const world = deployed(v1, { inFlightSeconds: 12, scripts: { v2: { '1': script('r1,x9') } } });
    const { record } = run(world, plan(world, v2, v1));
    expect(record.state).toBe('completed');
    expect(running(world, 'blue')).toEqual([]);
  });

  it('stops waiting for requests in flight at drain_timeout', () => {
    const world = deployed(v1, { inFlightSeconds: 1000 });
    run(world, plan(world, v2, v1));
    expect(world.log.at(-2)).toBe('t31 remove shop-blue-web-1 shop-blue-web-2');
  });

  it('B04 waits for the promotion time before it moves any traffic', () => {
    const gated = release('v2', [service('web', { promote: 10_000 })]);
    const world = deployed(v1);
    expect(run(world, plan(world, gated, v1)).record.state).toBe('completed');
    expect(world.log).toContain('t11 route 100');
  });

  it('B06 shows a small preview and has every replica ready before the switch', () => {
    const small = release('v2', [service('web', { previewReplicas: 1, promote: 10_000 })]);
    const world = deployed(v1);
    run(world, plan(world, small, v1));
    expect(world.log.slice(1, 4)).toEqual([
      't0 create web to 1 (candidate)',
      't11 create web to 2 (candidate)',
      't12 route 100',
    ]);
  });

  it('an exit before ready sends everything back and never moves traffic', () => {
    const world = deployed(v1, { scripts: { v2: { '*': script('x2') } } });
    const before = running(world, 'blue');
    const { record, states } = run(world, plan(world, v2, v1));
    expect(states).toEqual(['pending', 'updating', 'rollback_started', 'rollback_completed']);
    expect(record.message).toBe('shop-green-web-1: exited with code 1');
    expect(world.log.some((line) => line.includes('route'))).toBe(false);
    expect(running(world, 'blue')).toEqual(before);
    expect(running(world, 'green')).toEqual([]);
    expect(world.networks.has('shop-green')).toBe(false);
  });

  it('U23 a candidate that never becomes ready fails at progress_deadline', () => {
    const slow = release('v2', [service('web', { progressDeadlineMs: 20_000 })]);
    const world = deployed(v1, { scripts: { v2: { '*': script('h') } } });
    const { record } = run(world, plan(world, slow, v1));
    expect(record.state).toBe('rollback_completed');
    expect(record.message).toContain('not ready after 20 s');
    expect(world.seconds).toBeCloseTo(20, 0);
  });

  it('B22 a candidate that dies in its window gives the traffic back, then goes', () => {
    const world = deployed(v1, { scripts: { v2: { '*': script('r1,x2') } } });
    const before = running(world, 'blue');
    const { record } = run(world, plan(world, v2, v1));
    expect(record.state).toBe('rollback_completed');
    expect(record.message).toContain('was ready, then exited with code 1');
    expect(world.log.filter((line) => line.includes('route'))).toEqual(['t1 route 100', 't3 route 0']);
    expect(running(world, 'blue')).toEqual(before);
    expect(share(world, 'blue')).toBe(2);
  });

  it('a stable release whose containers cannot be started again (their network is gone) is created anew', () => {
    const world = deployed(v1, { scripts: { v2: { '*': script('x2') } } });
    const dead = world.containers.map((c) => ({ ...c, state: 'exited' as const, health: 'none' as const }));
    world.containers.splice(0, dead.length, ...dead);
    const { record } = run(world, plan(world, v2, v1));
    expect(record.state).toBe('rollback_completed');
    expect(running(world, 'blue')).toHaveLength(2);
    expect(share(world, 'blue')).toBe(2);
  });

  it('B16 what cannot be created turns the rollout around with the words of the engine', () => {
    const world = deployed(v1, { createFails: { v2: 'port is already allocated' } });
    const { record } = run(world, plan(world, v2, v1));
    expect(record.state).toBe('rollback_completed');
    expect(record.message).toContain('port is already allocated');
  });

  it('B21 does not complete while the proxy shows something else, and goes back at progress_deadline', () => {
    const short = release('v2', [service('web', { progressDeadlineMs: 20_000 })]);
    const world = deployed(v1, { routerLiesUntil: 10 });
    expect(run(world, plan(world, short, v1)).record.state).toBe('completed');
    const stubborn = deployed(v1, { routerLiesUntil: 40 });
    const { states } = run(stubborn, plan(stubborn, short, v1));
    expect(states).toContain('rollback_started');
    expect(states).not.toContain('completed');
  });

  it('a container that is created and cannot be started fails at once and is taken away', () => {
    const world = deployed(v1, { startFails: { v2: 'port is already allocated' } });
    const begin = world.now;
    const { record } = run(world, plan(world, v2, v1));
    expect(record.state).toBe('rollback_completed');
    expect(record.message).toContain('cannot be started: port is already allocated');
    expect(world.now - begin).toBe(0);
    expect(world.containers.every((c) => c.color === 'blue')).toBe(true);
  });

  it('a proxy that refuses its configuration is not asked twice', () => {
    const world = deployed(v1, { proxyRefuses: 'unknown directive' });
    const { record } = run(world, plan(world, v2, v1));
    expect(record.state).toBe('rollback_completed');
    expect(record.message).toBe('unknown directive');
    expect(world.log.filter((line) => line.includes('route'))).toHaveLength(1);
    expect(share(world, 'blue')).toBe(2);
  });

  it('U30 a failed first deploy pauses, because there is nothing to go back to', () => {
    const world = new World({ scripts: { v1: { '*': script('x1') } } });
    const { record } = run(world, plan(world, v1, null));
    expect(record.state).toBe('paused');
    expect(record.pauseReason).toBe('failure');
    expect(record.message).toContain('there is no previous release');
  });

  it('a first deploy that could not start anything leaves nothing to look at, and ends', () => {
    const world = new World({ createFails: { v1: 'no such network' } });
    const { record } = run(world, plan(world, v1, null));
    expect(record.state).toBe('rollback_completed');
    expect(record.message).toContain('no such network');
  });

  it('U34 a broken old version is no reason to wait', () => {
    const world = deployed(v1, { scripts: { v1: { '*': script('h') } } });
    expect(run(world, plan(world, v2, v1)).record.state).toBe('completed');
  });

  it('tolerates failures up to max_failure_ratio and routes only what is ready', () => {
    const tolerant = release('v2', [service('web', { update: { ...update, maxFailureRatio: 0.5 } })]);
    const world = deployed(v1);
    const { record } = run(world, plan(world, tolerant, v1), {
      meanwhile: (now, w) => {
        const first = w.containers.find((c) => c.color === 'green');
        if (first !== undefined && now.failures.length === 0 && now.ready[first.id] === undefined) {
          return {
            kind: 'container-failed',
            failure: {
              side: 'candidate',
              service: 'web',
              container: first.name,
              id: first.id,
              reason: 'exited',
              at: w.now,
            },
          };
        }
        return null;
      },
    });
    expect(record.state).toBe('completed');
    expect(share(world, 'green')).toBe(1);
  });

  it('an abort gives everything back, whenever it comes before completion', () => {
    for (let at = 0; at < 6000; at += 250) {
      const world = deployed(v1);
      const begin = world.now;
      const before = running(world, 'blue');
      const { record } = run(world, plan(world, v2, v1), {
        meanwhile: (now, w) =>
          w.now - begin >= at && !now.aborted && now.state === 'updating' ? { kind: 'abort-requested' } : null,
      });
      expect(record.state, `abort at ${String(at)} ms`).toBe('rollback_completed');
      expect(running(world, 'blue')).toEqual(before);
      expect(running(world, 'green')).toEqual([]);
      expect(share(world, 'blue')).toBe(2);
    }
  });
});

describe('the way back later', () => {
  it('B13 within retire_after only weight moves', () => {
    const kept = release('v2', [service('web', { retireAfterMs: 60_000 })]);
    const world = deployed(v1);
    const first = run(world, plan(world, kept, v1));
    world.log.length = 0;
    const back = plan(world, v1, kept, { live: { kind: 'color', color: 'green' }, verb: 'rollback' });
    expect(first.record.state).toBe('completed');
    expect(steps(back).slice(-3)[0]).toBe('hold 1m');
    const { record } = run(world, back, { verb: 'rollback' });
    expect(record.state).toBe('completed');
    expect(world.log.slice(0, 2)).toEqual([expect.stringContaining('route 100'), expect.stringContaining('set-color')]);
    expect(world.log.some((line) => line.includes('create'))).toBe(false);
  });
});

describe('scale', () => {
  it('up keeps every container and routes the new ones when they are ready', () => {
    const bigger = release('v1', [service('web', { replicas: 4 })], { id: 'bigger' });
    const world = deployed(v1);
    const before = running(world, 'blue');
    run(world, plan(world, bigger, v1));
    expect(running(world, 'blue')).toEqual([...before, ...running(world, 'blue').slice(2)]);
    expect(share(world, 'blue')).toBe(4);
  });

  it('down takes the highest slots out of the router first, then drains and removes them', () => {
    const four = release('v1', [service('web', { replicas: 4 })], { id: 'four' });
    const two = release('v1', [service('web', { replicas: 2 })], { id: 'two' });
    const world = deployed(four);
    run(world, plan(world, two, four));
    expect(world.log).toEqual(['t0 route 0', expect.stringContaining('remove shop-blue-web-4 shop-blue-web-3')]);
    expect(share(world, 'blue')).toBe(2);
  });
});

describe('adoption and reset', () => {
  it('an uncolored project serves until the candidate is in, then goes', () => {
    const world = new World();
    world.seed(side(v1, null));
    const compiled = plan(world, v2, null, { live: { kind: 'uncolored' } });
    expect(run(world, compiled).record.state).toBe('completed');
    expect(running(world, null)).toEqual([]);
    expect(share(world, 'blue')).toBe(2);
  });

  it('an adoption that fails leaves the uncolored project as it was', () => {
    const world = new World({ scripts: { v2: { '*': script('x1') } } });
    world.seed(side(v1, null));
    const before = running(world, null);
    const { record } = run(world, plan(world, v2, null, { live: { kind: 'uncolored' } }));
    expect(record.state).toBe('rollback_completed');
    expect(running(world, null)).toEqual(before);
  });

  it('reset is adoption in reverse', () => {
    const world = deployed(v1);
    const { record } = run(world, compileReset(v1, { kind: 'color', color: 'blue' }), { verb: 'reset' });
    expect(record.state).toBe('completed');
    expect(running(world, 'blue')).toEqual([]);
    expect(running(world, null)).toHaveLength(2);
    expect(world.color).toBeNull();
  });
});

describe('a killed process', () => {
  /** A deploy of v2 over v1 killed before each of its decisions in turn, until there is none left. */
  function* killedDeploys(): Generator<{
    readonly kill: number;
    readonly world: World;
    readonly record: RolloutRecord;
  }> {
    for (let kill = 1; ; kill++) {
      const world = deployed(v1);
      let rounds = 0;
      const { record } = run(world, plan(world, v2, v1), { killAfter: () => ++rounds > kill });
      if (rounds <= kill) return;
      yield { kill, world, record };
    }
  }

  it('is continued by the same call from any point, and ends as if nothing had happened', () => {
    const reference = deployed(v1);
    run(reference, plan(reference, v2, v1));
    for (const { kill, world, record: killed } of killedDeploys()) {
      const { record } = resume(world, killed);
      expect(record.state, `killed before decision ${String(kill)}`).toBe('completed');
      expect(world.containers.map((c) => c.name)).toEqual(reference.containers.map((c) => c.name));
      expect(world.routes).toEqual(reference.routes);
      expect(world.color).toBe('green');
    }
  });

  it('and taken back by the next command is as it was before, down to the color file', () => {
    const before = deployed(v1).containers.map((c) => c.name);
    let last = 0;
    for (const { kill, world, record: killed } of killedDeploys()) {
      const aborts = steering(killed, 'abort');
      if (aborts === null) continue;
      const { record } = resume(world, apply(killed, aborts, world.now));
      const at = `killed before decision ${String(kill)}`;
      expect(record.state, at).toBe('rollback_completed');
      expect(
        world.containers.map((c) => c.name),
        at,
      ).toEqual(before);
      expect(world.color, at).toBe('blue');
      last = kill;
    }
    expect(last).toBeGreaterThan(10);
  });
});

describe('the version before', () => {
  const names = (world: World): (string[] | undefined)[] =>
    world.routes.map(({ spare }) => spare?.map(({ container }) => container));

  it('is asked where nobody of the new one can be, from the switch on', () => {
    const world = deployed(v1);
    const before = world.containers.map(({ name }) => name);
    const looks: unknown[] = [];
    run(world, plan(world, v2, v1), { meanwhile: () => (looks.push(...names(world)), null) });
    expect(new Set(looks.map((seen) => JSON.stringify(seen)))).toEqual(new Set([undefined, JSON.stringify(before)]));
  });

  it('is not what a rollout goes back from', () => {
    const world = deployed(v1);
    const sick = plan(world, release('v2', [service('web')]), v1);
    run(world, sick, { meanwhile: (record) => (record.weight === 100 ? steering(record, 'abort') : null) });
    expect(names(world)).toEqual([undefined]);
    expect(running(world, 'blue')).toHaveLength(2);
  });
});
