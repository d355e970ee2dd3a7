import type { Measurement } from '../core/assess.ts';
import { messageOf } from '../core/errors.ts';
import type { Observed } from '../core/observed.ts';
import { type CheckRun, type RecordEvent, type RolloutRecord, runKey } from '../core/record.ts';
import { redact } from '../core/redact.ts';
import { secretsIn } from '../core/secrets.ts';
import { specOf } from '../core/service-checks.ts';
import { replicasOn } from '../core/sides.ts';
import { environmentOf } from './about.ts';
import { measure } from './measure.ts';
import { frozen, type View } from './session.ts';

/** The rollout and the world as they are when something begins in the background. */
export interface Seen {
  readonly record: RolloutRecord;
  readonly observed: Observed;
}

type Measured = Extract<RecordEvent, { kind: 'measured' }>;

interface Running {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** Measures in the background what a wait names as due, and keeps what came of it. It decides nothing. */
export class Measuring {
  readonly #session: View;
  readonly #notify: () => void;
  readonly #running = new Map<string, Running>();
  #ended: Measured[] = [];

  constructor(session: View, notify: () => void) {
    this.#session = session;
    this.#notify = notify;
  }

  /** Begins what is due and not under way, and stops everything else. What has ended is due until it was taken. */
  follow(due: readonly string[], seen: Seen): void {
    this.#stopAllBut(due);
    for (const run of seen.record.runs) {
      const key = runKey(run);
      if (due.includes(key) && !this.#running.has(key) && !this.#isToTake(key)) this.#begin(key, run, seen);
    }
  }

  /** It ended while the record was looked at, which still says that it is due. */
  #isToTake(key: string): boolean {
    return this.#ended.some(({ run }) => run === key);
  }

  /** What has ended since the last call. */
  take(): readonly Measured[] {
    return this.#ended.splice(0);
  }

  /** What comes of all that is under way. */
  async ended(): Promise<readonly Measured[]> {
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
    return this.take();
  }

  /** Stops everything, and returns when nothing runs any more: a container of a check is gone then. */
  async close(): Promise<void> {
    this.#stopAllBut([]);
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  #stopAllBut(due: readonly string[]): void {
    for (const [key, { stop }] of this.#running) if (!due.includes(key)) stop.abort();
  }

  #begin(key: string, run: CheckRun, seen: Seen): void {
    const stop = new AbortController();
    const ended = this.#measure(run, seen, stop.signal).then((measurement) => {
      this.#running.delete(key);
      if (!stop.signal.aborted) this.#ended.push({ kind: 'measured', run: key, measurement });
      this.#notify();
    });
    this.#running.set(key, { stop, ended });
  }

  async #measure(run: CheckRun, seen: Seen, signal: AbortSignal): Promise<Measurement> {
    const { clock } = this.#session.ports;
    try {
      return await this.#ask(run, seen, signal);
    } catch (error) {
      return { kind: 'error', text: redact(messageOf(error), this.#session.secrets), at: clock.now() };
    }
  }

  async #ask(
    { use, startedAt, tally }: CheckRun,
    { record, observed }: Seen,
    signal: AbortSignal,
  ): Promise<Measurement> {
    const { ports, checker } = this.#session;
    const made = await frozen(this.#session, record.candidate, { rollout: record.id, service: use.service });
    const service = made.release.services[use.service];
    const spec = service === undefined ? null : specOf(service, use);
    if (spec === null) throw new Error(`release ${made.release.id} has no check ${use.policy.name}`);
    const context = {
      service: use.service,
      containers: replicasOn(record, observed, 'candidate', use.service),
      frozen: made,
      // What a release did well until it was called good makes up for nothing that it does now.
      since: record.state === 'completed' ? (tally.last?.at ?? startedAt) : startedAt,
      environment: environmentOf(record, null),
    };
    return measure({ checker, clock: ports.clock, secrets: secretsIn(made.release) }, spec, context, signal);
  }
}
