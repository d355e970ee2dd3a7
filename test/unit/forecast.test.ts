import { describe, expect, it } from 'vitest';
import { crowds, forecast, type Stage, turnsOf } from '../../src/core/forecast.ts';
import { newRecord } from '../../src/core/new-record.ts';
import type { RouteState } from '../../src/core/observed.ts';
import type { ServiceSpec } from '../../src/core/project.ts';
import type { RolloutRecord } from '../../src/core/record.ts';
import { formatDuration } from '../../src/core/duration.ts';
import { memoryNeed } from '../../src/core/room.ts';
import { timeBounds, totalBound } from '../../src/core/time-bound.ts';
import { resume, script, World, type WorldOptions } from '../support/simulator.ts';
import { config, inPlace, plan, serving } from '../support/rollouts.ts';
import { release, service } from '../support/specs.ts';

/** As they come from a compose file: one of each strategy, and some at another pace. */
const SERVICES: Readonly<Record<string, readonly ServiceSpec[]>> = {
  'blue-green': [service('web'), service('api', { route: null })],
  held: [service('web', { retireAfterMs: 60_000 })],
  recreate: [service('web', { strategy: 'recreate' })],
  canary: [
    service('web', {
      ...{ strategy: 'canary', replicas: 4, shrinkStable: true },
      steps: [
        { kind: 'weight', weight: 25 },
        { kind: 'pause', ms: 60_000 },
        { kind: 'weight', weight: 50 },
      ],
    }),
  ],
  'canary in place': [
    inPlace('web', {
      ...{ strategy: 'canary', replicas: 4 },
      steps: [{ kind: 'weight', weight: 50 }],
    }),
  ],
  rolling: [inPlace('web', { route: { port: 3000, host: null, path: null, probe: null } })],
  'rolling by two': [inPlace('web', { replicas: 5, update: config({ parallelism: 2, delayMs: 10_000 }) })],
  'rolling, stop first': [inPlace('web', { update: config({ order: 'stop-first' }) })],
};

const STRATEGIES = Object.entries(SERVICES);

interface Both {
  readonly world: World;
  readonly record: RolloutRecord;
  readonly stages: readonly Stage[];
}

/** A deploy of v2 over v1, forecast and about to be run. */
function given(services: readonly ServiceSpec[], options: WorldOptions = {}): Both {
  const [v1, v2] = [release('v1', services), release('v2', services)];
  const world = serving(v1, options);
  const compiled = plan(world, v2, v1);
  if (compiled.kind === 'nothing') throw new Error('nothing to do');
  const record = newRecord(compiled, { id: 'd-1', verb: 'deploy', project: 'shop', now: world.now });
  return { world, record, stages: forecast(record, world.observed(), () => ({})) };
}

/** How many containers of each service run. */
function counts(world: World): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const { service, state } of world.observed().containers)
    if (state === 'running') found[service] = (found[service] ?? 0) + 1;
  return found;
}

/** A turn for each change, with the names that the simulated engine gives. */
function changes(turns: readonly (readonly RouteState[])[]): readonly string[] {
  const lines = turns.map((routes) =>
    routes
      .map(({ service, backends }) =>
        [service, ...backends.map((b) => `${simulated(b.container)}=${b.weight}`)].join(' '),
      )
      .join('; '),
  );
  return lines.filter((line, index) => line !== lines[index - 1]);
}

function simulated(container: string): string {
  return container.replace(/-(blue|green)-(\d+)$/, '-$2');
}

describe('a forecast', () => {
  it.each(STRATEGIES)('of %s tells the proxy what the rollout does, turn by turn', (_, services) => {
    const { world, record, stages } = given(services);
    const told = [world.routes];
    const meanwhile = (): null => {
      told.push(world.routes);
      return null;
    };
    resume(world, record, { meanwhile });
    const foreseen = turnsOf(stages).map(({ routes }) => routes);
    expect(changes([told[0] ?? [], ...foreseen])).toEqual(changes(told));
  });

  it.each(STRATEGIES)('of %s counts as many containers as run at the same time', (_, services) => {
    const { world, record, stages } = given(services);
    const now = counts(world);
    const most: Record<string, number> = { ...now };
    const meanwhile = (): null => {
      for (const [name, count] of Object.entries(counts(world))) most[name] = Math.max(most[name] ?? 0, count);
      return null;
    };
    resume(world, record, { meanwhile });
    const foreseen = crowds(stages).map((crowd) => [crowd.service, crowd.old + crowd.new]);
    expect(Object.fromEntries(foreseen)).toEqual(most);
  });

  it('calls containers as the files do, where they do', () => {
    const { record, world } = given([service('web', { replicas: 1 })]);
    const stages = forecast(record, world.observed(), ({ color }) => ({ web: `shop-of-${color ?? 'nobody'}` }));
    const last = turnsOf(stages)
      .at(-1)
      ?.routes[0]?.backends.map(({ container }) => container);
    expect(last).toEqual(['shop-of-green']);
  });
});

describe('the memory that a plan takes', () => {
  const need = (name: string, cost: number | null = 100) => memoryNeed(given(SERVICES[name] ?? []).stages, () => cost);

  it.each([
    ['blue-green', 400],
    ['recreate', 0],
    ['rolling', 100],
    ['rolling by two', 200],
    ['rolling, stop first', 0],
  ])('of %s is %i', (name, bytes) => {
    expect(need(name)).toEqual({ bytes, notKnown: [] });
  });

  it('is not known of services of which more run than now', () => {
    expect(need('blue-green', null)).toEqual({ bytes: 0, notKnown: ['web', 'api'] });
    expect(need('recreate', null)).toEqual({ bytes: 0, notKnown: [] });
  });
});

/** Ready at the last moment, with requests that never end, and containers that hear no signal. */
const SLOW: WorldOptions = {
  scripts: { v2: { '*': script('r299') } },
  inFlightSeconds: 10_000,
  stopSeconds: { v1: 10 },
  hookSeconds: { pre_deploy: 59 },
};

describe('the time that a plan takes', () => {
  const boundsOf = ({ stages }: Both, services: readonly ServiceSpec[]) =>
    timeBounds(stages, { stable: release('v1', services), candidate: release('v2', services) });

  it.each(STRATEGIES)(
    'of %s is never more than what is said, step by step, however slow everything is',
    (_, services) => {
      const both = given(services, SLOW);
      const { world, record, stages } = both;
      const bounds = boundsOf(both, services);
      const begun = new Map<number, number>();
      const meanwhile = ({ cursor }: RolloutRecord): null => {
        if (!begun.has(cursor)) begun.set(cursor, world.now);
        return null;
      };
      const { record: ended } = resume(world, record, { meanwhile });
      expect(ended.state).toBe('completed');
      const over = stages.flatMap(({ step }, index) => {
        const [from, to] = [begun.get(index), begun.get(index + 1)];
        const bound = bounds[index];
        if (from === undefined || to === undefined || bound?.kind !== 'at-most' || to - from <= bound.ms) return [];
        return [`${step.kind} took ${formatDuration(to - from)} of ${formatDuration(bound.ms)}`];
      });
      expect(over).toEqual([]);
    },
  );

  it('is the sum of the deadlines of its steps', () => {
    const services = [service('web')];
    const both = given(services);
    const bounds = boundsOf(both, services);
    expect(both.stages.map(({ step }, index) => [step.kind, bounds[index]])).toEqual([
      ['clear', { kind: 'at-most', ms: 0 }],
      ['prepare', { kind: 'at-most', ms: 0 }],
      ['wire', { kind: 'at-most', ms: 300_000 }],
      ['create', { kind: 'at-most', ms: 0 }],
      ['ready', { kind: 'at-most', ms: 300_000 }],
      ['weight', { kind: 'at-most', ms: 300_000 }],
      ['monitor', { kind: 'at-most', ms: 5000 }],
      ['complete', { kind: 'at-most', ms: 0 }],
      ['drain', { kind: 'at-most', ms: 30_000 }],
      ['remove', { kind: 'at-most', ms: 10_000 }],
    ]);
    expect(totalBound(bounds)).toEqual({ ms: 945_000, until: [] });
  });

  it('has no end where a person, a URL, a one-shot or a pre_stop hook ends a step', () => {
    const question = { url: 'http://x', method: 'GET', headers: {}, body: null, json: null };
    const preStop = [{ command: ['x'], user: null, workingDir: null, environment: [], privileged: false }];
    const services = [
      service('web', {
        ...{ strategy: 'canary', preStop, dependsOn: [done('migrate')] },
        steps: [
          { kind: 'weight', weight: 50 },
          { kind: 'pause', ms: null },
          { kind: 'pause', ms: null, until: question },
        ],
      }),
      service('migrate', { placement: 'one-shot', route: null }),
    ];
    const both = given(services);
    expect(totalBound(boundsOf(both, services)).until).toEqual([
      'migrate exits',
      'somebody promotes',
      'its URL says so',
      'its pre_stop hooks end',
    ]);
  });

  it('counts shared services that do not run yet, and waits for a replica once', () => {
    const services = [service('web', { dependsOn: [healthy('api')] }), service('api', { route: null })];
    const v1 = release('v1', services);
    const compiled = plan(new World(), v1, null, { shared: ['db', 'cache'] });
    if (compiled.kind === 'nothing') throw new Error('nothing to do');
    const record = newRecord(compiled, { id: 'd-1', verb: 'deploy', project: 'shop', now: 0 });
    const stages = forecast(record, new World().observed(), () => ({}));
    const bounds = timeBounds(stages, { stable: null, candidate: v1 });
    const of = (kind: string) =>
      stages.flatMap(({ step }, index) => (step.kind === kind ? [bounds[index]] : [])).map((bound) => bound);
    expect(of('shared')).toEqual([{ kind: 'at-most', ms: 600_000 }]);
    expect(of('ready')).toEqual([
      { kind: 'at-most', ms: 300_000 },
      { kind: 'at-most', ms: 300_000 },
    ]);
  });

  it('gives a hook its timeout, and what its end takes', () => {
    const hooks = { pre_deploy: [{ kind: 'host', command: 'backup', timeoutMs: 60_000 }] } as const;
    const [v1, v2] = [release('v1', [service('web')]), release('v2', [service('web')], { hooks })];
    const world = serving(v1);
    const compiled = plan(world, v2, v1);
    if (compiled.kind === 'nothing') throw new Error('nothing to do');
    const record = newRecord(compiled, { id: 'd-1', verb: 'deploy', project: 'shop', now: 0 });
    const stages = forecast(record, world.observed(), () => ({}));
    const at = stages.findIndex(({ step }) => step.kind === 'hook');
    expect(timeBounds(stages, { stable: v1, candidate: v2 })[at]).toEqual({ kind: 'at-most', ms: 70_000 });
  });

  function done(name: string) {
    return { service: name, condition: 'service_completed_successfully', required: true, restart: false } as const;
  }

  function healthy(name: string) {
    return { service: name, condition: 'service_healthy', required: true, restart: false } as const;
  }
});
