import { describe, expect, it } from 'vitest';
import { outcomeOf } from '../../src/app/outcome.ts';
import type { ServiceSpec } from '../../src/core/project.ts';
import { script, type World, type WorldOptions } from '../support/simulator.ts';
import { ask, config, counts, deploy, plan, serving, steps } from '../support/rollouts.ts';
import { release, service } from '../support/specs.ts';

function recreated(options: WorldOptions = {}, over: Partial<ServiceSpec> = {}) {
  const spec = service('web', { strategy: 'recreate', update: config({ order: 'stop-first' }), ...over });
  const [v1, v2] = [release('v1', [spec]), release('v2', [spec])];
  const world = serving(v1, options);
  const before = world.containers.map((c) => c.id);
  return { world, v1, v2, before, record: deploy(world, v2, v1).record };
}

const backends = (world: World): number => world.routes.flatMap((r) => r.backends).length;

describe('recreate', () => {
  it('says in its plan that nothing serves in between', () => {
    const { v1, v2 } = recreated();
    expect(steps(plan(serving(v1), v2, v1)).slice(3)).toEqual([
      'routes follow the replicas',
      'drain web (stable)',
      'stop web (stable): nothing serves until the candidate does',
      'create web ×2 (candidate)',
      'ready: web (candidate)',
      'weight 100',
      'monitor 5 s',
      'complete',
      'drain web (stable)',
      'remove web (stable)',
    ]);
  });

  it('D07 stops both old ones before any new one starts, and removes them only after completion', () => {
    const { world, record } = recreated();
    expect(record.state).toBe('completed');
    expect(world.log.map((line) => line.split(' ').slice(1).join(' '))).toEqual([
      'prepare',
      'route 0',
      'stop shop-blue-web-1 shop-blue-web-2',
      'create web to 2 (candidate)',
      'route 100',
      'set-color',
      'remove shop-blue-web-1 shop-blue-web-2',
      'remove-networks',
    ]);
    expect(counts(world)).toEqual({ v2: 2 });
  });

  it('D07 finishes the requests in flight before it stops anything', () => {
    const { world } = recreated({ inFlightSeconds: 4 });
    expect(world.log.find((line) => line.includes('stop'))).toMatch(/^t4.1 stop/);
  });

  it('D07 says for how long nobody served: from when the old one began to leave until the new one was confirmed', () => {
    const { world, record } = recreated({
      inFlightSeconds: 4,
      stopSeconds: { v1: 3 },
      scripts: { v2: { web: script('r2') } },
    });
    const [off, on] = ['route 0', 'route 100'].map((what) => world.log.find((line) => line.endsWith(what)));
    expect([off, on]).toEqual(['t0 route 0', 't9.1 route 100']);
    expect(record).toMatchObject({ downSince: null, downMs: 9100 });
    expect(outcomeOf(record, { cause: null, details: [] }, null)).toMatchObject({
      downMs: 9100,
      message: 'v2 (green) serves all traffic; nothing served for 9100 ms',
    });
  });

  it('counts without a route from when the old one is stopped', () => {
    const { record } = recreated({ stopSeconds: { v1: 3 }, scripts: { v2: { web: script('r2') } } }, { route: null });
    expect(record.downMs).toBe(5000);
  });

  it('counts a way back, too, until the old one serves again; and nothing where nothing was stopped', () => {
    const { record } = recreated({ scripts: { v1: { web: script('r1') }, v2: { web: script('x2') } } });
    expect([record.state, record.downMs]).toEqual(['rollback_completed', 3200]);
    const spec = service('web');
    const v1 = release('v1', [spec]);
    expect(deploy(serving(v1), release('v2', [spec]), v1).record.downMs).toBeNull();
  });

  it.each([{ dies: 'x1' }, { dies: 'r1,x2' }])(
    'D08 a candidate that fails ($dies) goes, and the same old containers start again',
    ({ dies }) => {
      const { world, record, before } = recreated({ scripts: { v2: { web: script(dies) } } });
      expect(record.state).toBe('rollback_completed');
      expect(world.containers.map((c) => c.id)).toEqual(before);
      expect(counts(world)).toEqual({ v1: 2 });
      expect(backends(world)).toBe(2);
      const [removed, started] = ['remove', 'start'].map((word) =>
        world.log.findIndex((line) => line.includes(` ${word}`)),
      );
      expect(removed).toBeLessThan(started ?? 0);
    },
  );

  it('a pause for failure keeps what failed, and retry makes it anew', () => {
    const update = config({ order: 'stop-first', failureAction: 'pause' });
    const { world, record } = recreated({ scripts: { v2: { web: [script('x1'), script('r1')] } } }, { update });
    expect([record.state, record.pauseReason]).toEqual(['paused', 'failure']);
    expect(ask(world, record, 'retry').state).toBe('completed');
    expect(counts(world)).toEqual({ v2: 2 });
  });

  it('an abort at any moment starts the old ones again', () => {
    for (let at = 0; at < 7000; at += 500) {
      const spec = service('web', { strategy: 'recreate' });
      const [v1, v2] = [release('v1', [spec]), release('v2', [spec])];
      const world = serving(v1, { inFlightSeconds: 1 });
      const before = world.containers.map((c) => c.id);
      const begin = world.now;
      const { record } = deploy(world, v2, v1, {
        meanwhile: (now, w) =>
          w.now - begin >= at && !now.aborted && now.state === 'updating' ? { kind: 'abort-requested' } : null,
      });
      expect(record.state, `abort at ${String(at)} ms`).toBe('rollback_completed');
      expect(world.containers.map((c) => c.id)).toEqual(before);
      expect(counts(world)).toEqual({ v1: 2 });
      expect(backends(world)).toBe(2);
    }
  });
});
