import { next } from '../core/next.ts';
import type { Millis } from '../core/observed.ts';
import type { RolloutRecord } from '../core/record.ts';
import { follow } from './follow.ts';
import { needsHost } from './hand-over.ts';
import type { Ports } from './ports.ts';
import { finish, isFinished } from './recover.ts';
import { inSession, locate, observe, type Session } from './session.ts';
import { refuseForeign } from './state.ts';

/** How long what rests is believed to rest while the engine has no news of it. */
const REST_MS = 30_000;

/** What a tender tells beside the events of the rollouts that it runs. */
export interface Tender {
  /** A rollout goes on here. */
  readonly took: (record: RolloutRecord) => void;
  /** A rollout stays as it is, although nobody runs it. */
  readonly left: (record: RolloutRecord, reason: string) => void;
  /** Nothing is under way, by the journal as it is now. */
  readonly rests: () => void;
  /** It came to rest otherwise than well, or could not be taken on now; it is tried again where it is still to be done. */
  readonly failed: (error: unknown) => void;
}

/**
 * What an agent does beside the commands of people: a rollout that nobody runs goes on. At once where its process gave
 * it away or died; at its time where it is held; at a failure where it waits for a person. Ends when the signal fires.
 * @throws state-unreadable, and engine-unreachable as long as there is something to look at
 */
export async function tend(ports: Ports, tender: Tender, signal: AbortSignal): Promise<void> {
  const tending = new Tending(ports, tender, signal);
  for await (const news of follow(ports, null, signal)) await tending.look(news.length > 0);
}

class Tending {
  readonly #ports: Ports;
  readonly #tender: Tender;
  readonly #signal: AbortSignal;
  /** The rollout that something is left to be done for. */
  #open: RolloutRecord | null = null;
  /** Before then nothing has to be done for it unless there are news. */
  #restsUntil: Millis = 0;
  #watched = false;
  #known = false;
  #news = false;

  constructor(ports: Ports, tender: Tender, signal: AbortSignal) {
    this.#ports = ports;
    this.#tender = tender;
    this.#signal = signal;
  }

  /** @param told the journal has something new */
  async look(told: boolean): Promise<void> {
    if (told || !this.#known) await this.#readJournal();
    if (this.#open === null || !this.#mayHaveChanged() || (await this.#ports.store.holder()) !== null) return;
    await this.#listen(this.#open.project);
    if (await this.#isDue(this.#open)) await this.#takeOn(this.#open);
  }

  async #readJournal(): Promise<void> {
    const last = (await this.#ports.store.rollouts()).at(-1);
    this.#open = last === undefined || isFinished(last) ? null : last;
    this.#restsUntil = 0;
    this.#known = true;
    if (this.#open === null) this.#tender.rests();
  }

  #mayHaveChanged(): boolean {
    return this.#news || this.#ports.clock.now() >= this.#restsUntil;
  }

  /** Nobody else may be there to see a candidate die while its rollout waits. */
  async #listen(project: string): Promise<void> {
    if (this.#watched) return;
    const changed = (): void => {
      this.#news = true;
    };
    await this.#ports.engine.watch(project, changed, this.#signal);
    this.#watched = true;
  }

  /** The planner is asked, as whoever runs the rollout would ask it. */
  async #isDue(record: RolloutRecord): Promise<boolean> {
    this.#news = false;
    const now = this.#ports.clock.now();
    const decision = next(record, await observe(this.#ports, record.project, null), now);
    if (decision.kind !== 'leave' && decision.kind !== 'finished') return true;
    const until = decision.kind === 'leave' ? (decision.until ?? Infinity) : Infinity;
    this.#restsUntil = Math.min(until, now + REST_MS);
    return false;
  }

  async #takeOn(record: RolloutRecord): Promise<void> {
    const reason = await this.#reasonToLeave(record);
    if (reason !== null) {
      this.#open = null;
      this.#tender.left(record, reason);
      return;
    }
    try {
      await this.#run(record);
    } catch (error) {
      this.#restsUntil = this.#ports.clock.now() + this.#ports.pollMs;
      this.#tender.failed(error);
    }
  }

  async #reasonToLeave({ candidate }: RolloutRecord): Promise<string | null> {
    const release = candidate.release === null ? null : await this.#ports.store.release(candidate.release);
    return release === null ? null : needsHost(release);
  }

  async #run(record: RolloutRecord): Promise<void> {
    const { verb, candidate } = record;
    const location = await locate(this.#ports, candidate.version ?? '');
    // As the command calls itself that began it: who deploys the same follows this one.
    const called = verb === 'deploy' ? `deploy ${candidate.version ?? ''}` : verb;
    await inSession(this.#ports, location, { verb: called, files: null }, (session) => this.#goOn(session, record));
  }

  /** Others may have been at work until the lock was ours. */
  async #goOn(session: Session, { id }: RolloutRecord): Promise<void> {
    const last = (await session.ports.store.rollouts()).at(-1);
    if (last?.id !== id || isFinished(last)) return;
    refuseForeign(await observe(session.ports, session.project, null), session.storeId, false);
    this.#tender.took(last);
    await finish(session, last, new AbortController().signal);
  }
}
