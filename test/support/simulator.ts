import type { Color } from '../../src/core/color.ts';
import { composeProject } from '../../src/core/color.ts';
import { type Compiled, newRecord } from '../../src/core/compile.ts';
import type { Wait } from '../../src/core/decision.ts';
import { next } from '../../src/core/next.ts';
import type { Attempt, Observed, ObservedContainer, RouteState } from '../../src/core/observed.ts';
import type { Action } from '../../src/core/plan.ts';
import { stepText } from '../../src/core/plan.ts';
import {
  apply,
  currentStep,
  type RecordEvent,
  type RolloutRecord,
  type RolloutVerb,
  type Side,
} from '../../src/core/record.ts';
import { requireSide } from '../../src/core/sides.ts';

/** What an image does after its start, in seconds; the notation of the oracle: r1 · x2 · r1,x3 · h. */
export interface Script {
  readonly readyAt?: number;
  readonly exitAt?: number;
  readonly exitCode?: number;
}

/** `r1,x3`: ready at 1 s, dies 3 s later. `x2`: exits at 2 s. `h`: neither healthy nor unhealthy, ever. */
export function script(text: string): Script {
  const [first = '', second] = text.split(',');
  const seconds = (part: string): number => Number(part.slice(1));
  if (first === 'h') return {};
  if (first.startsWith('x')) return { exitAt: seconds(first), exitCode: 1 };
  const readyAt = seconds(first);
  return second === undefined ? { readyAt } : { readyAt, exitAt: readyAt + seconds(second), exitCode: 1 };
}

interface SimContainer extends ObservedContainer {
  readonly script: Script;
}

export interface WorldOptions {
  /** By version and then service; `*` is every service. */
  readonly scripts?: Readonly<Record<string, Readonly<Record<string, Script>>>>;
  /** The create call of these versions fails with these words. */
  readonly createFails?: Readonly<Record<string, string>>;
  /** Containers of these versions are created and cannot be started, with these words: a port that is taken. */
  readonly startFails?: Readonly<Record<string, string>>;
  /** Requests in flight on the old side end that many seconds after the switch. */
  readonly inFlightSeconds?: number;
  /** The proxy answers something else than it was told, from now until then (seconds). */
  readonly routerLiesUntil?: number;
  /** The proxy refuses its configuration with these words, for good. */
  readonly proxyRefuses?: string;
}

const START = 1_000_000;
const MAX_ROUNDS = 100_000;

/** A Docker host on a fake clock: performs the planner's actions and shows what an engine would show. */
export class World {
  readonly log: string[] = [];
  readonly containers: SimContainer[] = [];
  routes: readonly RouteState[] = [];
  color: Color | null = null;
  now = START;
  #number = 0;
  #switchedAt = 0;
  readonly #options: WorldOptions;
  readonly networks = new Set<string>();

  constructor(options: WorldOptions = {}) {
    this.#options = options;
  }

  /** Seconds since the simulation began, for reading logs. */
  get seconds(): number {
    return (this.now - START) / 1000;
  }

  observed(attempts: Readonly<Record<string, Attempt>> = {}, drains: Observed['drains'] = {}): Observed {
    const lies = this.seconds < (this.#options.routerLiesUntil ?? -1);
    return {
      containers: this.containers.map((c) => this.#asSeen(c)),
      router: lies ? { kind: 'routes', routes: [], parts: null } : { kind: 'routes', routes: this.routes, parts: null },
      probes: {},
      drains,
      networks: [...this.networks],
      color: this.color,
      attempts,
    };
  }

  #asSeen(container: SimContainer): ObservedContainer {
    const age = (this.now - (container.startedAt ?? this.now)) / 1000;
    const { exitAt, exitCode, readyAt } = container.script;
    if (exitAt !== undefined && age >= exitAt) {
      return {
        ...container,
        state: 'exited',
        health: 'starting',
        exitCode: exitCode ?? 1,
        finishedAt: (container.startedAt ?? 0) + exitAt * 1000,
        pid: null,
      };
    }
    return { ...container, health: readyAt !== undefined && age >= readyAt ? 'healthy' : 'starting' };
  }

  /** Brings up a side as if it had been deployed long ago. */
  seed(side: Side, routed = true): void {
    for (const service of Object.values(side.services)) {
      for (let slot = 0; slot < service.replicas; slot++) this.#add(side, service.name, 'seed', START - 3_600_000);
    }
    if (routed) this.#routeTo(side);
    this.color = side.color;
  }

  #routeTo(side: Side): void {
    this.routes = Object.values(side.services).flatMap((service) =>
      service.route === null
        ? []
        : [
            {
              service: service.name,
              host: service.route.host,
              path: service.route.path,
              backends: this.#of(side, service.name).map((c) => ({
                container: c.name,
                port: service.route?.port ?? 0,
                weight: 1,
              })),
            },
          ],
    );
  }

  #of(side: Side, service: string): SimContainer[] {
    return this.containers.filter((c) => c.color === side.color && c.service === service);
  }

  #add(side: Side, service: string, rollout: string, at: number): void {
    const number = Math.max(0, ...this.#of(side, service).map((c) => c.number)) + 1;
    const project = composeProject('shop', side.color);
    const scripts = this.#options.scripts?.[side.version ?? ''] ?? {};
    this.#number += 1;
    this.networks.add(project);
    this.containers.push({
      id: `c${String(this.#number)}`,
      name: `${project}-${service}-${String(number)}`,
      service,
      color: side.color,
      release: side.release,
      rollout,
      store: 'store',
      oneOff: false,
      number,
      state: this.#options.startFails?.[side.version ?? ''] === undefined ? 'running' : 'created',
      health: 'starting',
      exitCode: null,
      oomKilled: false,
      restarts: 0,
      createdAt: at,
      startedAt: at,
      finishedAt: null,
      imageId: `sha256:${side.version ?? ''}`,
      image: `app:${side.version ?? ''}`,
      version: side.version,
      configHash: null,
      pid: 1,
      addresses: {},
      script: scripts[service] ?? scripts['*'] ?? { readyAt: 1 },
    });
  }

  /** Performs an action at once. @returns the words of a failure, or null */
  perform(record: RolloutRecord, action: Action): string | null {
    this.log.push(`t${String(this.seconds)} ${this.#text(action)}`);
    switch (action.kind) {
      case 'create': {
        const side = requireSide(record, action.side);
        const error = this.#options.createFails?.[side.version ?? ''];
        if (error !== undefined) return error;
        while (this.#of(side, action.service).length < action.total)
          this.#add(side, action.service, record.id, this.now);
        return this.#options.startFails?.[side.version ?? ''] ?? null;
      }
      case 'remove':
        for (const id of action.containers)
          this.containers.splice(
            this.containers.findIndex((c) => c.id === id),
            1,
          );
        return null;
      case 'route':
        if (this.#options.proxyRefuses !== undefined) return this.#options.proxyRefuses;
        this.routes = action.routes;
        this.#switchedAt = this.seconds;
        return null;
      case 'set-color':
        this.color = record.candidate.color;
        return null;
      case 'remove-networks':
        this.networks.delete(composeProject('shop', requireSide(record, action.side).color));
        return null;
      default:
        return null;
    }
  }

  #text(action: Action): string {
    switch (action.kind) {
      case 'create':
        return `create ${action.service} to ${String(action.total)} (${action.side})`;
      case 'remove':
        return `remove ${action.containers.map((id) => this.containers.find((c) => c.id === id)?.name ?? id).join(' ')}`;
      case 'route':
        return `route ${String(action.weight)}`;
      default:
        return action.kind;
    }
  }

  inFlight(): number {
    return this.seconds - this.#switchedAt < (this.#options.inFlightSeconds ?? 0) ? 1 : 0;
  }
}

/** How a simulated rollout ended. */
export interface SimResult {
  readonly record: RolloutRecord;
  readonly states: readonly string[];
  readonly steps: readonly string[];
}

export interface RunOptions {
  readonly verb?: RolloutVerb;
  /** Called before every decision; may return an event that a person or another process causes. */
  readonly meanwhile?: (record: RolloutRecord, world: World) => RecordEvent | null;
  /** Stop here: the process is killed. */
  readonly killAfter?: (record: RolloutRecord) => boolean;
}

/** Accepts a compiled rollout and runs it. */
export function run(world: World, compiled: Compiled, options: RunOptions = {}): SimResult {
  if (compiled.kind === 'nothing') throw new Error('nothing to do');
  const about = {
    id: `rollout-${String(world.now)}-${String(world.log.length)}`,
    verb: options.verb ?? 'deploy',
    project: 'shop',
    now: world.now,
  };
  return resume(world, newRecord(compiled, about), options);
}

/** Runs a record from where it stands, with nothing remembered but itself. */
export function resume(world: World, start: RolloutRecord, options: RunOptions = {}): SimResult {
  const simulation = new Simulation(world, start);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (options.killAfter?.(simulation.record) === true) return simulation;
    const outside = options.meanwhile?.(simulation.record, world) ?? null;
    if (outside !== null) simulation.change(outside);
    else if (!simulation.step()) return simulation;
  }
  const { cursor, state } = simulation.record;
  throw new Error(`the rollout did not come to rest; it stands at step ${String(cursor)}, ${state}`);
}

/** The executor without a process: performs decisions on a world, and remembers what a process would. */
class Simulation implements SimResult {
  record: RolloutRecord;
  readonly states: string[];
  readonly steps: string[] = [];
  readonly #world: World;
  readonly #drains: Record<string, Observed['drains'][string]> = {};
  #attempts: Record<string, Attempt> = {};

  constructor(world: World, record: RolloutRecord) {
    this.#world = world;
    this.record = record;
    this.states = [record.state];
  }

  /** One decision. @returns false when the rollout rests */
  step(): boolean {
    const observed = this.#world.observed(this.#attempts, this.#drains);
    const decision = next(this.record, observed, this.#world.now);
    if (decision.kind === 'finished' || decision.kind === 'leave') return false;
    if (decision.kind === 'act') Object.assign(this.#attempts, attempted(this.#world, this.record, decision.action));
    else if (decision.kind === 'event') this.change(decision.event);
    else this.#wait(decision.wait);
    return true;
  }

  change(event: RecordEvent): void {
    const before = this.record;
    this.record = apply(before, event, this.#world.now);
    if (this.record.state !== before.state) this.states.push(this.record.state);
    if (this.record.cursor === before.cursor && this.record.steps === before.steps) return;
    this.#attempts = {};
    const step = currentStep(this.record);
    if (step !== undefined) this.steps.push(stepText(step));
  }

  #wait(wait: Wait): void {
    advance(this.#world, wait.until);
    const inFlight = this.#world.inFlight();
    for (const id of wait.drain) {
      const before = this.#drains[id];
      const zeros = inFlight === 0 ? (before?.zeros ?? 0) + 1 : 0;
      this.#drains[id] = { inFlight, zeros, atSwitch: before?.atSwitch ?? inFlight, at: this.#world.now };
    }
  }
}

/** Performs an action, and says how it went as the executor would. */
function attempted(world: World, record: RolloutRecord, action: Action): Record<string, Attempt> {
  const error = world.perform(record, action);
  const key = 'service' in action ? `${action.kind} ${action.service}` : action.kind;
  return { [key]: { at: world.now, error, fatal: error !== null && action.kind === 'route' } };
}

/** Small steps, so that events in between are seen when they happen. */
function advance(world: World, until: number): void {
  if (until <= world.now) throw new Error('the planner waits for a moment that is over');
  world.now = Math.min(until, world.now + 100);
}
