import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Compiled } from '../../src/core/compile.ts';
import { next } from '../../src/core/next.ts';
import type { Observed, RouteState } from '../../src/core/observed.ts';
import { HOOK_MOMENTS, type Hooks, NO_HOOKS } from '../../src/core/hooks.ts';
import type { CanaryStep, Promote, Route, ServiceSpec } from '../../src/core/project.ts';
import type { RecordEvent, RolloutRecord } from '../../src/core/record.ts';
import { isGoingBack, isTerminal } from '../../src/core/state.ts';
import { NO_CHECKS, type ServiceChecks } from '../../src/core/service-checks.ts';
import { type Steering, steering } from '../../src/core/steer.ts';
import { check } from '../support/checks.ts';
import { resume, run, script, type World } from '../support/simulator.ts';
import { inPlace, plan, serving } from '../support/rollouts.ts';
import { release, service, update } from '../support/specs.ts';

const NAMES = ['web', 'api', 'worker'] as const;

/** What a replica of the candidate does: mostly well, sometimes not. */
const behaviour = fc.constantFrom('r1', 'r1', 'r1', 'r3', 'x1', 'h', 'r1,x2', 'r1,x20');

const canarySteps = fc.constantFrom<readonly CanaryStep[]>(
  [{ kind: 'weight', weight: 25 }],
  [
    { kind: 'weight', weight: 60 },
    { kind: 'pause', ms: 2000 },
    { kind: 'weight', weight: 20 },
  ],
  [
    { kind: 'pause', ms: null },
    { kind: 'replicas', replicas: 1 },
    { kind: 'weight', weight: 50 },
  ],
  [
    { kind: 'weight', weight: 30 },
    { kind: 'check', names: ['step'] },
    { kind: 'pause', ms: null, until: { url: 'http://x/', method: 'GET', headers: {}, body: null, json: null } },
  ],
  [
    { kind: 'mirror', percent: 50 },
    { kind: 'pause', ms: 2000 },
    { kind: 'replicas', replicas: 2 },
    { kind: 'mirror', percent: 0 },
    { kind: 'weight', weight: 40 },
  ],
  [
    { kind: 'match', match: { headers: { 'x-canary': '1' }, cookies: {} } },
    { kind: 'replicas', replicas: 2 },
    { kind: 'mirror', percent: 100 },
    { kind: 'pause', ms: 2000 },
    { kind: 'replicas', replicas: 'match' },
    { kind: 'pause', ms: null },
  ],
);

/** Outcomes of a check, a letter each: mostly passes, sometimes not. */
const outcomes = fc.constantFrom('p', 'p', 'p', 'pf', 'i', 'eep', 'e', 'f');
const PLACES = ['before', 'watch', 'after', 'step'] as const;

const each = <T>(values: fc.Arbitrary<T>) => fc.array(values, { minLength: 3, maxLength: 3 });

const scenario = fc.record({
  count: fc.integer({ min: 1, max: 3 }),
  kinds: each(fc.constantFrom('blue-green', 'rolling', 'canary', 'canary in place', 'recreate')),
  replicas: each(fc.integer({ min: 1, max: 4 })),
  wanted: each(fc.integer({ min: 1, max: 4 })),
  routed: each(fc.boolean()),
  previewed: fc.boolean(),
  promote: fc.constantFrom<Promote>('auto', 'auto', 'manual', 3000),
  scripts: each(fc.array(behaviour, { minLength: 1, maxLength: 3 })),
  steps: canarySteps,
  chain: fc.boolean(),
  order: fc.constantFrom('start-first', 'start-first', 'stop-first'),
  parallelism: fc.integer({ min: 0, max: 2 }),
  delayMs: fc.constantFrom(0, 2000),
  failureAction: fc.constantFrom('rollback', 'rollback', 'pause', 'continue'),
  ratio: fc.constantFrom(0, 0, 0.5),
  monitorMs: fc.constantFrom(0, 5000),
  holdMs: fc.constantFrom(0, 10_000),
  inFlightSeconds: fc.constantFrom(0, 2, 100),
  asked: fc.array(
    fc.record({
      after: fc.integer({ min: 0, max: 60 }),
      verb: fc.constantFrom<Steering>('abort', 'promote', 'promote-full', 'pause', 'resume', 'retry', 'supersede'),
    }),
    { maxLength: 3 },
  ),
  checks: fc.option(fc.record({ before: outcomes, watch: outcomes, after: outcomes, step: outcomes })),
  hooks: fc.option(fc.subarray([...HOOK_MOMENTS], { maxLength: 2 })),
  killAfter: fc.option(fc.integer({ min: 1, max: 150 })),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

/** Every check in its place; watches and steps may use those of their own name. */
function checksOf(s: Scenario): ServiceChecks {
  const specs = Object.fromEntries(
    PLACES.map((name) => [
      name,
      check({ name, provider: COMMAND, intervalMs: name === 'watch' ? 1000 : null, count: null }),
    ]),
  );
  if (s.checks === null) return { ...NO_CHECKS, specs };
  return { specs, before: ['before'], watch: ['watch'], after: ['after'] };
}

const ROUTE: Route = { port: 3000, host: null, path: null, probe: null };

const COMMAND = { kind: 'command', run: 'true', in: 'candidate' } as const;

const ALL_HOOKS: Hooks = Object.fromEntries(
  HOOK_MOMENTS.map((moment) => [moment, [{ kind: 'host', command: moment, timeoutMs: 60_000 }]]),
);

function specOf(s: Scenario, index: number, version: 'v1' | 'v2'): ServiceSpec {
  const name = NAMES[index] ?? 'web';
  const before = NAMES[index - 1];
  const kind = s.kinds[index] ?? 'blue-green';
  const replicas = (version === 'v1' ? s.replicas : s.wanted)[index] ?? 1;
  const config = { ...update, maxFailureRatio: s.ratio, monitorMs: s.monitorMs, parallelism: s.parallelism };
  const paced = { ...config, order: s.order, delayMs: s.delayMs };
  const shown = s.previewed ? { route: { ...ROUTE, preview: { headers: { 'x-preview': name }, cookies: {} } } } : {};
  const routes = s.routed[index] === true && kind !== 'canary in place' ? shown : { route: null };
  const common: Partial<ServiceSpec> = {
    replicas,
    previewReplicas: replicas,
    ...routes,
    promote: s.promote,
    dependsOn:
      s.chain && before !== undefined
        ? [{ service: before, condition: 'service_healthy', required: true, restart: false }]
        : [],
    update: { ...paced, failureAction: s.failureAction },
    rollback: { ...paced, failureAction: 'pause' },
    retireAfterMs: s.holdMs,
    progressDeadlineMs: 20_000,
    drainTimeoutMs: 15_000,
    steps: s.steps,
    checks: checksOf(s),
    hooks: s.hooks === null ? NO_HOOKS : ALL_HOOKS,
  };
  if (kind === 'rolling') return inPlace(name, { ...common, route: routes.route === null ? null : service('x').route });
  if (kind === 'canary in place') return inPlace(name, { ...common, strategy: 'canary' });
  return service(name, { ...common, strategy: kind });
}

function given(s: Scenario): { world: World; compiled: Compiled } {
  const specs = (version: 'v1' | 'v2') => NAMES.slice(0, s.count).map((_, index) => specOf(s, index, version));
  const [v1, v2] = [release('v1', specs('v1')), release('v2', specs('v2'))];
  const scripts = Object.fromEntries(NAMES.map((name, index) => [name, (s.scripts[index] ?? ['r1']).map(script)]));
  const world = serving(v1, {
    scripts: { v2: scripts },
    inFlightSeconds: s.inFlightSeconds,
    checks: { ...s.checks, until: 'eep' },
    checkSeconds: { watch: 0.4, before: 2 },
    hooksFail: s.hooks ?? [],
    hookSeconds: { pre_deploy: 3, post_switch: 2 },
  });
  return { world, compiled: plan(world, v2, v1) };
}

/** Ready replicas that each route sends traffic to. */
function readyRouted(world: World): Record<string, number> {
  const seen = new Map(world.observed().containers.map((c) => [c.name, c]));
  return Object.fromEntries(
    world.routes.map((route) => [
      route.service,
      route.backends.filter(({ container }) => seen.get(container)?.health === 'healthy').length,
    ]),
  );
}

/** Runs a scenario to its rest, with people asking and the process killed on the way, and a look before every decision. */
function play(
  s: Scenario,
  look: (record: RolloutRecord, world: World) => void = () => undefined,
): { world: World; record: RolloutRecord } {
  const { world, compiled } = given(s);
  const asked = [...s.asked].sort((a, b) => a.after - b.after);
  let decisions = 0;
  const meanwhile = (record: RolloutRecord): RecordEvent | null => {
    look(record, world);
    decisions += 1;
    const due = asked[0];
    if (due === undefined || decisions < due.after) return null;
    asked.shift();
    return steering(record, due.verb);
  };
  const killed = run(world, compiled, {
    meanwhile,
    killAfter: () => s.killAfter !== null && decisions === s.killAfter,
  });
  decisions += 1;
  return { world, record: resume(world, killed.record, { meanwhile }).record };
}

const uses = (s: Scenario, ...kinds: readonly string[]): boolean =>
  s.kinds.slice(0, s.count).some((kind) => kinds.includes(kind));

const RUNS = { numRuns: 300 };

describe('whatever the strategy, the candidate, people and crashes do', () => {
  it('a rollout ends, or is paused with a reason', () => {
    fc.assert(
      fc.property(scenario, (s) => {
        const { record } = play(s);
        const paused = record.state === 'paused' && record.pauseReason !== null;
        const stuck = record.state === 'rollback_paused' && record.message !== null;
        expect(isTerminal(record.state) || paused || stuck, record.state).toBe(true);
      }),
      RUNS,
    );
  });

  it('start-first never has fewer ready replicas in a route than before, or than are wanted now', () => {
    const gentle = scenario.filter((s) => s.order === 'start-first' && !uses(s, 'recreate'));
    fc.assert(
      fc.property(gentle, (s) => {
        let least: Record<string, number> | null = null;
        let died = false;
        play(s, (record, world) => {
          const now = readyRouted(world);
          least ??= Object.fromEntries(
            NAMES.flatMap((name, index) =>
              name in now ? [[name, Math.min(now[name] ?? 0, s.wanted[index] ?? 0)]] : [],
            ),
          );
          // A replica that dies is nobody's plan; what the plan does is not to take away more.
          died ||= world.observed().containers.some((c) => c.state === 'exited') || record.failures.length > 0;
          if (!died && record.state !== 'completed')
            for (const [name, count] of Object.entries(least))
              expect(now[name] ?? 0, name).toBeGreaterThanOrEqual(count);
        });
      }),
      RUNS,
    );
  });

  it('in place there are never more replicas than those wanted and one batch', () => {
    const rolled = scenario.filter((s) => uses(s, 'rolling', 'canary in place'));
    fc.assert(
      fc.property(rolled, (s) => {
        play(s, (_record, world) => {
          for (const [index, name] of NAMES.entries()) {
            const there = world.containers.filter((c) => c.color === null && c.service === name).length;
            const [from = 1, to = 1] = [s.replicas[index], s.wanted[index]];
            const batch = s.parallelism === 0 ? Math.max(from, to) : s.parallelism;
            expect(there, name).toBeLessThanOrEqual(Math.max(from, to) + batch);
          }
        });
      }),
      RUNS,
    );
  });

  it('a route only ever gets containers that are ready, and no container is removed while a route has it', () => {
    fc.assert(
      fc.property(scenario, (s) => {
        let routesBefore: World['routes'] = [];
        const dead = new Set<string>();
        play(s, (record, world) => {
          const seen = new Map(world.observed().containers.map((c) => [c.name, c]));
          const backends = world.routes.flatMap(reachedBy);
          for (const c of seen.values()) if (c.state === 'exited') dead.add(c.name);
          for (const name of backends) if (!dead.has(name)) expect([...seen.keys()]).toContain(name);
          const counted = new Set(record.failures.map(({ id }) => id));
          if (world.routes !== routesBefore)
            for (const name of backends) {
              const container = seen.get(name);
              expect(container?.state === 'exited' || container?.health === 'healthy').toBe(true);
              expect(counted.has(container?.id ?? null)).toBe(false);
            }
          routesBefore = world.routes;
        });
      }),
      RUNS,
    );
  });

  it('the way back restores what was there, and a completion leaves nothing of the old', () => {
    fc.assert(
      fc.property(scenario, (s) => {
        const { world: before } = given(s);
        const { world, record } = play(s);
        if (record.state === 'rollback_completed')
          expect({ versions: versions(world), color: world.color }).toEqual({
            versions: versions(before),
            color: before.color,
          });
        if (record.state === 'completed' && record.cursor >= record.steps.length)
          expect(world.containers.filter((c) => c.version === 'v1')).toEqual([]);
      }),
      RUNS,
    );
  });

  it('checks belong to the way forward, and one that fails before the switch keeps the traffic where it is', () => {
    fc.assert(
      fc.property(scenario, (s) => {
        const promoted = s.asked.some(({ verb }) => verb.startsWith('promote'));
        const guarded = s.checks?.before === 'f' && !promoted && !uses(s, 'rolling', 'canary in place');
        play(s, (record) => {
          if (isGoingBack(record.state)) expect(record.runs).toEqual([]);
          if (guarded && !record.ungated && record.state !== 'completed') expect(record.weight ?? 0).toBe(0);
        });
      }),
      RUNS,
    );
  });

  it('the same record, observation and time give the same decision', () => {
    fc.assert(
      fc.property(scenario, (s) => {
        play(s, (record, world) => {
          const observed: Observed = world.observed();
          expect(next(record, observed, world.now)).toEqual(
            next(structuredClone(record), structuredClone(observed), world.now),
          );
        });
      }),
      { numRuns: 60 },
    );
  });
});

/** Everybody who gets requests of a route: a share of all, those that match, copies. */
function reachedBy({ backends, matched, mirror }: RouteState): readonly string[] {
  return [...backends, ...(matched?.backends ?? []), ...(mirror?.backends ?? [])].map((b) => b.container);
}

/** How many replicas run, by service and version. */
function versions(world: World): Record<string, number> {
  const found: Record<string, number> = {};
  for (const c of world.observed().containers) {
    const key = `${c.service} ${c.version ?? ''} ${c.state}`;
    found[key] = (found[key] ?? 0) + 1;
  }
  return found;
}
