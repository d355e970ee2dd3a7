import { Cron } from 'croner';
import { needsHost } from '../app/hand-over.ts';
import type { Ports } from '../app/ports.ts';
import { readToday } from '../app/session.ts';
import { update } from '../app/update.ts';
import type { AgentLog } from './log.ts';
import type { Metrics } from './metrics.ts';

/** Another command may be at work at that moment. */
const WAIT_MS = 600_000;

/** Updates by the schedule of the compose files, until the signal fires. */
export class Updates {
  readonly #ports: Ports;
  readonly #log: AgentLog;
  readonly #metrics: Metrics;
  readonly #signal: AbortSignal;
  #cron: Cron | null = null;
  #schedule: string | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(ports: Ports, log: AgentLog, metrics: Metrics, signal: AbortSignal) {
    this.#ports = ports;
    this.#log = log;
    this.#metrics = metrics;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#cron?.stop());
  }

  /** When the next one begins, ISO 8601; null if none does. */
  get next(): string | null {
    return this.#cron?.nextRun()?.toISOString() ?? null;
  }

  /** Takes the schedule from the compose files as they are now. @throws what reading them throws */
  async read(): Promise<void> {
    const project = await readToday(this.#ports);
    const reason = needsHost(project);
    const schedule = reason === null ? project.update.schedule : null;
    if (schedule === this.#schedule || this.#signal.aborted) return;
    this.#schedule = schedule;
    this.#cron?.stop();
    // One at a time: the next one finds what the one before it has deployed.
    this.#cron = schedule === null ? null : new Cron(schedule, { mode: '5-part', protect: true }, this.#run);
    this.#metrics.scheduled(schedule !== null, this.#ports.clock.now());
    this.#log.logger.info({ schedule, next: this.next, reason }, 'updates');
  }

  /** Returns when none is under way any more. */
  async close(): Promise<void> {
    this.#cron?.stop();
    await this.#running;
  }

  readonly #run = (): Promise<void> => (this.#running = this.#log.during(null, () => this.#update()));

  async #update(): Promise<void> {
    const options = { version: null, now: false, dryRun: false, waitMs: WAIT_MS, timeoutMs: null };
    try {
      // Since a hook on the host may have come since the schedule was read.
      await this.read();
      if (this.#cron === null) return;
      const outcome = await update(this.#ports, options, this.#signal);
      this.#metrics.updated(this.#ports.clock.now());
      this.#log.logger.info({ ...outcome }, outcome.message);
    } catch (error) {
      this.#log.failed(error);
    }
  }
}
