import { describe, expect, it } from 'vitest';
import type { CanaryStep, Route, ServiceSpec } from '../../src/core/project.ts';
import type { Match } from '../../src/core/observed.ts';
import type { RolloutRecord } from '../../src/core/record.ts';
import { check } from '../support/checks.ts';
import { script, type World } from '../support/simulator.ts';
import { ask, deploy, plan, serving, steps } from '../support/rollouts.ts';
import { release, service } from '../support/specs.ts';

const PREVIEW: Match = { headers: { 'x-preview': 'candidate' }, cookies: {} };
const ROUTE: Route = { port: 3000, host: null, path: null, probe: null, preview: PREVIEW };

const SMOKE = check({ name: 'smoke', provider: { kind: 'command', run: 'true', in: 'candidate' } });
const CHECKED = { specs: { smoke: SMOKE }, before: ['smoke'], watch: [], after: [] };

function previewed(over: Partial<ServiceSpec>, options = {}): { world: World; record: RolloutRecord } {
  const spec = service('web', { route: ROUTE, ...over });
  const [v1, v2] = [release('v1', [spec]), release('v2', [spec])];
  const world = serving(v1, options);
  return { world, record: deploy(world, v2, v1).record };
}

function planned(over: Partial<ServiceSpec>, verb: 'deploy' | 'rollback' = 'deploy'): string[] {
  const spec = service('web', { route: ROUTE, ...over });
  const v1 = release('v1', [spec]);
  return steps(plan(serving(v1), release('v2', [spec]), v1, { verb }));
}

/** Who gets the requests that match, and by what. */
const way = (world: World) => world.routes[0]?.matched;
const OPEN = 'preview of web by header x-preview=candidate';

describe('a preview', () => {
  it('B03 reaches a candidate that waits at its gate, and nobody else does', () => {
    const { world, record } = previewed({ promote: 'manual' });
    expect(record).toMatchObject({ state: 'paused', weight: 0 });
    expect(way(world)?.match).toEqual(PREVIEW);
    expect(way(world)?.backends.map((b) => b.container)).toEqual(['shop-green-web-1', 'shop-green-web-2']);
    expect(world.routes[0]?.backends.map((b) => b.container)).toEqual(['shop-blue-web-1', 'shop-blue-web-2']);
    expect(record.message).toBe('waits for a person to promote; requests by header x-preview=candidate reach it');
  });

  it('closes when the candidate gets the traffic', () => {
    const { world, record } = previewed({ promote: 'manual' });
    expect(ask(world, record, 'promote').state).toBe('completed');
    expect(way(world)).toBeUndefined();
  });

  it('closes before an aborted candidate goes', () => {
    const { world, record } = previewed({ promote: 'manual' });
    expect(ask(world, record, 'abort').state).toBe('rollback_completed');
    expect(way(world)).toBeUndefined();
    const [closed, gone] = ['route 0', 'remove '].map((what) => world.log.findLastIndex((line) => line.includes(what)));
    expect(closed).toBeLessThan(gone ?? 0);
  });

  it('B06 leads to the replicas of the preview, however few', () => {
    const { world } = previewed({ promote: 'manual', previewReplicas: 1 });
    expect(way(world)?.backends).toHaveLength(1);
  });

  it('is open while checks before the switch are made, when the candidate is ready', () => {
    expect(planned({ checks: CHECKED }).slice(4, 8)).toEqual([
      'ready: web (candidate)',
      OPEN,
      'check smoke',
      'weight 100',
    ]);
  });

  it('is not opened where nothing waits: a switch at once, a rollback', () => {
    expect(planned({})).not.toContain(OPEN);
    expect(planned({ promote: 'manual', checks: CHECKED }, 'rollback')).not.toContain(OPEN);
  });

  it('loses a candidate that dies, and is closed on the way back', () => {
    const dies = { scripts: { v2: { web: script('r1,x5') } } };
    const { world, record } = previewed({ promote: 60_000 }, dies);
    expect(record.state).toBe('rollback_completed');
    expect(way(world)).toBeUndefined();
  });
});

describe('a preview of a canary', () => {
  const canary = (...list: readonly CanaryStep[]): Partial<ServiceSpec> => ({
    strategy: 'canary',
    replicas: 4,
    steps: list,
  });
  const pause: CanaryStep = { kind: 'pause', ms: null };
  const weight = (share: number): CanaryStep => ({ kind: 'weight', weight: share });

  it('needs a replica before there is any weight, and ends with the first one', () => {
    const { world, record } = previewed(canary(pause, weight(25), pause));
    expect(way(world)?.backends).toHaveLength(1);
    const shared = ask(world, record, 'promote');
    expect([shared.weight, way(world)]).toEqual([25, undefined]);
  });

  it('gives place to a match, and comes back after it', () => {
    const insiders: Match = { headers: { 'x-canary': 'insider' }, cookies: {} };
    const list: CanaryStep[] = [
      pause,
      { kind: 'match', match: insiders },
      pause,
      { kind: 'match', match: null },
      pause,
    ];
    const { world, record } = previewed(canary(...list));
    const matching = ask(world, record, 'promote');
    expect(way(world)?.match).toEqual(insiders);
    ask(world, matching, 'promote');
    expect(way(world)?.match).toEqual(PREVIEW);
  });

  it('is not opened where the traffic begins at once', () => {
    expect(planned(canary(weight(25), pause))).not.toContain(OPEN);
    expect(planned({ ...canary(weight(25), pause), checks: CHECKED })).toContain(OPEN);
  });
});
