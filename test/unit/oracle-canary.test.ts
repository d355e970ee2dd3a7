import { describe, expect, it } from 'vitest';
import type { CanaryStep, ServiceSpec } from '../../src/core/project.ts';
import type { RouteState } from '../../src/core/observed.ts';
import type { RolloutRecord } from '../../src/core/record.ts';
import { desiredRoutes } from '../../src/core/routing.ts';
import { check } from '../support/checks.ts';
import { run, type RunOptions, script, type World, type WorldOptions } from '../support/simulator.ts';
import { ask, config, counts, deploy, inPlace, plan, restedAt, serving, steps as texts } from '../support/rollouts.ts';
import { release, service } from '../support/specs.ts';

type Written = number | 'pause' | `${number}s` | CanaryStep;

/** As people write them: a number is a weight, `pause` waits for a person, `60s` for its time. */
function steps(...written: readonly Written[]): readonly CanaryStep[] {
  return written.map((step): CanaryStep => {
    if (typeof step === 'number') return { kind: 'weight', weight: step };
    if (step === 'pause') return { kind: 'pause', ms: null };
    return typeof step === 'string' ? { kind: 'pause', ms: Number(step.slice(0, -1)) * 1000 } : step;
  });
}

const routed = (over: Partial<ServiceSpec>) => service('web', { strategy: 'canary', ...over });
const unrouted = (over: Partial<ServiceSpec>) => inPlace('web', { strategy: 'canary', ...over });

interface Canary {
  readonly world: World;
  readonly record: RolloutRecord;
}

function canary(spec: ServiceSpec, options: WorldOptions = {}, how: RunOptions = {}): Canary {
  const [v1, v2] = [release('v1', [spec]), release('v2', [spec])];
  const world = serving(v1, options);
  return { world, record: deploy(world, v2, v1, how).record };
}

/** `1/4 25`: running containers of v2 and v1, and the candidate's share of the traffic by the proxy. */
function shown(world: World): string {
  const { v1 = 0, v2 = 0 } = counts(world);
  return `${String(v2)}/${String(v1)} ${String(shareOf(world, 'v2'))}`;
}

function shareOf(world: World, version: string): number {
  const names = new Set(world.containers.filter((c) => c.version === version).map((c) => c.name));
  const backends = world.routes.flatMap((r) => r.backends);
  const sum = (of: typeof backends) => of.reduce((total, { weight }) => total + weight, 0);
  const total = sum(backends);
  return total === 0 ? 0 : Math.round((100 * sum(backends.filter((b) => names.has(b.container)))) / total);
}

/** What is shown at each rest, promoted until it ends. */
function promoted({ world, record }: Canary): { shown: string[]; record: RolloutRecord } {
  const seen: string[] = [shown(world)];
  let now = record;
  while (now.state === 'paused') {
    now = ask(world, now, 'promote');
    seen.push(shown(world));
  }
  return { shown: seen, record: now };
}

const of = (container: string) => ({ container, port: 3000, weight: 1 });
const GREEN = of('shop-green-web-1');

const COMMAND = { kind: 'command', run: 'true', in: 'candidate' } as const;
const CHECKS = {
  before: check({ name: 'before', provider: COMMAND }),
  watch: check({ name: 'watch', provider: COMMAND, intervalMs: 1000, count: null }),
};

const weights = (world: World): number[] =>
  world.log.filter((line) => line.includes('route')).map((line) => Number(line.split(' ')[2]));

describe('canary with a route', () => {
  it('C01 grows with its weight while the stable side keeps its size', () => {
    const started = canary(routed({ replicas: 4, steps: steps(25, 'pause', 75, 'pause') }));
    const { shown: seen, record } = promoted(started);
    expect(seen).toEqual(['1/4 25', '3/4 75', '4/0 100']);
    expect(record.state).toBe('completed');
  });

  it('C02 has at least one replica for any weight', () => {
    const { world, record } = canary(routed({ replicas: 3, steps: steps(10, 'pause') }));
    expect([shown(world), record.state, record.pauseReason]).toEqual(['1/3 10', 'paused', 'step']);
  });

  it('C06 a pause with a time ends by itself', () => {
    const { world, record } = canary(routed({ steps: steps(10, '60s', 20) }));
    expect(record.state).toBe('completed');
    expect(world.log).toContain('t61 route 20');
  });

  it('C07 a pause without a time waits for a person, however long', () => {
    const started = canary(routed({ steps: steps(10, 'pause') }));
    started.world.now += 600_000;
    expect(shown(started.world)).toBe('1/2 10');
    expect(promoted(started).record.state).toBe('completed');
  });

  it('C12 progress_deadline does not count in a pause', () => {
    const { record } = canary(routed({ progressDeadlineMs: 5000, steps: steps(32, '30s', 67) }));
    expect(record).toMatchObject({ state: 'completed', failures: [] });
  });

  it('C13 the weight stays until the replicas for the next one are ready', () => {
    const slow = { scripts: { v2: { web: [script('r1'), script('r15')] } } };
    const { world } = canary(routed({ replicas: 3, steps: steps(20, '1s', 60) }), slow);
    expect(world.log.filter((line) => line.includes('route'))).toEqual([
      't1 route 20',
      't17 route 60',
      't32 route 100',
    ]);
  });

  it('C15 the stable version again is an abort: no steps, no weight, no candidate', () => {
    const { world, record } = canary(routed({ steps: steps(50, 'pause') }));
    const ended = ask(world, record, 'abort');
    expect([ended.state, shown(world)]).toEqual(['rollback_completed', '0/2 0']);
    expect(weights(world)).toEqual([50, 0]);
  });

  it('C16 a candidate that is gone loses its weight before anything else', () => {
    const world = serving(release('v1', [routed({})]));
    const to = release('v2', [routed({ steps: steps(20, '60s') })]);
    const { record } = run(world, plan(world, to, release('v1', [routed({})])), {
      meanwhile: (now, w) => {
        const gone = w.containers.findIndex((c) => c.version === 'v2');
        if (w.seconds >= 1 && now.state === 'paused' && gone >= 0) w.containers.splice(gone, 1);
        return null;
      },
    });
    expect(record.state).toBe('rollback_completed');
    expect(world.log.slice(-2)).toEqual(['t1 route 0', expect.stringContaining('remove-networks')]);
  });

  it('C17 replicas are as the steps say', () => {
    const list = steps(
      'pause',
      { kind: 'replicas', replicas: { percent: 25 } },
      'pause',
      50,
      'pause',
      { kind: 'replicas', replicas: 3 },
      'pause',
      { kind: 'replicas', replicas: 'match' },
      'pause',
    );
    const { shown: seen } = promoted(canary(routed({ replicas: 4, steps: list })));
    expect(seen).toEqual(['0/4 0', '1/4 0', '1/4 50', '3/4 50', '2/4 50', '4/0 100']);
  });

  it('C18 shrink_stable: the stable side shrinks with its weight, and gets it back as it grows', () => {
    const spec = routed({ replicas: 4, shrinkStable: true, steps: steps(25, 'pause', 75, 'pause') });
    const slow = ['r1', 'r1', 'r1', 'r1', 'r1', 'r2', 'r3'].map(script);
    const started = canary(spec, { scripts: { v1: { web: slow } } });
    expect(shown(started.world)).toBe('1/3 25');
    const at75 = ask(started.world, started.record, 'promote');
    expect(shown(started.world)).toBe('3/1 75');
    const before = started.world.log.length;
    const ended = ask(started.world, at75, 'abort');
    expect(ended.state).toBe('rollback_completed');
    expect(started.world.log.slice(before).map((line) => line.replace(/^t\S+ /, ''))).toEqual([
      'create web to 4 (stable)',
      'route 50',
      'route 25',
      'route 0',
      expect.stringContaining('remove shop-green-web-1'),
      'remove-networks',
    ]);
    expect(shown(started.world)).toBe('0/4 0');
  });

  it('C19 every weight of the list is set, and the last one is 100', () => {
    const { world } = canary(routed({ steps: steps(1, 2, 10, 80) }));
    expect(weights(world)).toEqual([1, 2, 10, 80, 100]);
  });

  it('C21 a match reaches the candidate at weight 0, until it is taken away', () => {
    const match = { headers: { 'x-canary': 'insider' }, cookies: {} };
    const list = steps({ kind: 'match', match }, 'pause', { kind: 'match', match: null }, 50, 'pause');
    const { world, record } = canary(routed({ steps: list }));
    expect(world.routes[0]?.matched).toMatchObject({ match, backends: [{ container: 'shop-green-web-1' }] });
    expect(shown(world)).toBe('1/2 0');
    const half = ask(world, record, 'promote');
    expect(world.routes[0]?.matched).toBeUndefined();
    expect(shareOf(world, 'v2')).toBe(50);
    ask(world, half, 'promote');
    expect(world.routes[0]).not.toHaveProperty('matched');
  });

  it('C21 an abort leaves the route clean', () => {
    const match = { headers: {}, cookies: { beta: '1' } };
    const { world, record } = canary(routed({ steps: steps({ kind: 'match', match }, 'pause') }));
    expect(ask(world, record, 'abort').state).toBe('rollback_completed');
    expect(world.routes[0]).not.toHaveProperty('matched');
  });

  it('C20 a mirror copies requests to a candidate that answers nobody, until it is taken away', () => {
    const list = steps({ kind: 'mirror', percent: 100 }, '10s', { kind: 'mirror', percent: 0 }, 10, 'pause');
    let copied: Pick<RouteState, 'backends' | 'mirror'>[] = [];
    const { world, record } = canary(
      routed({ steps: list }),
      {},
      {
        meanwhile: (now, w) => {
          if (now.gateUntil !== null) copied = [...w.routes];
          return null;
        },
      },
    );
    expect(copied).toMatchObject([
      { backends: [of('shop-blue-web-1'), of('shop-blue-web-2')], mirror: { percent: 100, backends: [GREEN] } },
    ]);
    expect(world.log.filter((line) => line.includes('route'))).toEqual(['t1 route 0', 't11 route 0', 't11 route 10']);
    expect(world.routes[0]).not.toHaveProperty('mirror');
    expect(ask(world, record, 'promote').state).toBe('completed');
    expect(world.routes[0]).not.toHaveProperty('mirror');
  });

  it('C20 nobody gets copies after an abort, or from a candidate that died', () => {
    const list = steps({ kind: 'mirror', percent: 50 }, '60s');
    const { world, record } = canary(routed({ steps: list }), { scripts: { v2: { web: script('r1,x5') } } });
    expect([record.state, shown(world)]).toEqual(['rollback_completed', '0/2 0']);
    expect(world.routes[0]).not.toHaveProperty('mirror');
  });

  it('before checks and pre_switch hooks come before the first copies, a watch with the first answers', () => {
    const hook = { kind: 'host', command: 'true', timeoutMs: 1000 } as const;
    const spec = routed({
      checks: { specs: CHECKS, before: ['before'], watch: ['watch'], after: [] },
      hooks: { pre_switch: [hook] },
      steps: steps({ kind: 'mirror', percent: 50 }, { kind: 'mirror', percent: 0 }, 10),
    });
    const v1 = release('v1', [spec]);
    expect(texts(plan(serving(v1), release('v2', [spec]), v1)).slice(5, 12)).toEqual([
      'check before',
      'hook pre_switch: true on the host',
      'mirror 50 %',
      'mirror nothing',
      'weight 10',
      'watch watch',
      'create web ×2 (candidate)',
    ]);
  });

  it.each([
    { way: { kind: 'match', match: { headers: { a: 'b' }, cookies: {} } } },
    { way: { kind: 'mirror', percent: 100 } },
  ] as const)('at weight 0 a $way.kind follows the replicas, and at least one is there for it', ({ way }) => {
    const list = steps(
      way,
      'pause',
      { kind: 'replicas', replicas: 3 },
      'pause',
      { kind: 'replicas', replicas: 0 },
      'pause',
    );
    const { world, record } = canary(routed({ replicas: 4, steps: list }));
    const reached = (): number => (world.routes[0]?.matched ?? world.routes[0]?.mirror)?.backends.length ?? 0;
    expect([shown(world), reached()]).toEqual(['1/4 0', 1]);
    const larger = ask(world, record, 'promote');
    expect([shown(world), reached()]).toEqual(['3/4 0', 3]);
    ask(world, larger, 'promote');
    expect([shown(world), reached()]).toEqual(['1/4 0', 1]);
    const [left, gone] = ['route', 'remove'].map((word) => world.log.findLastIndex((line) => line.includes(word)));
    expect(left).toBeLessThan(gone ?? 0);
  });

  it('C23 the steps are those that were accepted, whatever the file says now', () => {
    const started = canary(routed({ steps: steps(10, 'pause', 30) }));
    expect(promoted(started).record.state).toBe('completed');
    expect(weights(started.world)).toEqual([10, 30, 100]);
  });

  it('C25 a candidate that dies in a pause goes back without a person', () => {
    const dies = { scripts: { v2: { web: script('r1,x5') } } };
    const { world, record } = canary(routed({ steps: steps(10, '60s') }), dies);
    expect([record.state, shown(world)]).toEqual(['rollback_completed', '0/2 0']);
  });

  it('promote --full drops the pauses, not the weights', () => {
    const { world, record } = canary(routed({ steps: steps(10, 'pause', 50, 'pause') }));
    expect(ask(world, record, 'promote-full').state).toBe('completed');
    expect(weights(world)).toEqual([10, 50, 100]);
  });

  it('goes down as it went up: the weight first, then the replicas', () => {
    const { shown: seen } = promoted(canary(routed({ replicas: 4, steps: steps(75, 'pause', 25, 'pause') })));
    expect(seen).toEqual(['3/4 75', '1/4 25', '4/0 100']);
  });

  it('has no steps on a first deploy', () => {
    const v1 = release('v1', [routed({ steps: steps(10, 'pause') })]);
    const world = serving(v1);
    world.containers.length = 0;
    world.color = null;
    expect(deploy(world, v1, null).record.state).toBe('completed');
  });

  it('retry after the failure of a step goes on from there', () => {
    const failing = { scripts: { v2: { web: [script('r1'), script('x1'), script('r1')] } } };
    const update = config({ failureAction: 'pause' });
    const { world, record } = canary(routed({ replicas: 2, update, steps: steps(50, '1s') }), failing);
    expect([record.state, record.weight]).toEqual(['paused', 50]);
    expect(ask(world, record, 'retry').state).toBe('completed');
    expect(shown(world)).toBe('2/0 100');
  });
});

describe('canary without a route', () => {
  it.each([
    { order: 'stop-first', wanted: { v1: 2, v2: 1 } },
    { order: 'start-first', wanted: { v1: 3, v2: 1 } },
  ] as const)('C03 10 % of three, $order', ({ order, wanted }) => {
    const { world } = canary(unrouted({ update: config({ order }), steps: steps(10, 'pause') }));
    expect(counts(world)).toEqual(wanted);
  });

  it.each([
    { replicas: 2, weight: 75, wanted: { v1: 1, v2: 1 } },
    { replicas: 5, weight: 90, wanted: { v1: 1, v2: 4 } },
    { replicas: 10, weight: 95, wanted: { v1: 1, v2: 9 } },
  ])('C05 $weight % of $replicas, stop-first', ({ replicas, weight, wanted }) => {
    const update = config({ order: 'stop-first' });
    const { world } = canary(unrouted({ replicas, update, steps: steps(weight, 'pause') }));
    expect(counts(world)).toEqual(wanted);
  });

  it('C09 aborted in its pause the old container was kept; deployed again it pauses again', () => {
    const spec = unrouted({ replicas: 1, steps: steps(50, '3s') });
    const [v1, v2] = [release('v1', [spec]), release('v2', [spec])];
    const world = serving(v1);
    const before = world.containers.map((c) => c.id);
    const aborted = deploy(world, v2, v1, {
      meanwhile: (now) => (now.state === 'paused' && !now.aborted ? { kind: 'abort-requested' } : null),
    });
    expect(aborted.record.state).toBe('rollback_completed');
    expect(world.containers.map((c) => c.id)).toEqual(before);
    const again = deploy(world, { ...v2, id: 'again' }, v1);
    expect(again.states).toEqual(['pending', 'updating', 'paused', 'updating', 'completed']);
    expect(restedAt(world)).toBe(1 + 1 + 3 + 5 - 3);
  });

  it('C22 never fewer than all are ready, up, down and on the way back', () => {
    const spec = unrouted({ steps: steps(100, 'pause', 0, 'pause', 100, 'pause') });
    let least = Infinity;
    let most = 0;
    const [v1, v2] = [release('v1', [spec]), release('v2', [spec])];
    const world = serving(v1);
    const look = () => {
      const seen = world.observed().containers;
      least = Math.min(least, seen.filter((c) => c.health === 'healthy').length);
      most = Math.max(most, seen.length);
      return null;
    };
    const up = deploy(world, v2, v1, { meanwhile: look }).record;
    expect(counts(world)).toEqual({ v2: 3 });
    const down = ask(world, up, 'promote', look);
    expect(counts(world)).toEqual({ v1: 3 });
    const again = ask(world, down, 'promote', look);
    expect(counts(world)).toEqual({ v2: 3 });
    expect(ask(world, again, 'abort', look).state).toBe('rollback_completed');
    expect(counts(world)).toEqual({ v1: 3 });
    expect([least, most]).toEqual([3, 4]);
  });
});

describe('a sticky canary', () => {
  it('C24 keeps clients by a cookie whose key is the rollout; only replicas with traffic count as the candidate’s', () => {
    const sticky = { cookie: 'side', maxAgeMs: 60_000 };
    const { world, record } = canary(routed({ sticky, steps: steps(50, 'pause') }));
    const [route] = desiredRoutes(record, world.observed(), 50);
    const green = route?.backends.map(({ container }) => container).filter((name) => name.includes('green'));
    expect(route?.sticky).toEqual({ ...sticky, key: record.id, candidates: green });
    expect(green).not.toEqual([]);
    expect(desiredRoutes(record, world.observed(), 0)[0]?.sticky?.candidates).toEqual([]);
  });
});
