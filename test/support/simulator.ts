import type { Color } from '../../src/core/color.ts';
import { composeProject } from '../../src/core/color.ts';
import { type Compiled } from '../../src/core/compile.ts';
import { newRecord } from '../../src/core/new-record.ts';
import type { Outcome, OutcomeKind } from '../../src/core/checks.ts';
import type { Wait } from '../../src/core/decision.ts';
import { next } from '../../src/core/next.ts';
import type { Attempt, Observed, ObservedContainer, RouteState } from '../../src/core/observed.ts';
import type { Action } from '../../src/core/plan.ts';
import { stepText } from '../../src/core/plan.ts';
import { apply } from '../../src/core/apply.ts';
import {
  currentStep,
  type RecordEvent,
  type RolloutRecord,
  type RolloutVerb,
  type Side,
} from '../../src/core/record.ts';
import { placeOf, requireSide } from '../../src/core/sides.ts';

/** What a container does after its start, in seconds; the notation of the oracle: r1 · x2 · r1,x3 · h. */
export interface Script {
  /** Undefined: never ready. */
  readonly readyAt?: number;
  readonly exitAt?: number;
  readonly exitCode?: number;
  readonly unhealthyAt?: number;
  /** How often the engine restarts it after an exit (`restart: always`). */
  readonly restarts?: number;
  /** No health check at all. */
  readonly unchecked?: boolean;
}

/** `r1,x3`: ready at 1 s, dies 3 s later. `x2`: exits at 2 s. `u60`: unhealthy at 60 s. `n`: no health check. `h`: nothing, ever. */
export function script(text: string): Script {
  const [first = '', second] = text.split(',');
  const seconds = (part: string): number => Number(part.slice(1));
  if (first === 'h') return {};
  if (first === 'n') return { unchecked: true };
  if (first.startsWith('u')) return { unhealthyAt: seconds(first) };
  if (first.startsWith('x')) return { exitAt: seconds(first), exitCode: 1 };
  const readyAt = seconds(first);
  return second === undefined ? { readyAt } : { readyAt, exitAt: readyAt + seconds(second), exitCode: 1 };
}

/** One script for each container of a service in the order of their creation; the last one counts for all that follow. */
export function scripts(...texts: string[]): readonly Script[] {
  return texts.map(script);
}

interface SimContainer extends ObservedContainer {
  readonly script: Script;
}

export interface WorldOptions {
  /** By version and then service; `*` is every service. */
  readonly scripts?: Readonly<Record<string, Readonly<Record<string, Script | readonly Script[]>>>>;
  /** The create call of these versions fails with these words. */
  readonly createFails?: Readonly<Record<string, string>>;
  /** Containers of these versions are created and cannot be started, with these words: a port that is taken. */
  readonly startFails?: Readonly<Record<string, string>>;
  /** Requests in flight on the old side end that many seconds after the switch. */
  readonly inFlightSeconds?: number;
  /** Which containers have a request in flight, that many seconds after the switch. */
  readonly isBusy?: (id: string, seconds: number) => boolean;
  /** How long containers of these versions take to stop. */
  readonly stopSeconds?: Readonly<Record<string, number>>;
  /** The proxy answers something else than it was told, from now until then (seconds). */
  readonly routerLiesUntil?: number;
  /** The proxy refuses its configuration with these words, for good. */
  readonly proxyRefuses?: string;
  /** One-shots of these names end with these words. */
  readonly runFails?: Readonly<Record<string, string>>;
  /** Outcomes of the checks of these names, a letter each: p f i e; the last one counts for all that follow. */
  readonly checks?: Readonly<Record<string, string>>;
  /** How long a measurement of these checks takes. */
  readonly checkSeconds?: Readonly<Record<string, number>>;
  /** Hooks of these moments fail. */
  readonly hooksFail?: readonly string[];
  /** How long hooks of these moments take. */
  readonly hookSeconds?: Readonly<Record<string, number>>;
}

const OUTCOMES: Readonly<Record<string, OutcomeKind>> = { p: 'pass', f: 'fail', i: 'inconclusive', e: 'error' };

const START = 1_000_000;
const MAX_ROUNDS = 200_000;
const READING_MS = 100;

/** What was seen last, and as long as what is true. */
interface Seen {
  readonly source: readonly SimContainer[];
  readonly seen: readonly ObservedContainer[];
  readonly from: number;
  readonly until: number;
}

/** A Docker host on a fake clock: performs the planner's actions and shows what an engine would show. */
export class World {
  readonly log: string[] = [];
  readonly containers: SimContainer[] = [];
  routes: readonly RouteState[] = [];
  color: Color | null = null;
  /** The hook that runs now. */
  hook: { readonly moment: string; readonly endsAt: number } | null = null;
  /** Measurements under way, by their run. */
  readonly measuring = new Map<string, { readonly name: string; readonly endsAt: number }>();
  now = START;
  #number = 0;
  #switchedAt = 0;
  #options: WorldOptions;
  #last: Seen = { source: [], seen: [], from: -1, until: -1 };
  readonly #created = new Map<string, number>();
  readonly #made = new Map<string, number>();
  readonly #settled = new WeakMap<SimContainer, ObservedContainer>();
  readonly networks = new Set<string>();

  constructor(options: WorldOptions = {}) {
    this.#options = options;
  }

  /** From now on the world is another one: somebody mended the image. */
  change(options: Partial<WorldOptions>): void {
    this.#options = { ...this.#options, ...options };
  }

  /** Seconds since the simulation began, for reading logs. */
  get seconds(): number {
    return (this.now - START) / 1000;
  }

  observed(attempts: Readonly<Record<string, Attempt>> = {}, drains: Observed['drains'] = {}): Observed {
    const lies = this.seconds < (this.#options.routerLiesUntil ?? -1);
    return {
      containers: this.#seenNow(),
      router: lies ? { kind: 'routes', routes: [], parts: null } : { kind: 'routes', routes: this.routes, parts: null },
      probes: {},
      hook: this.hook === null ? null : { until: this.hook.endsAt },
      drains,
      networks: [...this.networks],
      color: this.color,
      attempts,
    };
  }

  /** What an engine shows as long as nothing happens. */
  #seenNow(): readonly ObservedContainer[] {
    const { source, seen, from, until } = this.#last;
    const same = source.length === this.containers.length && source.every((c, at) => c === this.containers[at]);
    if (same && this.now >= from && (this.now < until || this.now === from)) return seen;
    const containers = this.containers.map((c) => this.#asSeen(c));
    this.#last = { source: [...this.containers], seen: containers, from: this.now, until: this.nextMoment() };
    return containers;
  }

  /** Containers that nothing will happen to any more look the same for ever. */
  #asSeen(container: SimContainer): ObservedContainer {
    const settled = this.#settled.get(container);
    if (settled !== undefined) return settled;
    const seen = this.#look(container);
    if (momentsOf(container).every((at) => at <= this.now)) this.#settled.set(container, seen);
    return seen;
  }

  #look(container: SimContainer): ObservedContainer {
    if (container.state !== 'running' || container.startedAt === null) return container;
    const { exitAt, exitCode, restarts = 0 } = container.script;
    const age = (this.now - container.startedAt) / 1000;
    const lives = exitAt === undefined ? 0 : Math.floor(age / exitAt);
    if (exitAt !== undefined && lives > restarts) {
      const finishedAt = container.startedAt + (restarts + 1) * exitAt * 1000;
      const ended = { state: 'exited', health: 'starting', exitCode: exitCode ?? 1, finishedAt, pid: null } as const;
      return { ...container, restarts, ...ended };
    }
    const startedAt = container.startedAt + lives * (exitAt ?? 0) * 1000;
    const restarted = lives > 0 ? { restarts: lives, startedAt, exitCode: exitCode ?? 1 } : {};
    return { ...container, ...restarted, health: healthAt(container.script, (this.now - startedAt) / 1000) };
  }

  /** When something happens to a container by itself next; Infinity if nothing will. */
  nextMoment(): number {
    const waiting = this.containers.filter((c) => !this.#settled.has(c));
    return Math.min(Infinity, ...waiting.flatMap(momentsOf).filter((at) => at > this.now));
  }

  /** Brings up a side as if it had been deployed long ago. */
  seed(side: Side, routed = true): void {
    for (const service of Object.values(side.services)) {
      if (service.placement === 'one-shot') continue;
      for (let slot = 0; slot < service.replicas; slot++) this.#add(side, service.name, 'seed', START - 3_600_000);
    }
    if (routed) this.routeTo(side);
    this.color = side.color;
  }

  /** What a person's `docker compose up` leaves: containers of a version that no release describes. */
  seedByHand(side: Side, service: string, count: number, over: Partial<ObservedContainer> = {}): void {
    for (let index = 0; index < count; index++) {
      const container = this.#add({ ...side, release: null }, service, 'seed', START - 3_600_000);
      this.containers.splice(this.containers.indexOf(container), 1, { ...container, ...over });
    }
  }

  /** The proxy sends everything to what runs of a side. */
  routeTo(side: Side): void {
    this.routes = Object.values(side.services).flatMap((service) => {
      if (service.route === null) return [];
      const { host, path, port } = service.route;
      const backends = this.#of(side, service.name).map((c) => ({ container: c.name, port, weight: 1 }));
      return [{ service: service.name, host, path, backends }];
    });
  }

  #of(side: Side, service: string): SimContainer[] {
    const place = placeOf(side, service);
    return this.containers.filter((c) => c.color === place && c.service === service);
  }

  #scriptOf(version: string, service: string): Script {
    const created = this.#created.get(`${version}/${service}`) ?? 0;
    this.#created.set(`${version}/${service}`, created + 1);
    const all = this.#options.scripts?.[version] ?? {};
    const found = all[service] ?? all['*'] ?? { readyAt: 1 };
    return Array.isArray(found) ? ((found[created] ?? found.at(-1)) as Script) : (found as Script);
  }

  #add(side: Side, service: string, rollout: string, at: number): SimContainer {
    const number = Math.max(0, ...this.#of(side, service).map((c) => c.number)) + 1;
    const place = placeOf(side, service);
    const project = composeProject('shop', place);
    const version = side.version ?? '';
    const starts = this.#options.startFails?.[version] === undefined;
    this.#number += 1;
    if (place !== null) this.networks.add(project);
    const container: SimContainer = {
      id: `c${String(this.#number)}`,
      name: `${project}-${service}-${String(number)}`,
      service,
      color: place,
      release: side.release,
      rollout: place === null ? null : rollout,
      store: 'store',
      oneOff: false,
      number,
      state: starts ? 'running' : 'created',
      health: 'starting',
      exitCode: null,
      oomKilled: false,
      restarts: 0,
      createdAt: at,
      startedAt: starts ? at : null,
      finishedAt: null,
      imageId: `sha256:${version}`,
      image: `app:${version}`,
      version: side.version,
      configHash: null,
      pid: 1,
      addresses: { default: '10.0.0.1' },
      script: this.#scriptOf(version, service),
    };
    this.containers.push(container);
    return container;
  }

  /** Performs an action; stopping takes its time. @returns the words of a failure, or null */
  perform(record: RolloutRecord, action: Action): string | null {
    this.log.push(`t${String(this.seconds)} ${this.#text(action)}`);
    switch (action.kind) {
      case 'run':
        return this.#options.runFails?.[action.service] ?? null;
      case 'create':
        return this.#up(record, action);
      case 'start':
        for (const id of action.containers)
          this.#replace(id, { state: 'running', startedAt: this.now, exitCode: null });
        return null;
      case 'stop':
        this.#stopping(action.containers);
        for (const id of action.containers)
          this.#replace(id, { state: 'exited', exitCode: 0, finishedAt: this.now, pid: null });
        return null;
      case 'remove':
        this.#stopping(action.containers);
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
        this.color = action.color;
        return null;
      case 'hook':
        this.hook = {
          moment: action.moment,
          endsAt: this.now + 1000 * (this.#options.hookSeconds?.[action.moment] ?? 0),
        };
        return null;
      case 'remove-networks':
        this.networks.delete(composeProject('shop', requireSide(record, action.side).color));
        return null;
      default:
        return null;
    }
  }

  /** Begins measurements of what is due, and stops all others. @returns true if one began */
  measure(due: readonly string[]): boolean {
    for (const key of this.measuring.keys()) if (!due.includes(key)) this.measuring.delete(key);
    const fresh = due.filter((key) => !this.measuring.has(key));
    for (const key of fresh) {
      const name = key.split(' ').at(-1) ?? '';
      this.log.push(`t${String(this.seconds)} measure ${key}`);
      this.measuring.set(key, { name, endsAt: this.now + 1000 * (this.#options.checkSeconds?.[name] ?? 0) });
    }
    return fresh.length > 0;
  }

  /** What has ended meanwhile. */
  ended(): RecordEvent[] {
    const events: RecordEvent[] = [];
    for (const [key, { name, endsAt }] of this.measuring) {
      if (endsAt > this.now) continue;
      this.measuring.delete(key);
      events.push({ kind: 'measured', run: key, measurement: { ...this.#outcome(name), at: this.now } });
    }
    if (this.hook !== null && this.hook.endsAt <= this.now) {
      const ok = this.#options.hooksFail?.includes(this.hook.moment) !== true;
      this.hook = null;
      events.push({ kind: 'hook-ended', ok, text: ok ? 'exit code 0' : 'exit code 1' });
    }
    return events;
  }

  #outcome(name: string): Outcome {
    const letters = this.#options.checks?.[name] ?? 'p';
    const made = this.#made.get(name) ?? 0;
    this.#made.set(name, made + 1);
    const letter = letters[Math.min(made, letters.length - 1)] ?? 'p';
    return { kind: OUTCOMES[letter] ?? 'error', text: `${letter}${String(made + 1)}` };
  }

  /** As `docker compose up --scale`: counts what is there in any state, starts what is stopped, creates the rest. */
  #up(record: RolloutRecord, action: Extract<Action, { kind: 'create' }>): string | null {
    const side = requireSide(record, action.side);
    const error = this.#options.createFails?.[side.version ?? ''];
    if (error !== undefined) return error;
    for (const container of this.#of(side, action.service))
      if (this.#asSeen(container).state === 'exited') this.#replace(container.id, { startedAt: this.now });
    while (this.#of(side, action.service).length < action.total) this.#add(side, action.service, record.id, this.now);
    return this.#options.startFails?.[side.version ?? ''] ?? null;
  }

  #replace(id: string, over: Partial<ObservedContainer>): void {
    const index = this.containers.findIndex((c) => c.id === id);
    const container = this.containers[index];
    if (container !== undefined) this.containers.splice(index, 1, { ...container, ...over });
  }

  #stopping(ids: readonly string[]): void {
    const running = this.containers.filter((c) => ids.includes(c.id) && this.#asSeen(c).state === 'running');
    const seconds = running.map((c) => this.#options.stopSeconds?.[c.version ?? ''] ?? 0);
    this.now += Math.max(0, ...seconds) * 1000;
  }

  #text(action: Action): string {
    switch (action.kind) {
      case 'create':
        return `create ${action.service} to ${String(action.total)} (${action.side})`;
      case 'stop':
      case 'remove':
        return `${action.kind} ${action.containers.map((id) => this.containers.find((c) => c.id === id)?.name ?? id).join(' ')}`;
      case 'route':
        return `route ${String(action.weight)}`;
      case 'run':
        return `run ${action.service}`;
      case 'hook':
        return `hook ${action.moment} ${action.owner ?? 'project'}`;
      default:
        return action.kind;
    }
  }

  inFlight(id: string): number {
    const { inFlightSeconds = 0, isBusy = (_, seconds) => seconds < inFlightSeconds } = this.#options;
    return isBusy(id, this.seconds - this.#switchedAt) ? 1 : 0;
  }
}

/** By the seconds since its last start. */
function healthAt({ readyAt, unhealthyAt, unchecked }: Script, age: number): ObservedContainer['health'] {
  if (unchecked === true) return 'none';
  if (unhealthyAt !== undefined && age >= unhealthyAt) return 'unhealthy';
  return readyAt !== undefined && age >= readyAt ? 'healthy' : 'starting';
}

/** When a container that runs changes by itself. */
function momentsOf({
  script: { readyAt, exitAt, unhealthyAt, restarts = 0 },
  startedAt,
  state,
}: SimContainer): number[] {
  if (state !== 'running' || startedAt === null) return [];
  const lives = Array.from({ length: restarts + 1 }, (_, life) => life * (exitAt ?? 0));
  const within = [readyAt, exitAt, unhealthyAt].filter((at) => at !== undefined);
  return lives.flatMap((life) => within.map((at) => startedAt + (life + at) * 1000));
}

/** How a simulated rollout ended. */
export interface SimResult {
  readonly record: RolloutRecord;
  readonly states: readonly string[];
  readonly steps: readonly string[];
  /** What people were told beside the steps. */
  readonly warnings: readonly string[];
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
  readonly warnings: string[] = [];
  readonly #world: World;
  readonly #drains: Record<string, Observed['drains'][string]> = {};
  #attempts: Record<string, Attempt> = {};

  constructor(world: World, record: RolloutRecord) {
    this.#world = world;
    // What a process that was killed had begun ended with it.
    world.hook = null;
    world.measuring.clear();
    this.record = record;
    this.states = [record.state];
  }

  /** One decision. @returns false when the rollout rests */
  step(): boolean {
    const ended = this.#world.ended();
    ended.forEach((event) => {
      this.change(event);
    });
    if (ended.length > 0) return true;
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
    if (event.kind === 'step-done' && event.warning !== undefined) this.warnings.push(event.warning);
    if (this.record.state !== before.state) this.states.push(this.record.state);
    if (this.record.cursor === before.cursor && this.record.steps === before.steps) return;
    this.#attempts = {};
    // The executor stops a hook that is not the present step's any more.
    this.#world.hook = null;
    const step = currentStep(this.record);
    if (step !== undefined) this.steps.push(stepText(step));
  }

  #wait(wait: Wait): void {
    // Who looks on sees measurements under way before time goes by.
    if (this.#world.measure(wait.measure)) return;
    advance(this.#world, wait);
    for (const id of wait.drain) {
      const inFlight = this.#world.inFlight(id);
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

/** To the end of the wait, or to what happens before: readings of requests in flight come every 100 ms. */
function advance(world: World, wait: Wait): void {
  if (wait.until <= world.now) throw new Error('the planner waits for a moment that is over');
  const reading = wait.drain.length > 0 ? world.now + READING_MS : Infinity;
  const ends = [...world.measuring.values()].map(({ endsAt }) => endsAt);
  const hook = world.hook?.endsAt ?? Infinity;
  world.now = Math.max(world.now, Math.min(wait.until, world.nextMoment(), reading, hook, ...ends));
}
