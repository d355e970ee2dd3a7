import { DeployError } from '../core/errors.ts';
import { stepText } from '../core/plan.ts';
import { apply } from '../core/apply.ts';
import { currentStep, type RolloutRecord, upgraded } from '../core/record.ts';
import { isTerminal } from '../core/state.ts';
import { needsPerson } from '../core/steer.ts';
import { follow } from './follow.ts';
import { type Outcome, outcomeOf, servesText, sideName } from './outcome.ts';
import { type JournalEntry, LEASE_MS, type LockHolder, type Ports } from './ports.ts';
import { isFinished } from './recover.ts';
import { report, reportStart, reportStep } from './report.ts';
import { observe } from './session.ts';
import { stoppedError } from './stopping.ts';

export interface AttachOptions {
  /** Where its process leaves the rollout paused, stay there in its place. */
  readonly attach: boolean;
}

type Rested = Extract<JournalEntry, { kind: 'rested' }>;

/**
 * Shows a rollout that another process runs as if it ran here, and ends as that one does. Changes nothing; the signal
 * only ends the watching.
 * @returns null if nobody runs it any more and this process shall
 * @throws what the other process ends with; interrupted or timeout when the signal fires
 */
export async function attach(
  ports: Ports,
  rollout: RolloutRecord,
  options: AttachOptions,
  signal: AbortSignal,
): Promise<Outcome | null> {
  const { entries, position } = await ports.store.entries(null);
  const followed = new Followed(ports, rollout);
  followed.catchUp(entries);
  followed.announce(await ports.store.holder());
  let gone = false;
  for await (const news of follow(ports, position, signal)) {
    const rested = await followed.tell(news);
    if (rested !== null) return ended(followed.record, rested, options);
    if (gone) return abandoned(ports, followed, options);
    const holder = await ports.store.holder();
    // What it said last may have come after the news and before the look at the lock.
    gone = holder === null;
    if (holder !== null) followed.wait(holder);
  }
  throw detached(followed.record, signal);
}

/** A rollout as far as the journal has told. */
class Followed {
  record: RolloutRecord;
  /** How it came to rest before anybody looked, if nothing has happened since. */
  rested: Rested | null = null;
  readonly #ports: Ports;

  constructor(ports: Ports, record: RolloutRecord) {
    this.#ports = ports;
    this.record = record;
  }

  /** Takes over what happened before anybody looked. */
  catchUp(entries: readonly JournalEntry[]): void {
    for (const entry of entries) {
      this.#take(entry);
      if (!('rollout' in entry) || entry.rollout !== this.record.id) continue;
      if (entry.kind === 'event') this.rested = null;
      if (entry.kind === 'rested') this.rested = entry;
    }
  }

  announce(holder: LockHolder | null): void {
    const { emit } = this.#ports;
    const runner = holder === null ? 'another process' : holder.who;
    emit({ kind: 'phase', text: `attached to rollout ${this.record.id}, which ${runner} runs; Ctrl-C only detaches` });
    reportStart(emit, this.record, true);
    reportStep(emit, this.record);
  }

  /** Tells what is new as the process that does it tells it. @returns how the rollout came to rest, if it did */
  async tell(entries: readonly JournalEntry[]): Promise<Rested | null> {
    const events = entries.filter((entry) => entry.kind === 'event' && entry.rollout === this.record.id);
    const observed = events.length === 0 ? null : await observe(this.#ports, this.record.project, null);
    for (const entry of entries) {
      const before = this.record;
      this.#take(entry);
      if (entry.kind !== 'event' || observed === null || this.record === before) continue;
      const { at, event } = entry;
      report(this.#ports.emit, { before, after: this.record, event, at, observed, details: [] });
    }
    const rests = entries.filter((entry): entry is Rested => entry.kind === 'rested');
    return rests.findLast(({ rollout }) => rollout === this.record.id) ?? null;
  }

  /** What is waited for: at a gate its end, elsewhere a word of the process that runs it. */
  wait(holder: LockHolder): void {
    const { emit, clock } = this.#ports;
    const { state, gateUntil } = this.record;
    const step = currentStep(this.record);
    const doing = step === undefined ? 'end' : `be done with ${stepText(step)}`;
    if (state === 'paused' && needsPerson(this.record))
      emit({ kind: 'waiting', what: `a person to go on, or ${holder.who} to leave it paused`, until: null });
    else if (state === 'paused')
      emit({
        kind: 'waiting',
        what: gateUntil === null ? 'its URL to say that it may go on' : 'the time to promote',
        until: gateUntil,
      });
    else emit({ kind: 'waiting', what: `${holder.who} to ${doing}`, until: clock.now() + LEASE_MS });
  }

  #take(entry: JournalEntry): void {
    const { id } = this.record;
    if (entry.kind === 'accepted' && entry.record.id === id) this.record = upgraded(entry.record);
    if (entry.kind === 'event' && entry.rollout === id) this.record = apply(this.record, entry.event, entry.at);
  }
}

/** Nobody runs it any more, and nobody said why: where it rests that is its end, where it moves we go on with it. */
function abandoned(ports: Ports, { record, rested }: Followed, options: AttachOptions): Outcome | null {
  if (needsPerson(record) || isFinished(record)) return ended(record, rested, options);
  const message = 'the process that ran it is gone: this one goes on in its place';
  ports.emit({ kind: 'warning', code: null, message, hint: null });
  return null;
}

function ended(record: RolloutRecord, rested: Rested | null, { attach: stays }: AttachOptions): Outcome | null {
  if (stays && !isTerminal(record.state)) return null;
  const error = rested?.error ?? null;
  if (error !== null) throw new DeployError(error.code, { ...error, serves: servesText(record) });
  return outcomeOf(record, { cause: null, details: [] }, null);
}

function detached(record: RolloutRecord, signal: AbortSignal): DeployError {
  const version = record.candidate.version ?? '';
  return stoppedError(signal, {
    what: `detached from the ${record.verb} of ${version}, which goes on`,
    serves: `${sideName(record.stable)} until the traffic moves to ${sideName(record.candidate)}`,
    next: `docker-deploy-bg deploy ${version} attaches again, docker-deploy-bg abort takes it back`,
  });
}
