import { compile, type Compiled, type CompileInput } from '../../src/core/compile.ts';
import { stepText } from '../../src/core/plan.ts';
import type { ServiceSpec, UpdateConfig } from '../../src/core/project.ts';
import { apply } from '../../src/core/apply.ts';
import { type RolloutRecord } from '../../src/core/record.ts';
import type { Release } from '../../src/core/release.ts';
import { type Steering, steering } from '../../src/core/steer.ts';
import { resume, run, type RunOptions, type SimResult, World, type WorldOptions } from './simulator.ts';
import { release, service, side, update } from './specs.ts';

/** A service in place: three replicas, no route, rolled slot by slot, unless said. */
export function inPlace(name: string, over: Partial<ServiceSpec> = {}): ServiceSpec {
  return service(name, { placement: 'in-place', strategy: 'rolling', route: null, replicas: 3, ...over });
}

/** `update_config` or `rollback_config` as it is by default, with some keys given. */
export function config(over: Partial<UpdateConfig> = {}): UpdateConfig {
  return { ...update, ...over };
}

/** A host on which a release runs and serves: in place, and in blue if it has a color group. */
export function serving(of: Release, options: WorldOptions = {}): World {
  const world = new World(options);
  world.seed(side(of, isColored(of) ? 'blue' : null));
  return world;
}

function isColored(of: Release): boolean {
  return Object.values(of.services).some(({ placement }) => placement === 'colored');
}

/** The way from one release to another on a host; from nothing if there is none. */
export function plan(world: World, to: Release, from: Release | null, over: Partial<CompileInput> = {}): Compiled {
  const live = isColored(from ?? to)
    ? ({ kind: 'color', color: world.color ?? 'blue' } as const)
    : ({ kind: 'uncolored' } as const);
  return compile({
    verb: 'deploy',
    release: to,
    live: from === null ? { kind: 'none' } : live,
    liveRelease: from,
    observed: world.observed(),
    records: [],
    shared: [],
    force: false,
    ...over,
  });
}

/** Deploys a release over another one, until the rollout rests. */
export function deploy(world: World, to: Release, from: Release | null, options: RunOptions = {}): SimResult {
  return run(world, plan(world, to, from), options);
}

/** A person's verb on a rollout that rests, until it rests again. */
export function ask(
  world: World,
  record: RolloutRecord,
  verb: Steering,
  meanwhile?: RunOptions['meanwhile'],
): RolloutRecord {
  const event = steering(record, verb);
  if (event === null) throw new Error(`${verb} is not possible while ${record.state}`);
  return resume(world, apply(record, event, world.now), meanwhile === undefined ? {} : { meanwhile }).record;
}

/** A rollout of a service in place from v1 to v2. */
export function rollout(over: Partial<ServiceSpec>, options: WorldOptions = {}, how: RunOptions = {}) {
  const [v1, v2] = [release('v1', [inPlace('web', over)]), release('v2', [inPlace('web', over)])];
  const world = serving(v1, options);
  const before = world.containers.map((c) => c.id);
  const result = run(world, plan(world, v2, v1), how);
  return { world, v1, v2, before, result, record: result.record, log: world.log };
}

export function steps(compiled: Compiled): string[] {
  return compiled.kind === 'nothing' ? [] : compiled.steps.map(stepText);
}

/** Seconds at which replicas of a side were created: `t0 create web to 1 (candidate)` is 0. */
export function starts(world: World, name: 'candidate' | 'stable' = 'candidate'): number[] {
  return world.log
    .filter((line) => line.includes('create') && line.includes(name))
    .map((line) => Number(line.slice(1).split(' ')[0]));
}

/** Running containers by version. */
export function counts(world: World): Record<string, number> {
  const found: Record<string, number> = {};
  for (const c of world.observed().containers)
    if (c.state === 'running') found[c.version ?? ''] = (found[c.version ?? ''] ?? 0) + 1;
  return found;
}

/** When a record ended or came to rest, in seconds since the world began. */
export function restedAt(world: World): number {
  return Math.round(world.seconds * 10) / 10;
}
