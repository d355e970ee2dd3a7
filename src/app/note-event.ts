import { apply } from '../core/apply.ts';
import type { RecordEvent, RolloutRecord } from '../core/record.ts';
import { redactWords } from '../core/redact.ts';
import type { Session } from './session.ts';

/** A change of a record that is in the journal. */
export interface Noted {
  readonly before: RolloutRecord;
  readonly after: RolloutRecord;
  /** Without secrets. */
  readonly event: RecordEvent;
  readonly at: number;
}

/**
 * Changes a record by an event, which is in the journal then. A process that slept may not have the project any more.
 * @throws superseded if it has not
 */
export async function noteEvent(
  { ports, lock, secrets }: Pick<Session, 'ports' | 'lock' | 'secrets'>,
  before: RolloutRecord,
  given: RecordEvent,
): Promise<Noted> {
  const event = redactWords(given, secrets);
  await lock.check();
  const at = ports.clock.now();
  const after = apply(before, event, at);
  await ports.store.append({ kind: 'event', at, rollout: before.id, event });
  return { before, after, event, at };
}
