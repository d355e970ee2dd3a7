import { downText } from '../core/downtime.ts';
import { formatDuration } from '../core/duration.ts';
import { DeployError } from '../core/errors.ts';
import type { Millis } from '../core/observed.ts';
import { stepText } from '../core/plan.ts';
import { apply } from '../core/apply.ts';
import {
  currentStep,
  type RecordEvent,
  type RolloutRecord,
  type RolloutVerb,
  runKey,
  upgraded,
} from '../core/record.ts';
import type { State, Trigger } from '../core/state.ts';
import { follow } from './follow.ts';
import { servesAll, sideName } from './outcome.ts';
import type { JournalEntry, Ports } from './ports.ts';

/**
 * Something that happened to a rollout. `events --json` prints exactly this, so fields are added and never renamed, and
 * whoever reads it passes over kinds that are unknown.
 */
export interface EventView {
  readonly at: Millis;
  readonly rollout: string;
  readonly verb: RolloutVerb;
  /** Versions; null for adopted containers and for none. */
  readonly from: string | null;
  readonly to: string | null;
  readonly kind: 'accepted' | 'action-failed' | 'ended' | 'command-ended' | RecordEvent['kind'];
  /** The rollout's state after it. */
  readonly state: State;
  /** For people. */
  readonly text: string;
}

export interface EventsOptions {
  /** Of this rollout only. */
  readonly rollout: string | null;
  /** Not before this moment. */
  readonly since: Millis | null;
  /** Go on with what comes, until the signal fires. */
  readonly follow: boolean;
}

/** The journal in words, oldest first. @throws not-possible for a rollout that it does not know, state-unreadable */
export async function* events(
  ports: Ports,
  options: EventsOptions,
  signal: AbortSignal,
): AsyncGenerator<EventView, void, undefined> {
  const reader = new Reader();
  const wanted = ({ at, rollout }: EventView): boolean =>
    (options.rollout ?? rollout) === rollout && at >= (options.since ?? at);
  for await (const entries of follow(ports, null, signal)) {
    const views = entries.flatMap((entry) => reader.read(entry));
    if (options.rollout !== null) reader.require(options.rollout);
    yield* views.filter(wanted);
    if (!options.follow) return;
  }
}

/** Reads entries one after the other. */
class Reader {
  readonly #records = new Map<string, RolloutRecord>();

  /** What an entry tells; an intent tells nothing that its result does not. */
  read(entry: JournalEntry): readonly EventView[] {
    switch (entry.kind) {
      case 'accepted':
        return this.#accepted(upgraded(entry.record));
      case 'event':
        return this.#event(entry);
      case 'result':
        return entry.error === null ? [] : this.#tell(entry, 'action-failed', `${entry.action} failed: ${entry.error}`);
      case 'rested':
        return entry.error === null ? [] : this.#tell(entry, 'command-ended', `its command ended: ${entry.error.code}`);
      case 'intent':
        return [];
    }
  }

  /** @throws not-possible */
  require(rollout: string): void {
    if (this.#records.has(rollout)) return;
    throw new DeployError('not-possible', {
      what: `the journal knows no rollout ${rollout}`,
      next: 'docker-deploy-bg events lists those there are',
    });
  }

  /** A folded journal begins with rollouts as they ended; those that were told already are not told again. */
  #accepted(record: RolloutRecord): readonly EventView[] {
    const known = this.#records.has(record.id);
    this.#records.set(record.id, record);
    if (known) return [];
    const from = record.stable === null ? '' : `${sideName(record.stable)} → `;
    const text = `accepted: ${from}${sideName(record.candidate)}, ${String(record.steps.length)} steps`;
    const accepted = viewOf(record, record.acceptedAt, 'accepted', text);
    return record.endedAt === null
      ? [accepted]
      : [accepted, viewOf(record, record.endedAt, 'ended', endText(record, record.message))];
  }

  #event({ rollout, at, event }: Extract<JournalEntry, { kind: 'event' }>): readonly EventView[] {
    const before = this.#records.get(rollout);
    if (before === undefined) return [];
    const after = apply(before, event, at);
    this.#records.set(rollout, after);
    return [viewOf(after, at, event.kind, eventText(event, before, after, at))];
  }

  #tell(entry: { readonly rollout: string; readonly at: Millis }, kind: EventView['kind'], text: string): EventView[] {
    const record = this.#records.get(entry.rollout);
    return record === undefined ? [] : [viewOf(record, entry.at, kind, text)];
  }
}

function viewOf(record: RolloutRecord, at: Millis, kind: EventView['kind'], text: string): EventView {
  const { id, verb, stable, candidate, state } = record;
  return { at, rollout: id, verb, from: stable?.version ?? null, to: candidate.version, kind, state, text };
}

/** Kinds that are not here say by their names what happened. */
function eventText(event: RecordEvent, before: RolloutRecord, after: RolloutRecord, at: Millis): string {
  switch (event.kind) {
    case 'state':
      return event.trigger in STATE_WORDS ? because(STATE_WORDS[event.trigger], event.message) : endText(after, null);
    case 'step-done':
      return because(stepDoneText(before, at), event.warning);
    case 'container-ready':
      return `${event.service}: ${event.id.slice(0, 12)} is ready`;
    case 'container-failed':
      return `${event.failure.container} failed: ${event.failure.reason}`;
    case 'weight-confirmed':
      return `${String(event.weight)} % of the traffic to ${sideName(after.candidate)}`;
    case 'abort-requested':
      return event.replaced === true ? 'asked to make room for a later deploy' : 'asked to go back';
    case 'measured':
      return `${checkName(before, event.run)}: ${event.measurement.text}`;
    case 'hook-ended':
      return `hook ended: ${event.text}`;
    case 'checks-begun':
      return `checks begin: ${event.checks.map(({ policy }) => policy.name).join(', ')}`;
    case 'gate-entered':
      return because('paused', event.message);
    default:
      return event.kind.replaceAll('-', ' ');
  }
}

function checkName({ runs }: RolloutRecord, key: string): string {
  const run = runs.find((each) => runKey(each) === key);
  return run === undefined ? 'a check' : `check ${run.use.policy.name} of ${run.use.service}`;
}

const STATE_WORDS: Readonly<Partial<Record<Trigger, string>>> = {
  start: 'begins',
  pause: 'paused',
  resume: 'goes on',
  back: 'going back',
  'back-pause': 'the way back is paused',
};

function because(what: string | undefined, message: string | null | undefined): string {
  return [what, message].filter((part) => part != null).join(': ');
}

function endText({ state, stable, candidate, downMs }: RolloutRecord, message: string | null): string {
  const serves = state === 'completed' ? candidate : stable;
  const end = state === 'rollback_completed' ? 'rolled back' : state;
  const now = state === 'superseded' ? [] : [servesAll(serves)];
  return [because([end, ...now].join(': '), message), downText(downMs) ?? []].flat().join('; ');
}

function stepDoneText(record: RolloutRecord, at: Millis): string {
  const step = currentStep(record);
  const position = `[${String(record.cursor + 1)}/${String(record.steps.length)}]`;
  return `${position} ${step === undefined ? 'a step' : stepText(step)}: done in ${formatDuration(at - record.stepStartedAt)}`;
}
