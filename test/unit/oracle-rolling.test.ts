import { describe, expect, it } from 'vitest';
import type { RolloutRecord } from '../../src/core/record.ts';
import { previousRelease } from '../../src/core/releases-stack.ts';
import { run, script, scripts, World } from '../support/simulator.ts';
import {
  ask,
  config,
  counts,
  deploy,
  inPlace,
  plan,
  restedAt,
  rollout,
  serving,
  starts,
  steps,
} from '../support/rollouts.ts';
import { release, service, side, unchanged } from '../support/specs.ts';

const stopFirst = config({ order: 'stop-first' });
const v2 = (...texts: string[]) => ({ scripts: { v2: { web: scripts(...texts) } } });

describe('rolling, one service without a route', () => {
  it('U01 one slot after the other: stop, start, ready', () => {
    const { world, log, record } = rollout({ update: stopFirst });
    expect(log.filter((line) => !line.includes('color'))).toEqual([
      't0 remove shop-web-1',
      't0 create web to 3 (candidate)',
      't1 remove shop-web-2',
      't1 create web to 3 (candidate)',
      't2 remove shop-web-3',
      't2 create web to 3 (candidate)',
    ]);
    expect([record.state, restedAt(world)]).toEqual(['completed', 8]);
  });

  it('U02 parallelism 0 is all at once', () => {
    const { world, log, record } = rollout({ replicas: 4, update: config({ order: 'stop-first', parallelism: 0 }) });
    expect(log.slice(0, 2)).toEqual([
      't0 remove shop-web-1 shop-web-2 shop-web-3 shop-web-4',
      't0 create web to 4 (candidate)',
    ]);
    expect([record.state, restedAt(world)]).toEqual(['completed', 6]);
  });

  it('U03 two at a time with a delay between batches, and none after the last', () => {
    const { world, record } = rollout({ replicas: 5, update: config({ parallelism: 2, delayMs: 10_000 }) });
    expect(starts(world)).toEqual([0, 11, 22]);
    expect([record.state, restedAt(world)]).toEqual(['completed', 28]);
  });

  it('U05 start-first waits until the old one is gone: never more than one too many', () => {
    let most = 0;
    const { world, record } = rollout(
      { stopGraceMs: 30_000 },
      { stopSeconds: { v1: 20 } },
      {
        meanwhile: (_record, w) => {
          most = Math.max(most, w.containers.length);
          return null;
        },
      },
    );
    expect(starts(world)).toEqual([0, 21, 42]);
    expect(most).toBe(4);
    expect([record.state, restedAt(world)]).toEqual(['completed', 63]);
  });

  it('U06 stop-first starts nothing before the old one is gone', () => {
    const { world, record } = rollout({ replicas: 2, update: stopFirst }, { stopSeconds: { v1: 2 } });
    expect(starts(world)).toEqual([2, 5]);
    expect([record.state, restedAt(world)]).toEqual(['completed', 11]);
  });

  it('U07 a failure pauses before anything else is touched, if that is asked for', () => {
    const { world, record } = rollout({ update: config({ order: 'stop-first', failureAction: 'pause' }) }, v2('x1'));
    expect(starts(world)).toEqual([0]);
    expect(record).toMatchObject({ state: 'paused', pauseReason: 'failure' });
    expect(record.message).toContain('exited with code 1');
    expect(world.containers.map((c) => c.version)).toEqual(['v1', 'v1', 'v2']);
    expect(world.seconds).toBe(1);
  });

  it('U09 continue goes through all slots and says what failed', () => {
    const { world, record } = rollout(
      { update: config({ order: 'stop-first', failureAction: 'continue' }) },
      v2('x1', 'r1'),
    );
    expect(starts(world)).toEqual([0, 1, 2]);
    expect([record.state, record.message, restedAt(world)]).toEqual(['completed', 'web: 1 of 3 replicas failed', 8]);
  });

  it.each([
    { id: 'U10', replicas: 3, ratio: 0.34, at: 8 },
    { id: 'U11', replicas: 2, ratio: 0.5, at: 7 },
  ])('$id failures up to max_failure_ratio are tolerated', ({ replicas, ratio, at }) => {
    const tolerant = config({ order: 'stop-first', maxFailureRatio: ratio });
    const { world, record } = rollout({ replicas, update: tolerant }, v2('x1', 'r1'));
    expect([record.state, restedAt(world)]).toEqual(['completed', at]);
  });

  it('U13 too many failures go back at the pace of rollback_config, and leave alone what was not touched', () => {
    const tolerant = config({ order: 'stop-first', maxFailureRatio: 0.4, delayMs: 1000 });
    const { world, record, before } = rollout(
      { replicas: 4, update: tolerant, rollback: { ...tolerant, failureAction: 'pause' } },
      v2('x1', 'r1', 'x1'),
      {},
    );
    expect(starts(world)).toEqual([0, 2, 4]);
    expect(starts(world, 'stable')).toEqual([5, 7, 9]);
    expect(counts(world)).toEqual({ v1: 4 });
    expect(world.containers.map((c) => c.id)).toContain(before[3]);
    expect([record.state, restedAt(world)]).toEqual(['rollback_completed', 15]);
  });

  it('U15 failures on the way back are tolerated if rollback_config says so', () => {
    const tolerant = config({ order: 'stop-first', maxFailureRatio: 0.4, delayMs: 1000 });
    const { world, record } = rollout(
      { replicas: 4, update: tolerant, rollback: { ...tolerant, failureAction: 'continue' } },
      { scripts: { v1: { web: scripts('r1', 'r1', 'r1', 'r1', 'x1') }, v2: { web: scripts('x1', 'r1', 'x1') } } },
    );
    expect(starts(world, 'stable')).toHaveLength(3);
    expect(record.state).toBe('rollback_completed');
    expect(counts(world)).toEqual({ v1: 1 });
  });

  it('U16 an exit with code 0 is a failure, too', () => {
    const { record } = rollout(
      { update: config({ failureAction: 'pause' }) },
      { scripts: { v2: { web: { readyAt: 1, exitAt: 2, exitCode: 0 } } } },
    );
    expect(record).toMatchObject({ state: 'paused', pauseReason: 'failure' });
    expect(record.message).toContain('was ready, then exited with code 0');
  });

  it('U18 a death in the delay counts, and the way back brings both slots back', () => {
    const { world, result, record } = rollout({ replicas: 2, update: config({ delayMs: 30_000 }) }, v2('r1', 'r1,x3'));
    expect(record.failures[0]?.at).toBe(1_000_000 + 35_000);
    expect(result.states).toEqual(['pending', 'updating', 'rollback_started', 'rollback_completed']);
    expect(restedAt(world)).toBe(42);
    expect(counts(world)).toEqual({ v1: 2 });
  });

  it('U19 what never was ready has no window that could be over', () => {
    const { world, record } = rollout({ replicas: 1, update: config({ failureAction: 'pause' }) }, v2('u60'));
    expect([record.state, restedAt(world)]).toEqual(['paused', 60]);
  });

  it('U20 a crash loop is one failure', () => {
    const { record } = rollout(
      { update: config({ maxFailureRatio: 0.4 }) },
      { scripts: { v2: { web: [{ readyAt: 1, exitAt: 2, restarts: 5 }, script('r1')] } } },
    );
    expect(record.failures).toHaveLength(1);
    expect(record.state).toBe('completed');
  });

  it.each([
    { monitorMs: 0, at: [0, 0, 0] },
    { monitorMs: 5000, at: [0, 5, 10] },
  ])('U22 without a health check running for monitor ($monitorMs ms) is ready', ({ monitorMs, at }) => {
    const { world, record } = rollout({ hasHealthcheck: false, update: config({ monitorMs }) }, v2('n'));
    expect(record.state).toBe('completed');
    expect(starts(world)).toEqual(at);
  });

  it('U23 not ready by progress_deadline goes back with the same old containers', () => {
    const { world, record, before } = rollout({ progressDeadlineMs: 20_000 }, v2('h'));
    expect([record.state, restedAt(world)]).toEqual(['rollback_completed', 20]);
    expect(record.message).toContain('not ready after 20 s');
    expect(world.containers.map((c) => c.id)).toEqual(before);
  });

  it('U24 the release that serves changes nothing', () => {
    const v1 = release('v1', [inPlace('web')]);
    expect(plan(serving(v1), { ...v1, id: 'again' }, v1)).toEqual({ kind: 'nothing' });
  });

  it('U25 a change of replicas alone only creates what is missing', () => {
    const [two, four] = [inPlace('web', { replicas: 2 }), inPlace('web', { replicas: 4 })];
    const v1 = release('v1', [two]);
    const world = serving(v1);
    const before = world.containers.map((c) => c.id);
    const { record } = deploy(world, release('v1', [four], { id: 'r-four' }), v1);
    expect(world.log).toEqual(['t0 create web to 4 (candidate)']);
    expect(world.containers.map((c) => c.id).slice(0, 2)).toEqual(before);
    expect(record).toMatchObject({ state: 'completed', scale: true });
  });

  it('U29 all of a first batch fail: the old containers were never stopped', () => {
    const { world, record, before } = rollout({ update: config({ parallelism: 0 }) }, v2('x1'));
    expect(world.log).toEqual(['t0 create web to 6 (candidate)', expect.stringContaining('t1 remove')]);
    expect(world.containers.map((c) => c.id)).toEqual(before);
    expect(record.state).toBe('rollback_completed');
  });

  it('U30 a first deploy that fails pauses, and keeps what it started', () => {
    const world = new World({ scripts: { v1: { '*': script('x1') } } });
    const { record } = deploy(world, release('v1', [inPlace('web')]), null);
    expect(record).toMatchObject({ state: 'paused', pauseReason: 'failure' });
    expect(record.message).toContain('there is no previous release');
    expect(world.containers).toHaveLength(3);
  });

  it('U31 rollback walks back and does not toggle', () => {
    const releases = ['v1', 'v2', 'v3'].map((version) => release(version, [inPlace('web')]));
    const [first, second, third] = releases as [(typeof releases)[0], (typeof releases)[0], (typeof releases)[0]];
    const world = serving(first);
    const records: RolloutRecord[] = [deploy(new World(), first, null).record];
    records.push(deploy(world, second, first).record, deploy(world, third, second).record);
    for (const [from, to] of [
      [third, second],
      [second, first],
    ] as const) {
      expect(previousRelease(records)).toBe(to.id);
      records.push(run(world, plan(world, to, from, { verb: 'rollback', records }), { verb: 'rollback' }).record);
      expect(counts(world)).toEqual({ [to.version]: 3 });
    }
    expect(records.map(({ state }) => state)).toEqual(Array(5).fill('completed'));
  });

  it.each(['resume', 'retry'] as const)('U32 %s tries the failed slot again, with no failure counted', (verb) => {
    const { world, record } = rollout(
      { update: config({ order: 'stop-first', failureAction: 'pause' }) },
      v2('x1', 'r1'),
    );
    const done = ask(world, record, verb);
    expect(starts(world)).toEqual([0, 1, 2, 3]);
    expect(done).toMatchObject({ state: 'completed', failures: [] });
    expect(counts(world)).toEqual({ v2: 3 });
  });

  it('U33 what cannot be created pauses with all old ones serving', () => {
    const { world, record } = rollout(
      { update: config({ failureAction: 'pause' }) },
      { createFails: { v2: 'No such image' } },
    );
    expect(record).toMatchObject({ state: 'paused', pauseReason: 'failure' });
    expect(record.message).toContain('No such image');
    expect(counts(world)).toEqual({ v1: 3 });
  });

  it('U34 a broken old version is no reason to wait', () => {
    const { world, record } = rollout({}, { scripts: { v1: { web: script('h') } } });
    expect(record.state).toBe('completed');
    expect(counts(world)).toEqual({ v2: 3 });
  });

  it('U35 a pause leaves the rest of the batch alone', () => {
    const { world, record } = rollout(
      { replicas: 4, update: config({ parallelism: 2, failureAction: 'pause', order: 'stop-first' }) },
      v2('x1', 'r3'),
    );
    expect([record.state, restedAt(world)]).toEqual(['paused', 1]);
    world.now += 2000;
    const [, second] = world.observed().containers.filter((c) => c.version === 'v2');
    expect(second?.health).toBe('healthy');
    expect(counts(world)).toEqual({ v1: 2, v2: 1 });
  });
});

describe('a later deploy over one that is in flight', () => {
  const [v1, second, third] = ['v1', 'v2', 'v3'].map((version) => release(version, [inPlace('web')])) as [
    ReturnType<typeof release>,
    ReturnType<typeof release>,
    ReturnType<typeof release>,
  ];

  /** v2 is superseded after its first slot; then v3 begins. */
  function superseded() {
    const world = serving(v1);
    const { record } = deploy(world, second, v1, {
      meanwhile: (now, w) =>
        counts(w)['v1'] === 2 && !now.aborted ? { kind: 'abort-requested', replaced: true } : null,
    });
    return { world, record };
  }

  it('U27 replaces the slots of both, and never starts the oldest again', () => {
    const { world, record } = superseded();
    expect(record.state).toBe('superseded');
    expect(counts(world)).toEqual({ v1: 2, v2: 1 });
    const after = run(world, plan(world, third, v1, { records: [record] }));
    expect(after.record.state).toBe('completed');
    expect(starts(world, 'stable')).toEqual([]);
    expect(counts(world)).toEqual({ v3: 3 });
  });

  it('U27 an abort of the later one goes to the release that completed last', () => {
    const { world, record } = superseded();
    const after = run(world, plan(world, third, v1, { records: [record] }), {
      meanwhile: (now, w) => ((counts(w)['v3'] ?? 0) > 1 && !now.aborted ? { kind: 'abort-requested' } : null),
    });
    expect(after.record.state).toBe('rollback_completed');
    expect(counts(world)).toEqual({ v1: 3 });
  });
});

describe('rolling with what others left there', () => {
  const v1 = release('v1', [inPlace('web')]);
  const to = release('v2', [inPlace('web')]);

  function adopted(world: World) {
    return run(world, plan(world, to, null, { live: { kind: 'uncolored' } }));
  }

  it('adopts what docker compose up started', () => {
    const world = new World();
    world.seedByHand(side(v1, null), 'web', 3);
    expect(adopted(world).record.state).toBe('completed');
    expect(counts(world)).toEqual({ v2: 3 });
  });

  it('replaces doubled and exited replicas, and never has more than it found', () => {
    const world = new World();
    world.seedByHand(side(v1, null), 'web', 5);
    world.seedByHand(side(v1, null), 'web', 2, { state: 'exited', exitCode: 1 });
    const { record } = adopted(world);
    expect(record.state).toBe('completed');
    expect(world.containers.map((c) => c.version)).toEqual(['v2', 'v2', 'v2']);
  });

  it('keeps adopted containers as long as the way back needs them', () => {
    const world = new World({ scripts: { v2: { web: script('x1') } } });
    world.seedByHand(side(v1, null), 'web', 3);
    const before = world.containers.map((c) => c.id);
    expect(adopted(world).record.state).toBe('rollback_completed');
    expect(world.containers.map((c) => c.id)).toEqual(before);
  });

  it('says what serves where adopted containers are gone that no release can bring back', () => {
    const world = new World({ scripts: { v2: { web: scripts('r1', 'x1') } } });
    world.seedByHand(side(v1, null), 'web', 3);
    const { record } = adopted(world);
    expect(record.state).toBe('rollback_paused');
    expect(record.message).toContain('1 of the 3 containers that ran before are gone');
    expect(counts(world)).toEqual({ v1: 2, v2: 1 });
  });
});

describe('several services', () => {
  const after = (name: string) => [
    { service: name, condition: 'service_healthy' as const, required: true, restart: false },
  ];
  const both = (version: string) =>
    release(version, [inPlace('web', { dependsOn: after('db'), replicas: 2 }), inPlace('db', { replicas: 1 })]);

  it('D01 nothing is done to web before db is ready in its new form', () => {
    const world = serving(both('v1'));
    expect(deploy(world, both('v2'), both('v1')).record.state).toBe('completed');
    expect(world.log.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      't0 create db',
      't1 remove shop-db-1',
      't1 create web',
      't2 remove shop-web-1',
      't2 create web',
      't3 remove shop-web-2',
    ]);
  });

  it('D03 one failure brings all back, in reverse order', () => {
    const world = serving(both('v1'), { scripts: { v2: { web: scripts('r1', 'x1') } } });
    expect(deploy(world, both('v2'), both('v1')).record.state).toBe('rollback_completed');
    expect(counts(world)).toEqual({ v1: 3 });
    const back = world.log.filter((line) => line.includes('(stable)')).map((line) => line.split(' ')[2]);
    expect(back).toEqual(['web', 'db']);
  });

  it.each([
    { restart: false, touched: false },
    { restart: true, touched: true },
  ])('D04 of a service that depends on a changed one, restart: $restart', ({ restart, touched }) => {
    const dependsOn = [{ service: 'db', condition: 'service_started' as const, required: true, restart }];
    const of = (version: string) => release(version, [inPlace('web', { dependsOn }), inPlace('db')]);
    const from = of('v1');
    const planned = steps(plan(serving(from), unchanged(of('v2'), from, 'web'), from));
    expect(planned.some((step) => step.includes('web'))).toBe(touched);
  });

  it.each([
    { fails: undefined, state: 'completed', runs: 1 },
    { fails: { migrate: 'ended with exit code 1' }, state: 'rollback_completed', runs: 1 },
  ])('D05 a one-shot runs before those that wait for it, once ($state)', ({ fails, state, runs }) => {
    const migrate = inPlace('migrate', { placement: 'one-shot' });
    const dependsOn = [
      { service: 'migrate', condition: 'service_completed_successfully' as const, required: true, restart: false },
    ];
    const of = (version: string) => release(version, [inPlace('web', { dependsOn }), migrate]);
    const world = serving(of('v1'), fails === undefined ? {} : { runFails: fails });
    const before = world.containers.map((c) => c.id);
    const { record } = deploy(world, of('v2'), of('v1'));
    expect(record.state).toBe(state);
    expect(world.log.filter((line) => line.includes('run migrate'))).toHaveLength(runs);
    if (fails !== undefined) expect(world.containers.map((c) => c.id)).toEqual(before);
  });
});

describe('rolling with a route', () => {
  const route = { port: 3000, host: null, path: null, probe: null };
  const routesOf = (world: World): string[] => world.log.filter((line) => line.includes('route'));
  const backends = (world: World) => world.routes.flatMap((r) => r.backends.map((b) => b.container));

  it('changes the routes once a batch, and never routes fewer than before', () => {
    let least = Infinity;
    const { world, record } = rollout(
      { route },
      {},
      {
        meanwhile: (_record, w) => {
          least = Math.min(least, backends(w).length);
          return null;
        },
      },
    );
    expect(record.state).toBe('completed');
    expect(routesOf(world)).toHaveLength(3);
    expect(least).toBe(3);
    expect(backends(world)).toEqual(world.containers.map((c) => c.name));
  });

  it('stop-first takes a replica out of the routes and drains it before it is stopped', () => {
    const { world, record } = rollout({ route, replicas: 2, update: stopFirst }, { inFlightSeconds: 3 });
    expect(record.state).toBe('completed');
    expect(world.log.slice(1, 4)).toEqual(['t0 route 0', 't3.1 remove shop-web-1', 't3.1 create web to 2 (candidate)']);
    expect(backends(world)).toHaveLength(2);
  });

  it('keeps an old replica in the routes for each slot that failed, until completion', () => {
    const { world, record } = rollout({ route, update: config({ maxFailureRatio: 0.4 }) }, v2('r1', 'x1', 'r1'));
    expect(record.state).toBe('completed');
    expect(world.log.findIndex((line) => line.includes('remove shop-web-3'))).toBe(world.log.length - 1);
    expect(backends(world)).toHaveLength(2);
    expect(counts(world)).toEqual({ v2: 2 });
  });

  it('takes a replica that dies and is tolerated out of the routes at once', () => {
    const tolerant = config({ maxFailureRatio: 0.4, delayMs: 20_000 });
    const { world } = rollout({ route, update: tolerant }, v2('r1,x3', 'r1'));
    expect(routesOf(world).slice(0, 2)).toEqual(['t1 route 0', 't4 route 0']);
  });

  it('goes back slot by slot with the routes', () => {
    const { world, record } = rollout({ route }, v2('r1', 'r1', 'x1'));
    expect(record.state).toBe('rollback_completed');
    expect(backends(world)).toEqual(world.containers.map((c) => c.name));
    expect(counts(world)).toEqual({ v1: 3 });
  });
});

describe('in place and in color, in one rollout', () => {
  const of = (version: string) =>
    release(version, [service('web'), inPlace('worker', { replicas: 2 }), service('api', { route: null })]);
  const [v1, to] = [of('v1'), of('v2')];

  it('rolls what is in place after the color is ready and before it gets traffic', () => {
    expect(steps(plan(serving(v1), to, v1))).toEqual([
      'clear the color of leftovers',
      'proxy files in place',
      'proxy reads our files',
      'create web ×2 (candidate)',
      'create api ×2 (candidate)',
      'ready: web, api (candidate)',
      'create worker ×1 (candidate)',
      'ready: worker (candidate)',
      'shrink worker to 1 (stable)',
      'create worker ×2 (candidate)',
      'ready: worker (candidate)',
      'shrink worker to 0 (stable)',
      'ready: web, api (candidate)',
      'weight 100',
      'monitor 5 s',
      'monitor worker (candidate)',
      'complete',
      'drain web (stable)',
      'remove api, web (stable)',
    ]);
  });

  it('completes as a whole', () => {
    const world = serving(v1);
    expect(deploy(world, to, v1).record.state).toBe('completed');
    expect(counts(world)).toEqual({ v2: 6 });
    expect(world.color).toBe('green');
  });

  it('goes back as a whole when a color fails after the switch', () => {
    const world = serving(v1, { scripts: { v2: { web: script('r1,x3') } } });
    expect(deploy(world, to, v1).record.state).toBe('rollback_completed');
    expect(counts(world)).toEqual({ v1: 6 });
    expect(world.color).toBe('blue');
  });

  it('does not touch the color if only services in place changed', () => {
    const world = serving(v1);
    const { record } = deploy(world, unchanged(to, v1, 'web', 'api'), v1);
    expect(record).toMatchObject({ state: 'completed', candidate: { color: 'blue' } });
    expect(counts(world)).toEqual({ v1: 4, v2: 2 });
    expect(world.log.every((line) => line.includes('worker') || line.includes('prepare'))).toBe(true);
  });

  it('does not touch services in place if only the color changed', () => {
    const world = serving(v1);
    expect(deploy(world, unchanged(to, v1, 'worker'), v1).record.state).toBe('completed');
    expect(world.log.filter((line) => line.includes('worker'))).toEqual([]);
  });

  it('moves a service from its place into the color', () => {
    const moved = release('v2', [service('web'), service('worker', { replicas: 2 }), service('api', { route: null })]);
    const world = serving(v1);
    expect(deploy(world, moved, v1).record.state).toBe('completed');
    expect(world.containers.every((c) => c.color === 'green')).toBe(true);
  });

  it('moves everything out of the color', () => {
    const plain = release('v2', [
      inPlace('web', { replicas: 2, route: { port: 3000, host: null, path: null, probe: null } }),
    ]);
    const world = serving(release('v1', [service('web')]));
    expect(deploy(world, plain, release('v1', [service('web')])).record.state).toBe('completed');
    expect(world.containers.map((c) => [c.color, c.version])).toEqual(Array(2).fill([null, 'v2']));
    expect(world.color).toBeNull();
  });

  it('removes what the release does not have any more after completion', () => {
    const from = release('v1', [inPlace('web'), inPlace('old', { replicas: 1 })]);
    const world = serving(from);
    const { record } = deploy(world, release('v2', [inPlace('web')]), from);
    expect(record.state).toBe('completed');
    expect(world.log.at(-1)).toContain('remove shop-old-1');
  });
});
