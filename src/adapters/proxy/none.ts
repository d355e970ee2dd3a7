import type { Router } from '../../app/ports.ts';
import type { ObservedContainer, RouterReading, RouteState } from '../../core/observed.ts';
import { atContainers, SOCKET_READINGS_APART_MS, type InFlight } from '../drain/evidence.ts';

/**
 * No proxy of ours: hooks do the switching. What it was told is what it reads back, because nobody else can be
 * asked; a process that was told nothing yet says so.
 */
export class NoRouter implements Router {
  readonly readingsApartMs = SOCKET_READINGS_APART_MS;
  readonly #proc: string | undefined;
  #told: readonly RouteState[] | null = null;

  constructor(proc?: string) {
    this.#proc = proc;
  }

  require(): Promise<void> {
    return Promise.resolve();
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  apply(routes: readonly RouteState[]): Promise<void> {
    this.#told = routes;
    return Promise.resolve();
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  read(): Promise<RouterReading> {
    const reading: RouterReading =
      this.#told === null
        ? { kind: 'unreadable', reason: 'with driver none there is no proxy to ask' }
        : { kind: 'routes', routes: this.#told, parts: null };
    return Promise.resolve(reading);
  }

  inFlight(containers: readonly ObservedContainer[]): Promise<InFlight> {
    return atContainers((container) => this.#portOf(container), containers, this.#proc);
  }

  reloads(): Promise<boolean> {
    return Promise.resolve(false);
  }

  faults(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  warnings(): ReturnType<Router['warnings']> {
    return Promise.resolve([]);
  }

  #portOf({ name, service }: ObservedContainer): number | null {
    const backends = this.#told?.find((route) => route.service === service)?.backends ?? [];
    return (backends.find(({ container }) => container === name) ?? backends[0])?.port ?? null;
  }
}
