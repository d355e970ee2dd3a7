import { DeployError } from '../core/errors.ts';
import type { RolloutRecord } from '../core/record.ts';
import { apply } from '../core/apply.ts';
import { type Steering, steering } from '../core/steer.ts';
import { nothingToDo, type Outcome, outcomeOf, sideName } from './outcome.ts';
import type { Ports } from './ports.ts';
import { finish } from './recover.ts';
import { inSession, locate, type Session } from './session.ts';
import { stopReason, withTimeout } from './stopping.ts';

/** How long a process that holds the lock may take to act on a request. */
const TAKEN_WITHIN_MS = 15_000;
const LOOK_MS = 50;

/** The verbs that steer a rollout; `supersede` is what a deploy asks of the one before it. */
export type SteerVerb = Exclude<Steering, 'supersede'>;

/**
 * Asks a rollout for something. Where a process runs it, that process is asked, and this returns when it has acted;
 * where none does, this one takes the lock, and runs the rollout on from there.
 * @throws not-possible if there is no rollout that could do it
 */
export async function steer(
  ports: Ports,
  options: { readonly verb: SteerVerb; readonly timeoutMs: number | null },
  signal: AbortSignal,
): Promise<Outcome> {
  const { verb, timeoutMs } = options;
  const record = await lastRollout(ports);
  if (verb === 'promote-full' && record?.state === 'completed') return alreadyThere(record);
  if (record === null || steering(record, verb) === null) throw notPossible(verb, record);
  const asked = await ask(ports, record, verb);
  if (asked !== null) return asked;
  const location = await locate(ports, record.candidate.version ?? '');
  return inSession(ports, location, { verb, files: null }, (session) =>
    withTimeout(ports.clock, timeoutMs, signal, (stop) => runOn(session, verb, stop)),
  );
}

/**
 * Leaves a request with the process that runs a rollout, and waits until it has acted; null where no process does.
 * What nobody took is taken away again: it is not meant for whoever comes next.
 */
export async function ask(ports: Ports, record: RolloutRecord, verb: Steering): Promise<Outcome | null> {
  if ((await ports.store.holder()) === null) return null;
  ports.emit({ kind: 'ordered', rollout: record.id, order: verb });
  await ports.store.addRequest(verb);
  const deadline = ports.clock.now() + TAKEN_WITHIN_MS;
  let held = true;
  while (held && ports.clock.now() < deadline) {
    held = (await ports.store.holder()) !== null;
    const now = (await ports.store.rollouts()).find((other) => other.id === record.id);
    if (now !== undefined && hasActed(record, now, verb)) return asked(now, verb);
    await ports.clock.wait(LOOK_MS);
  }
  await ports.store.takeRequest();
  if (!held) return null;
  throw new DeployError('not-possible', {
    what: `the process that runs the rollout did not take the request to ${verb} within ${String(TAKEN_WITHIN_MS / 1000)} s`,
  });
}

function hasActed(before: RolloutRecord, now: RolloutRecord, verb: Steering): boolean {
  if (verb === 'abort' || verb === 'supersede') return now.aborted;
  const retried = now.failures.length !== before.failures.length;
  return retried || now.cursor !== before.cursor || now.state !== before.state || now.ungated !== before.ungated;
}

function asked(record: RolloutRecord, verb: Steering): Outcome {
  const { version, color } = record.candidate;
  return nothingToDo(version, color, `asked to ${verb}: ${sideName(record.candidate)} is ${record.state}`);
}

async function runOn(session: Session, verb: SteerVerb, signal: AbortSignal): Promise<Outcome> {
  const { ports } = session;
  const record = await lastRollout(ports);
  const event = record === null ? null : steering(record, verb);
  if (record === null || event === null) throw notPossible(verb, record);
  const at = ports.clock.now();
  await ports.store.append({ kind: 'event', at, rollout: record.id, event });
  const { record: ended, evidence } = await finish(session, apply(record, event, at), signal);
  return outcomeOf(ended, evidence, stopReason(signal));
}

async function lastRollout(ports: Ports): Promise<RolloutRecord | null> {
  return (await ports.store.rollouts()).at(-1) ?? null;
}

function alreadyThere(record: RolloutRecord): Outcome {
  return nothingToDo(record.candidate.version, record.candidate.color, 'already promoted: nothing to do');
}

function notPossible(verb: SteerVerb, record: RolloutRecord | null): DeployError {
  const state = record === null ? 'there is no rollout' : `the last rollout is ${record.state}`;
  return new DeployError('not-possible', { what: `nothing to ${verb.replace('-', ' --')}: ${state}` });
}
