import { apply } from '../core/apply.ts';
import type { RolloutRecord } from '../core/record.ts';
import { redactWords } from '../core/redact.ts';
import { heldUntil } from '../core/steps/gates.ts';
import { heldAgenda } from '../core/steps/checks.ts';
import { Measuring } from './measuring.ts';
import { FOLLOWING, type Ports } from './ports.ts';
import { report } from './report.ts';
import { inSession, locate, observe, type Session } from './session.ts';

/** True if something of a release that serves is to be seen now, while the one before it is held. */
export function isWatchDue(record: RolloutRecord, now: number): boolean {
  return heldUntil(record) !== null && heldAgenda(record, now).due.length > 0;
}

/**
 * Makes the measurements that are due of a release that serves while the one before it is held. What they mean is the
 * planner's to say, to whoever asks it next. Other commands wait meanwhile.
 * @throws locked if somebody has begun a rollout meanwhile
 */
export async function watchHeld(ports: Ports, { id, candidate }: RolloutRecord): Promise<void> {
  const location = await locate(ports, candidate.version ?? '');
  await inSession(ports, location, { verb: FOLLOWING, files: null }, async (session) => {
    const last = (await ports.store.rollouts()).at(-1);
    if (last?.id === id && isWatchDue(last, ports.clock.now())) await measureAll(session, last);
  });
}

async function measureAll(session: Session, record: RolloutRecord): Promise<void> {
  const { ports, lock, secrets } = session;
  const measuring = new Measuring(session, () => undefined);
  const observed = await observe(ports, session.project, null);
  const leave = (): void => void measuring.close();
  ports.leaving?.addEventListener('abort', leave);
  try {
    measuring.follow(heldAgenda(record, ports.clock.now()).due, { record, observed });
    let before = record;
    for (const measured of await measuring.ended()) {
      const event = redactWords(measured, secrets);
      await lock.check();
      const at = ports.clock.now();
      const after = apply(before, event, at);
      await ports.store.append({ kind: 'event', at, rollout: record.id, event });
      report(ports.emit, { before, after, event, at, observed, details: [] });
      before = after;
    }
  } finally {
    ports.leaving?.removeEventListener('abort', leave);
    await measuring.close();
  }
}
