import type { Wait } from '../core/decision.ts';
import type { DrainReading, ObservedContainer, ProbeReading } from '../core/observed.ts';
import type { ProbeSpec } from '../core/project.ts';
import { Bell } from './bell.ts';
import type { Ports, Router } from './ports.ts';

/** What the watcher needs to know of a container that a wait names. */
export interface Watched {
  readonly container: ObservedContainer;
  readonly probe: ProbeSpec | null;
}

/**
 * Watches what a wait names, between two looks at the whole: engine events, probes, requests in flight. It only
 * collects readings and wakes the executor; it decides nothing.
 */
export class Watcher {
  readonly probes: Record<string, ProbeReading> = {};
  readonly drains: Record<string, DrainReading> = {};
  readonly #ports: Ports;
  readonly #router: Router;
  readonly #stop = new AbortController();
  readonly #running = new Map<string, AbortController>();
  readonly #bell = new Bell();
  #engineChanged = false;
  #broken: { readonly error: unknown } | null = null;

  constructor(ports: Ports, router: Router) {
    this.#ports = ports;
    this.#router = router;
  }

  /** Begins to listen to the engine and to people. */
  async start(project: string): Promise<void> {
    await this.#ports.store.watchRequests(this.notify, this.#stop.signal);
    const changed = (): void => {
      this.#engineChanged = true;
      this.notify();
    };
    await this.#ports.engine.watch(project, changed, this.#stop.signal);
  }

  /** Something may have changed: look again. */
  readonly notify = (): void => {
    this.#bell.ring();
  };

  /** Resolves when something changed, at the wait's end, or after the fallback poll. */
  async wait(wait: Wait, containers: readonly Watched[]): Promise<void> {
    this.#follow(wait, containers);
    const { clock, pollMs } = this.#ports;
    await this.#bell.sleep(clock, Math.max(0, Math.min(wait.until - clock.now(), pollMs)));
    if (this.#broken !== null) throw this.#broken.error;
  }

  /** Whether the engine told of something since it was last asked this; else only readings are new. */
  takeNews(): boolean {
    const changed = this.#engineChanged;
    this.#engineChanged = false;
    return changed;
  }

  /** Probes and drain readings run for exactly what the wait names; others end. */
  #follow(wait: Wait, containers: readonly Watched[]): void {
    const wanted = new Map<string, () => void>();
    for (const { container, probe } of containers) {
      if (probe !== null && wait.probe.includes(container.id)) {
        wanted.set(`probe ${container.id}`, () => {
          this.#inBackground(this.#probeLoop(container, probe));
        });
      }
    }
    if (wait.drain.length > 0) {
      const drained = containers
        .filter(({ container }) => wait.drain.includes(container.id))
        .map(({ container }) => container);
      wanted.set(`drain ${[...wait.drain].sort().join(' ')}`, () => {
        this.#inBackground(this.#drainLoop(drained));
      });
    }
    for (const [key, stop] of this.#running) if (!wanted.has(key)) this.#end(key, stop);
    for (const [key, begin] of wanted) if (!this.#running.has(key)) begin();
  }

  /** A defect in the background must not go unnoticed: the next wait throws it. */
  #inBackground(loop: Promise<void>): void {
    loop.catch((error: unknown) => {
      this.#broken ??= { error };
      this.notify();
    });
  }

  #begin(key: string): AbortSignal {
    const stop = new AbortController();
    this.#running.set(key, stop);
    return stop.signal;
  }

  #end(key: string, stop: AbortController): void {
    stop.abort();
    this.#running.delete(key);
  }

  async #probeLoop(container: ObservedContainer, spec: ProbeSpec): Promise<void> {
    const signal = this.#begin(`probe ${container.id}`);
    while (!signal.aborted) {
      const reading = await this.#ports.prober.probe(container, spec);
      const before = this.probes[container.id];
      this.probes[container.id] = reading;
      if (before?.ok !== reading.ok || before.detail !== reading.detail) this.#report(container, reading);
      await this.#ports.clock.wait(reading.ok ? spec.intervalMs : Math.min(spec.intervalMs, 50), signal);
    }
  }

  #report(container: ObservedContainer, reading: ProbeReading): void {
    this.#ports.emit({
      kind: 'container',
      service: container.service,
      container: container.name,
      change: 'probed',
      detail: reading.detail,
    });
    this.notify();
  }

  async #drainLoop(containers: readonly ObservedContainer[]): Promise<void> {
    const ids = containers.map((c) => c.id);
    const signal = this.#begin(`drain ${[...ids].sort().join(' ')}`);
    while (!signal.aborted) {
      const inFlight = await this.#router.inFlight(containers);
      const at = this.#ports.clock.now();
      for (const id of ids) this.#recordDrain(id, inFlight[id] ?? null, at);
      this.notify();
      await this.#ports.clock.wait(this.#router.readingsApartMs, signal);
    }
  }

  /** Where no evidence is to be had nothing is recorded, and the drain lasts until its deadline. */
  #recordDrain(id: string, inFlight: number | null, at: number): void {
    if (inFlight === null) return;
    const before = this.drains[id];
    const zeros = inFlight === 0 ? (before?.zeros ?? 0) + 1 : 0;
    this.drains[id] = { inFlight, zeros, atSwitch: before?.atSwitch ?? inFlight, at };
  }

  /** Ends everything that runs in the background. */
  close(): void {
    this.#stop.abort();
    for (const [key, stop] of this.#running) this.#end(key, stop);
  }
}
