import { describe, expect, it } from 'vitest';
import { comingBack, followedRoutes, toRestart } from '../../src/core/followed-routes.ts';
import type { ObservedContainer, ProbeReading, RouterReading } from '../../src/core/observed.ts';
import type { ServiceSpec } from '../../src/core/project.ts';
import { release, service, side } from '../support/specs.ts';
import { World } from '../support/simulator.ts';

const PROBE = { port: 3000, path: '/', intervalMs: 250, timeoutMs: 2000, status: [200, 399] } as const;
const PROBED = { route: { port: 3000, host: null, path: null, probe: PROBE }, hasHealthcheck: false };
const SICK = { health: 'unhealthy' } as const;
const DEAD = { state: 'exited', exitCode: 137, health: 'none' } as const;

/** Two replicas of v1 in blue; `asked` are those that the proxy sends requests to, `probes` who has answered. */
function seen(
  changed: readonly Partial<ObservedContainer>[],
  asked: readonly number[],
  over: Partial<ServiceSpec> = {},
  probes: Readonly<Record<number, boolean>> = {},
) {
  const v1 = release('v1', [service('web', over)]);
  const world = new World({});
  world.seed(side(v1, 'blue'));
  const observed = world.observed();
  const containers = observed.containers.map((c, index) => ({ ...c, ...changed[index] }));
  const nameOf = (index: number): string => containers[index]?.name ?? '';
  const backends = asked.map((index) => ({ container: nameOf(index), port: 3000, weight: 1 }));
  const readings = Object.entries(probes).map(([index, ok]): [string, ProbeReading] => [
    containers[Number(index)]?.id ?? '',
    { ok, detail: '', at: 0 },
  ]);
  const router = {
    kind: 'routes',
    routes: [{ service: 'web', host: null, path: null, backends }],
    parts: null,
  } as const;
  const followed = {
    observed: { ...observed, containers, router, probes: Object.fromEntries(readings) },
    live: { kind: 'color', color: 'blue' } as const,
    release: v1,
    now: 100_000,
  };
  const routes = followedRoutes(followed)?.[0]?.backends.map(({ container }) => container);
  const indices = routes?.map((name) => containers.findIndex((c) => c.name === name)).toSorted();
  return {
    routes: indices ?? null,
    back: comingBack(followed).length,
    restart: toRestart(followed)?.name ?? null,
    nameOf,
  };
}

describe('a proxy that has not loaded what it was told', () => {
  const v1 = release('v1', [service('web')]);
  const world = new World({});
  world.seed(side(v1, 'blue'));
  const followed = (router: RouterReading) =>
    followedRoutes({
      observed: { ...world.observed(), router },
      live: { kind: 'color', color: 'blue' },
      release: v1,
      now: 0,
    });

  it('is told again', () => {
    const names = world.observed().containers.map(({ name }) => name);
    const routes = followed({ kind: 'unreadable', reason: 'not loaded', isUnsettled: true });
    expect(routes?.[0]?.backends.map(({ container }) => container)).toEqual(names);
  });

  it('is another than one that does not answer', () => {
    expect(followed({ kind: 'unreadable', reason: 'silent' })).toBeNull();
  });
});

describe('the proxy follows the live replicas', () => {
  it('has nothing to be told while it asks all that are well', () => {
    expect(seen([{}, {}], [0, 1])).toMatchObject({ routes: null, back: 0 });
  });

  it('leaves out one that is dead or unhealthy', () => {
    for (const broken of [DEAD, SICK]) expect(seen([broken, {}], [0, 1]).routes).toEqual([1]);
  });

  it('leaves out one that Docker has restarted, until it is healthy; one that only Docker’s restart has made so stays', () => {
    const starting = (startedAt: number) => ({ health: 'starting', startedAt }) as const;
    expect(seen([starting(99_000), {}], [0, 1]).routes).toEqual([1]);
    expect(seen([starting(-300_000), {}], [0, 1]).routes).toBeNull();
  });

  it('takes one back when it is healthy, and not before', () => {
    expect(seen([{ health: 'starting' }, {}], [1])).toMatchObject({ routes: null, back: 1 });
    expect(seen([{ health: 'healthy' }, {}], [1]).routes).toEqual([0, 1]);
  });

  it('takes one back that has answered its probe', () => {
    const unchecked = { health: 'none' } as const;
    for (const probes of [{}, { 0: false }])
      expect(seen([unchecked, unchecked], [1], PROBED, probes).routes).toBeNull();
    expect(seen([unchecked, unchecked], [1], PROBED, { 0: true }).routes).toEqual([0, 1]);
  });

  it('takes one back that nobody can ask when it has run for its monitor time', () => {
    const over = { route: { port: 3000, host: null, path: null, probe: null } };
    const since = (startedAt: number) => ({ health: 'none', startedAt }) as const;
    expect(seen([since(99_999), {}], [1], over)).toMatchObject({ routes: null, back: 1 });
    expect(seen([since(1), {}], [1], over).routes).toEqual([0, 1]);
  });

  it('never leaves out the last one, whatever becomes of it', () => {
    for (const broken of [DEAD, SICK]) expect(seen([DEAD, broken], [1]).routes).toBeNull();
    expect(seen([{ health: 'starting' }, SICK], [1]).routes).toBeNull();
    expect(seen([SICK, SICK], [0, 1]).routes).toBeNull();
  });

  it('tells it who runs where it asks nobody at all', () => {
    expect(seen([{ health: 'starting' }, DEAD], []).routes).toEqual([0]);
  });
});

describe('liveness: restart', () => {
  const RESTART = { liveness: 'restart' } as const;

  it('is for one that is unhealthy, is asked by nobody, and is not the last', () => {
    const { restart, nameOf } = seen([SICK, {}], [1], RESTART);
    expect(restart).toBe(nameOf(0));
    expect(seen([SICK, {}], [0, 1], RESTART).restart).toBeNull();
    expect(seen([SICK, SICK], [1], RESTART).restart).toBeNull();
    expect(seen([SICK, {}], [1]).restart).toBeNull();
  });
});
