import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile, type Compiled } from '../../src/core/compile.ts';
import { next } from '../../src/core/next.ts';
import type { Observed } from '../../src/core/observed.ts';
import type { RolloutRecord } from '../../src/core/record.ts';
import { isTerminal } from '../../src/core/state.ts';
import { resume, run, script, World } from '../support/simulator.ts';
import { release, service, side, update } from '../support/specs.ts';

const NAMES = ['web', 'api', 'worker'] as const;

/** What a replica of the candidate does: mostly well, sometimes not. */
const behaviour = fc.constantFrom('r1', 'r1', 'r1', 'r3', 'x1', 'h', 'r1,x2', 'r1,x20');

const scenario = fc.record({
  count: fc.integer({ min: 1, max: 3 }),
  replicas: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 3, maxLength: 3 }),
  routed: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
  scripts: fc.array(behaviour, { minLength: 3, maxLength: 3 }),
  chain: fc.boolean(),
  ratio: fc.constantFrom(0, 0, 0.5),
  monitorMs: fc.constantFrom(0, 5000),
  holdMs: fc.constantFrom(0, 10_000),
  inFlightSeconds: fc.constantFrom(0, 2, 100),
  abortAfter: fc.option(fc.integer({ min: 0, max: 40 })),
  killAfter: fc.option(fc.integer({ min: 1, max: 40 })),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

function given(s: Scenario): { world: World; compiled: Compiled } {
  const names = NAMES.slice(0, s.count);
  const services = names.map((name, index) => {
    const before = names[index - 1];
    const dependsOn =
      s.chain && before !== undefined
        ? [{ service: before, condition: 'service_healthy' as const, required: true, restart: false }]
        : [];
    return service(name, {
      replicas: s.replicas[index] ?? 1,
      previewReplicas: s.replicas[index] ?? 1,
      ...(s.routed[index] === true || index === 0 ? {} : { route: null }),
      dependsOn,
      update: { ...update, maxFailureRatio: s.ratio, monitorMs: s.monitorMs },
      retireAfterMs: s.holdMs,
      progressDeadlineMs: 20_000,
      drainTimeoutMs: 15_000,
    });
  });
  const v1 = release('v1', services);
  const v2 = release('v2', services);
  const scripts = Object.fromEntries(names.map((name, index) => [name, script(s.scripts[index] ?? 'r1')]));
  const world = new World({ scripts: { v2: scripts }, inFlightSeconds: s.inFlightSeconds });
  world.seed(side(v1, 'blue'));
  const live = { kind: 'color', color: 'blue' } as const;
  const compiled = compile({
    verb: 'deploy',
    release: v2,
    live,
    liveRelease: v1,
    observed: world.observed(),
    records: [],
    shared: [],
    force: false,
  });
  return { world, compiled };
}

/** Ready replicas that each route sends traffic to. */
function readyRouted(world: World): Record<string, number> {
  const seen = world.observed();
  return Object.fromEntries(
    world.routes.map((route) => [
      route.service,
      route.backends.filter((b) =>
        seen.containers.some((c) => c.name === b.container && c.state === 'running' && c.health === 'healthy'),
      ).length,
    ]),
  );
}

/** Runs a scenario to its rest, killed and aborted on the way if it says so, with a look after every decision. */
function play(
  s: Scenario,
  look: (record: RolloutRecord, world: World) => void = () => undefined,
): { world: World; record: RolloutRecord } {
  const { world, compiled } = given(s);
  let decisions = 0;
  const meanwhile = (record: RolloutRecord) => {
    look(record, world);
    decisions += 1;
    const aborts = s.abortAfter !== null && decisions > s.abortAfter && !record.aborted && record.state === 'updating';
    return aborts ? ({ kind: 'abort-requested' } as const) : null;
  };
  let result = run(world, compiled, { meanwhile, killAfter: () => s.killAfter !== null && decisions === s.killAfter });
  decisions += 1;
  result = resume(world, result.record, { meanwhile });
  return { world, record: result.record };
}

describe('whatever the candidate does, whoever aborts and whatever is killed', () => {
  it('a rollout ends completed or rolled back, never in between', () => {
    fc.assert(
      fc.property(scenario, (s) => {
        const { record } = play(s);
        expect(isTerminal(record.state)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('a route never has fewer ready replicas than before, as long as no failure is tolerated and none comes after the end', () => {
    fc.assert(
      fc.property(
        scenario.filter((s) => s.ratio === 0),
        (s) => {
          let least: Record<string, number> | null = null;
          play(s, (record, world) => {
            if (record.state === 'completed') return;
            const now = readyRouted(world);
            least ??= now;
            const died = world
              .observed()
              .containers.some(
                (c) =>
                  c.color === 'green' &&
                  c.state === 'exited' &&
                  world.routes.some((r) => r.backends.some((b) => b.container === c.name)),
              );
            if (died) return;
            for (const [name, count] of Object.entries(least)) expect(now[name] ?? 0).toBeGreaterThanOrEqual(count);
          });
        },
      ),
      { numRuns: 200 },
    );
  });

  it('a route only ever gets containers that are ready, and no container is removed while a route has it', () => {
    fc.assert(
      fc.property(scenario, (s) => {
        let routesBefore: World['routes'] = [];
        play(s, (_record, world) => {
          const names = new Set(world.containers.map((c) => c.name));
          for (const backend of world.routes.flatMap((r) => r.backends)) expect(names).toContain(backend.container);
          if (world.routes !== routesBefore) {
            const seen = new Map(world.observed().containers.map((c) => [c.name, c]));
            for (const backend of world.routes.flatMap((r) => r.backends))
              expect(seen.get(backend.container)?.health).toBe('healthy');
          }
          routesBefore = world.routes;
        });
      }),
      { numRuns: 200 },
    );
  });

  it('the way back restores exactly what was there, and a completion leaves nothing of the old', () => {
    fc.assert(
      fc.property(scenario, (s) => {
        const before = given(s).world.containers.map((c) => c.id);
        const { world, record } = play(s);
        const blue = world.containers.filter((c) => c.color === 'blue').map((c) => c.id);
        const green = world.containers.filter((c) => c.color === 'green');
        if (record.state === 'rollback_completed') {
          expect(blue).toEqual(before);
          expect(green).toEqual([]);
        } else if (record.cursor >= record.steps.length) {
          expect(blue).toEqual([]);
        }
      }),
      { numRuns: 200 },
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
      { numRuns: 100 },
    );
  });
});
