import { describe, expect, it } from 'vitest';
import { type Dependency, jobsOf, type ServiceSpec } from '../../src/core/project.ts';
import { resume, run, script, type World } from '../support/simulator.ts';
import { config, counts, deploy, inPlace, plan, serving, steps } from '../support/rollouts.ts';
import { release, service, side, unchanged } from '../support/specs.ts';

const COMPLETED = 'service_completed_successfully';

const on = (name: string, over: Partial<Dependency> = {}): { readonly dependsOn: readonly Dependency[] } => ({
  dependsOn: [{ service: name, condition: 'service_started', required: true, restart: false, ...over }],
});

/** The actions on replicas, without their times. */
const done = (world: World): string[] =>
  world.log.map((line) => line.split(' ').slice(1).join(' ')).filter((line) => /^(create|remove) /.test(line));

describe('a sidecar in the network of another service', () => {
  // What Compose says of `network_mode: service:web`.
  const SIDE = on('web', { restart: true });

  function sidecar(kind: (name: string, over: Partial<ServiceSpec>) => ServiceSpec): World {
    const of = (version: string) =>
      release(version, [kind('web', { replicas: 1 }), kind('side', { ...SIDE, replicas: 1, route: null })]);
    const world = serving(of('v1'));
    const to = unchanged(of('v2'), of('v1'), 'side');
    expect(deploy(world, to, of('v1')).record.state).toBe('completed');
    return world;
  }

  it('D06 is made anew in place after the service that has the network, though nothing of its own changed', () => {
    expect(done(sidecar(inPlace))).toEqual([
      'create web to 2 (candidate)',
      'remove shop-web-1',
      'create side to 2 (candidate)',
      'remove shop-side-1',
    ]);
  });

  it('D06 is made in the color of the service that has the network', () => {
    const world = sidecar((name, over) => service(name, over));
    expect(world.containers.map(({ name }) => name)).toEqual(['shop-green-web-1', 'shop-green-side-1']);
  });
});

describe('a shared service that was stopped, and exited with 0', () => {
  function started(jobs: readonly string[]): boolean {
    const of = (version: string) => release(version, [inPlace('web', { replicas: 1, ...on('db') })]);
    const world = serving(of('v1'));
    world.seedByHand(side(of('v1'), null), 'db', 1, { state: 'exited', exitCode: 0 });
    run(world, plan(world, of('v2'), of('v1'), { shared: ['db'], jobs }));
    return world.log.some((line) => line.includes('start-shared'));
  }

  it('is started, unless it may have done its work', () => {
    expect([started([]), started(['db'])]).toEqual([true, false]);
  });

  it('may have, if nothing restarts it, checks its health, waits for it or sends requests through it', () => {
    const shared = (name: string, over: Partial<ServiceSpec> = {}) =>
      service(name, { placement: 'shared', route: null, hasHealthcheck: false, restart: 'no', ...over });
    const all = [
      ...[shared('buckets'), shared('limited', { restart: 'on-failure:3' }), shared('proxy'), shared('db')],
      ...[shared('queue', { hasHealthcheck: true }), shared('cache', { restart: 'unless-stopped' }), shared('seed')],
      service('web', { dependsOn: [...on('db').dependsOn, ...on('seed', { condition: COMPLETED }).dependsOn] }),
    ];
    const services = Object.fromEntries(all.map((spec) => [spec.name, spec]));
    const proxy = { driver: 'nginx', service: 'proxy', output: null, mounted: null, template: null } as const;
    expect([...jobsOf({ services, proxy })]).toEqual(['buckets', 'limited', 'seed']);
  });
});

describe('a dependency that is not required', () => {
  const web = (over: Partial<ServiceSpec>) => inPlace('web', { replicas: 1, ...over });

  /** A deploy while a shared cache is there that has exited with 1. */
  function withDeadCache(optional: readonly string[]) {
    const of = (version: string) => release(version, [web(on('cache'))]);
    const world = serving(of('v1'));
    world.seedByHand(side(of('v1'), null), 'cache', 1, { state: 'exited', exitCode: 1 });
    return { world, ...run(world, plan(world, of('v2'), of('v1'), { shared: ['cache'], optional })) };
  }

  it('D09 a shared service that fails is a warning, and the deploy goes on', () => {
    const { record, warnings } = withDeadCache(['cache']);
    expect(record.state).toBe('completed');
    expect(warnings).toEqual([
      'the shared service cache is not healthy (shop-cache-1 exited with code 1); nothing requires it, so the deploy goes on',
    ]);
  });

  it('D09 one that is required stops the deploy before anything of the release starts', () => {
    const { record, world, warnings } = withDeadCache([]);
    expect([record.state, warnings]).toEqual(['rollback_completed', []]);
    expect(done(world)).toEqual([]);
  });

  it.each([
    { required: false, state: 'completed', warned: 1 },
    { required: true, state: 'rollback_completed', warned: 0 },
  ])('D09 a one-shot that fails, required: $required, ends as $state', ({ required, state, warned }) => {
    const seed = inPlace('seed', { placement: 'one-shot' });
    const needs = on('seed', { condition: 'service_completed_successfully', required });
    const of = (version: string) => release(version, [web(needs), seed]);
    const world = serving(of('v1'), { runFails: { seed: 'ended with exit code 1' } });
    const { record, warnings } = deploy(world, of('v2'), of('v1'));
    expect([record.state, warnings.length]).toEqual([state, warned]);
  });

  it('D09 one of the release itself has to be ready all the same: a release is whole or not at all', () => {
    const needs = on('api', { condition: 'service_healthy', required: false });
    const of = (version: string) => release(version, [web(needs), inPlace('api', { replicas: 1 })]);
    const world = serving(of('v1'), { scripts: { v2: { api: script('x1') } } });
    expect(deploy(world, of('v2'), of('v1')).record.state).toBe('rollback_completed');
    expect(counts(world)).toEqual({ v1: 2 });
  });
});

describe('a process that is killed', () => {
  it('X03 on the way back: the next one goes on with the way back, whatever the candidate has become', () => {
    const spec = service('web', { update: config({ monitorMs: 60_000 }) });
    const [v1, v2] = [release('v1', [spec]), release('v2', [spec])];
    const world = serving(v1, { scripts: { v2: { web: script('r1,x5') } } });
    const killed = deploy(world, v2, v1, { killAfter: ({ state }) => state === 'rollback_started' });
    expect(killed.record).toMatchObject({ state: 'rollback_started', weight: 100 });
    world.change({ scripts: {} });
    const [before, restarted] = [world.log.length, resume(world, killed.record)];
    expect(restarted.states).toEqual(['rollback_started', 'rollback_completed']);
    expect(world.log.slice(before).map((line) => line.split(' ').slice(1, 3).join(' '))).toEqual([
      'route 0',
      'remove shop-green-web-1',
      'remove-networks',
    ]);
    expect(counts(world)).toEqual({ v1: 2 });
  });

  it.each(['updating', 'rollback_started'] as const)(
    'X03 at any moment of the way back, after a kill while %s: it never turns forward again',
    (state) => {
      for (let kill = 1; kill < 12; kill += 1) {
        const spec = inPlace('web', { replicas: 3 });
        const [v1, v2] = [release('v1', [spec]), release('v2', [spec])];
        const world = serving(v1, { scripts: { v2: { web: [script('r1'), script('x1')] } } });
        let seen = 0;
        const killed = deploy(world, v2, v1, { killAfter: (now) => now.state === state && (seen += 1) === kill });
        const wasBack = killed.record.state === 'rollback_started';
        const { states, record } = resume(world, killed.record);
        expect(record.state, `kill ${String(kill)}`).toBe('rollback_completed');
        if (wasBack) expect(states).not.toContain('updating');
        expect(counts(world)).toEqual({ v1: 3 });
      }
    },
  );

  it('U28 the same version again goes on with the rollout under way: no slot is started twice', () => {
    const spec = inPlace('web', { replicas: 3 });
    const [v1, v2] = [release('v1', [spec]), release('v2', [spec])];
    const world = serving(v1);
    const killed = deploy(world, v2, v1, { killAfter: () => counts(world)['v2'] === 1 && counts(world)['v1'] === 2 });
    const first = world.containers.filter((c) => c.version === 'v2').map((c) => c.id);
    const { record } = resume(world, killed.record);
    expect([record.id, record.state]).toEqual([killed.record.id, 'completed']);
    expect(world.containers.map((c) => c.id)).toEqual(expect.arrayContaining(first));
    expect(done(world).filter((line) => line.startsWith('create'))).toHaveLength(3);
    expect(steps(plan(world, v2, v2))).toEqual([]);
  });
});
