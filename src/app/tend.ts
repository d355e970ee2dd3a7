import { DeployError } from '../core/errors.ts';
import { next } from '../core/next.ts';
import type { Millis, RouteState } from '../core/observed.ts';
import type { RolloutRecord } from '../core/record.ts';
import { Bell } from './bell.ts';
import { follow } from './follow.ts';
import { followReplicas, type Waiting } from './follow-replicas.ts';
import { needsHost } from './hand-over.ts';
import type { Ports } from './ports.ts';
import { finish, isFinished } from './recover.ts';
import { inSession, locate, observe, type Session } from './session.ts';
import { withAny } from './signals.ts';
import { isWatchDue, watchHeld } from './watch-held.ts';
import { refuseForeign } from './state.ts';

/** How long what rests is believed to rest while the engine has no news of it. */
const REST_MS = 30_000;
/** How soon a replica that is on its way back is asked whether it is there; each time in vain makes it twice as long. */
const PENDING_MS = 1_000;
/** What went wrong is tried again after the fallback poll; each time in vain makes it twice as long, up to this. */
const AGAIN_MS = 60_000;
/** How soon the proxy is told again that could not be told. */
const FOLLOW_AGAIN_MS = 10_000;
/** How soon a rollout is looked at again that somebody has accepted and still holds: it may be meant for us. */
const GIVEN_MS = 50;

/** What a tender tells beside the events of the rollouts that it runs. */
export interface Tender {
  /** It is alive, and looks around. */
  readonly looked: () => void;
  /** A rollout goes on here. */
  readonly took: (record: RolloutRecord) => void;
  /** A rollout stays as it is, although nobody runs it. */
  readonly left: (record: RolloutRecord, reason: string) => void;
  /** Nothing is under way, by the journal as it is now. */
  readonly rests: () => void;
  /** Replicas of the live release came or went, and the proxy was told so. */
  readonly followed: (routes: readonly RouteState[]) => void;
  /** A live replica was unhealthy, and is started again. */
  readonly restarted: (container: string) => void;
  /** It came to rest otherwise than well, or could not be taken on now; it is tried again where it is still to be done. */
  readonly failed: (error: unknown) => void;
}

/**
 * What an agent does beside the commands of people. A rollout that nobody runs goes on: at once where its process gave it
 * away or died; at its time where it is held; at a failure where it waits for a person. While nothing is under way, the
 * proxy is told of replicas that come and go. Ends when the signal fires.
 * @throws state-unreadable, and engine-unreachable as long as there is something to look at
 */
export async function tend(ports: Ports, tender: Tender, signal: AbortSignal): Promise<void> {
  const ended = new AbortController();
  await withAny([signal, ended.signal], async (stop) => {
    const bell = new Bell();
    const tending = new Tending(ports, tender, bell, stop);
    try {
      for await (const news of follow(ports, null, stop, bell)) await tending.look(news.length > 0);
    } finally {
      ended.abort();
      await tending.ended();
    }
  });
}

class Tending {
  readonly #ports: Ports;
  readonly #tender: Tender;
  readonly #bell: Bell;
  readonly #signal: AbortSignal;
  #last: RolloutRecord | null = null;
  /** Before then nothing has to be done unless there are news. */
  #restsUntil: Millis = 0;
  readonly #waiting: Waiting = new Map();
  #pendingMs = PENDING_MS;
  /** Before then the proxy is left alone: it could not be told. */
  #followsAt: Millis = 0;
  /** Before then nothing is tried, whatever the news. */
  #notBefore: Millis = 0;
  #failedAt = '';
  #inVain = 0;
  #watched = false;
  #watching: Promise<void> | null = null;
  #known = false;
  #news = false;

  constructor(ports: Ports, tender: Tender, bell: Bell, signal: AbortSignal) {
    this.#ports = ports;
    this.#tender = tender;
    this.#bell = bell;
    this.#signal = signal;
  }

  /** @param told the journal has something new */
  async look(told: boolean): Promise<void> {
    this.#tender.looked();
    if (told || !this.#known) await this.#readJournal();
    const last = this.#last;
    if (last === null || !this.#mayHaveChanged()) return;
    if ((await this.#ports.store.holder()) !== null) {
      if (last.state === 'pending') this.#ringSoon();
      return;
    }
    await this.#listen(last.project);
    if (this.#news) this.#pendingMs = PENDING_MS;
    this.#news = false;
    if (isFinished(last)) await this.#follow(last.project);
    else if (await this.#isDue(last)) await this.#takeOn(last);
    // A release that is held gets no requests: those who serve are watched and followed all the same.
    else if (last.state === 'completed') {
      await this.#follow(last.project);
      if (isWatchDue(last, this.#ports.clock.now())) await this.#watch(last);
    }
  }

  /** Resolves when nothing is under way in the background. */
  async ended(): Promise<void> {
    await this.#watching;
  }

  async #readJournal(): Promise<void> {
    const before = this.#last?.id;
    this.#last = (await this.#ports.store.rollouts()).at(-1) ?? null;
    if (this.#last?.id !== before) this.#notBefore = 0;
    this.#restsUntil = 0;
    this.#known = true;
    if (this.#last === null || isFinished(this.#last)) this.#tender.rests();
  }

  #mayHaveChanged(): boolean {
    const now = this.#ports.clock.now();
    return now >= this.#notBefore && (this.#news || now >= this.#restsUntil);
  }

  /** Nobody tells that a lock is given back. */
  #ringSoon(): void {
    void this.#ports.clock.wait(GIVEN_MS, this.#signal).then(this.#bell.ring);
  }

  /** Our own words in the journal are news, too: they are no reason to try again at once. */
  #tryLater({ id, state, cursor }: RolloutRecord): void {
    const place = [id, state, cursor].join(' ');
    const { clock, pollMs } = this.#ports;
    this.#inVain = this.#failedAt === place ? this.#inVain + 1 : 0;
    this.#failedAt = place;
    this.#notBefore = clock.now() + Math.min(AGAIN_MS, pollMs * 2 ** this.#inVain);
  }

  /** Nobody else may be there to see a container die. */
  async #listen(project: string): Promise<void> {
    if (this.#watched) return;
    const changed = (): void => {
      this.#news = true;
      this.#bell.ring();
    };
    await this.#ports.engine.watch(project, changed, this.#signal);
    this.#watched = true;
  }

  async #follow(project: string): Promise<void> {
    if (this.#ports.clock.now() < this.#followsAt) return;
    try {
      const { told, restarted, pending } = await followReplicas(this.#ports, project, this.#waiting);
      if (told !== null) this.#tender.followed(told);
      if (restarted !== null) this.#tender.restarted(restarted);
      this.#rest(this.#ports.clock.now() + (pending || told !== null ? this.#pendingMs : REST_MS));
      this.#pendingMs = pending ? Math.min(REST_MS, this.#pendingMs * 2) : PENDING_MS;
    } catch (error) {
      // Whoever has begun something looks at the replicas as well.
      if (error instanceof DeployError && error.code === 'locked') return;
      this.#followsAt = this.#ports.clock.now() + FOLLOW_AGAIN_MS;
      this.#rest(this.#followsAt);
      this.#tender.failed(error);
    }
  }

  /** Begins a measurement, if none is under way. What comes of it is in the journal, and news. */
  async #watch(record: RolloutRecord): Promise<void> {
    if (this.#watching !== null || (await this.#reasonToLeave(record)) !== null) {
      this.#restsUntil = this.#ports.clock.now() + REST_MS;
      return;
    }
    this.#watching = watchHeld(this.#ports, record)
      .catch((error: unknown) => {
        if (error instanceof DeployError && error.code === 'locked') return;
        this.#tryLater(record);
        this.#tender.failed(error);
      })
      .finally(() => {
        this.#watching = null;
        this.#restsUntil = 0;
        this.#bell.ring();
      });
  }

  /** No later than what is known of already. */
  #rest(until: Millis): void {
    const now = this.#ports.clock.now();
    this.#restsUntil = this.#restsUntil > now ? Math.min(this.#restsUntil, until) : until;
  }

  /** The planner is asked, as whoever runs the rollout would ask it. */
  async #isDue(record: RolloutRecord): Promise<boolean> {
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
      this.#restsUntil = Infinity;
      this.#tender.left(record, reason);
      return;
    }
    try {
      await this.#run(record);
    } catch (error) {
      this.#tryLater(record);
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
    const files = needsFiles(record) ? await this.#ports.compose.read(candidate.version ?? '') : null;
    await inSession(this.#ports, location, { verb: called, files }, (session) => this.#goOn(session, record));
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

/** Shared services are in no release: they are started as the compose files say. */
function needsFiles({ steps, cursor }: RolloutRecord): boolean {
  return steps.slice(cursor).some(({ kind }) => kind === 'shared');
}
