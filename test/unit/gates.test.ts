import { describe, expect, it } from 'vitest';
import { compile, type Compiled } from '../../src/core/compile.ts';
import { apply } from '../../src/core/apply.ts';
import { type RolloutRecord } from '../../src/core/record.ts';
import type { Release } from '../../src/core/release.ts';
import type { ServiceSpec } from '../../src/core/project.ts';
import { type Steering, steering } from '../../src/core/steer.ts';
import { resume, run, script, World, type WorldOptions } from '../support/simulator.ts';
import { release, service, side } from '../support/specs.ts';

const v1 = release('v1', [service('web')]);

function gated(over: Partial<ServiceSpec>, version = 'v2'): Release {
  return release(version, [service('web', { promote: 'manual', ...over })]);
}

function start(to: Release, options: WorldOptions = {}): { world: World; record: RolloutRecord } {
  const world = new World(options);
  world.seed(side(v1, 'blue'));
  return { world, record: run(world, plan(world, to)).record };
}

function plan(world: World, to: Release, first = false): Compiled {
  const live = first ? ({ kind: 'none' } as const) : ({ kind: 'color', color: 'blue' } as const);
  return compile({
    verb: 'deploy',
    release: to,
    live,
    liveRelease: first ? null : v1,
    observed: world.observed(),
    records: [],
    shared: [],
    force: false,
  });
}

function asked(world: World, record: RolloutRecord, verb: Steering): RolloutRecord {
  const event = steering(record, verb);
  if (event === null) throw new Error(`${verb} is not possible while ${record.state}`);
  return resume(world, apply(record, event, world.now)).record;
}

function counts(world: World): { blue: number; green: number } {
  const of = (color: string): number => world.containers.filter((c) => c.color === color).length;
  return { blue: of('blue'), green: of('green') };
}

const routesSeen = (world: World): string[] => world.log.filter((line) => line.includes('route'));

describe('a gate', () => {
  it('B03 that only a person opens leaves the traffic where it is until then', () => {
    const { world, record } = start(gated({}));
    expect(record).toMatchObject({ state: 'paused', pauseReason: 'step', weight: 0 });
    expect(routesSeen(world)).toEqual([]);
    expect(asked(world, record, 'promote').state).toBe('completed');
    expect(routesSeen(world)).toHaveLength(1);
  });

  it('B15 is no wait for ready: progress_deadline does not count there', () => {
    const { world, record } = start(gated({ progressDeadlineMs: 2000 }));
    world.now += 10_000;
    const still = resume(world, record).record;
    expect(still).toMatchObject({ state: 'paused', failures: [] });
  });

  it('B04 with a time opens by itself, and not before', () => {
    const { world, record } = start(gated({ promote: 10_000 }));
    expect(record.state).toBe('completed');
    expect(routesSeen(world)).toEqual(['t11 route 100']);
  });

  it('X01 keeps its time when the process that waited is killed and comes back late', () => {
    const world = new World();
    world.seed(side(v1, 'blue'));
    const killed = run(world, plan(world, gated({ promote: 60_000 })), {
      killAfter: (now) => now.state === 'paused' && world.seconds > 10,
    });
    const before = world.log.length;
    world.now += 80_000;
    expect(resume(world, killed.record).record.state).toBe('completed');
    expect(world.log[before]).toContain('route 100');
  });

  it('a person’s pause outranks its time', () => {
    const world = new World();
    world.seed(side(v1, 'blue'));
    const paused = run(world, plan(world, gated({ replicas: 2, promote: 'auto' })), {
      meanwhile: (now, w) => (now.state === 'updating' && w.seconds >= 0.5 ? { kind: 'user-paused' } : null),
    });
    world.now += 100_000;
    const still = resume(world, paused.record).record;
    expect(still).toMatchObject({ state: 'paused', pauseReason: 'user' });
    expect(routesSeen(world)).toEqual([]);
    expect(asked(world, still, 'resume').state).toBe('completed');
  });

  it('B12 aborted at it, the candidate goes and nothing else was touched', () => {
    const { world, record } = start(gated({}));
    const before = world.containers.filter((c) => c.color === 'blue').map((c) => c.id);
    expect(asked(world, record, 'abort').state).toBe('rollback_completed');
    expect(world.containers.map((c) => c.id)).toEqual(before);
  });

  it('B17 a later deploy takes the place of one that waits at it', () => {
    const { world, record } = start(gated({}));
    expect(asked(world, record, 'supersede').state).toBe('superseded');
    const third = run(world, plan(world, gated({}, 'v3'))).record;
    expect(third.state).toBe('paused');
    expect(counts(world)).toEqual({ blue: 2, green: 2 });
    expect(world.containers.every((c) => c.version !== 'v2')).toBe(true);
    expect(routesSeen(world).every((line) => line.includes('route 0'))).toBe(true);
  });

  it('B19 is not there on a first deploy', () => {
    const world = new World();
    expect(run(world, plan(world, gated({}), true)).record.state).toBe('completed');
  });

  it('B06 keeps the candidate small until it opens, then every replica is ready before the traffic moves', () => {
    const { world, record } = start(gated({ previewReplicas: 1 }));
    expect(counts(world)).toEqual({ blue: 2, green: 1 });
    expect(asked(world, record, 'promote').state).toBe('completed');
    expect(world.log.filter((line) => line.includes('create') || line.includes('route'))).toEqual([
      't0 create web to 1 (candidate)',
      't1 create web to 2 (candidate)',
      't2 route 100',
    ]);
  });

  it('C25 is left by a candidate that dies there, without a person', () => {
    const { record } = start(gated({ promote: 60_000 }), { scripts: { v2: { '*': script('r1,x5') } } });
    expect(record.state).toBe('rollback_completed');
    expect(record.message).toContain('was ready, then exited');
  });

  it('is passed with all that follow by promote --full, which still waits for ready', () => {
    const { world, record } = start(gated({ previewReplicas: 1 }));
    const ended = asked(world, record, 'promote-full');
    expect(ended).toMatchObject({ state: 'completed', ungated: true });
    expect(routesSeen(world)).toEqual(['t2 route 100']);
  });

  it('does not open twice: there is nothing to promote after it', () => {
    const { world, record } = start(gated({}));
    const done = asked(world, record, 'promote');
    expect(steering(done, 'promote')).toBeNull();
    expect(steering(done, 'abort')).toBeNull();
    expect(steering(done, 'pause')).toBeNull();
  });
});
