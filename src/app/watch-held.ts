import type { RecordEvent, RolloutRecord } from '../core/record.ts';
import { heldUntil } from '../core/steps/gates.ts';
import { heldAgenda } from '../core/steps/checks.ts';
import { Measuring } from './measuring.ts';
import { noteEvent } from './note-event.ts';
import { FOLLOWING, type Ports } from './ports.ts';
import { report } from './report.ts';
import { inSession, locate, looking, observe, type Session } from './session.ts';

type Measured = Extract<RecordEvent, { kind: 'measured' }>;

/** True if something of a release that serves is to be seen now, while the one before it is held. */
export function isWatchDue(record: RolloutRecord, now: number): boolean {
  return heldUntil(record) !== null && heldAgenda(record, now).due.length > 0;
}

/**
 * Makes the measurements that are due of a release that serves while the one before it is held. What they mean is the
 * planner's to say, to whoever asks it next. Nobody waits for a measurement: what has become of the release meanwhile
 * decides whether it counts.
 * @throws locked if somebody is at work when it is to be written down
 */
export async function watchHeld(ports: Ports, record: RolloutRecord): Promise<void> {
  const location = await locate(ports, record.candidate.version ?? '');
  const measured = await looking(ports, location, async (view) => {
    const measuring = new Measuring(view, () => undefined);
    const leave = (): void => void measuring.close();
    ports.leaving?.addEventListener('abort', leave);
    try {
      const observed = await observe(ports, view.project, null);
      measuring.follow(heldAgenda(record, ports.clock.now()).due, { record, observed });
      return await measuring.ended();
    } finally {
      ports.leaving?.removeEventListener('abort', leave);
      await measuring.close();
    }
  });
  if (measured.length === 0) return;
  await inSession(ports, location, { verb: FOLLOWING, files: null }, (session) => note(session, record, measured));
}

async function note(session: Session, seen: RolloutRecord, measured: readonly Measured[]): Promise<void> {
  const { ports, project } = session;
  let record = (await ports.store.rollouts()).at(-1);
  if (record?.id !== seen.id || record.cursor !== seen.cursor || heldUntil(record) === null) return;
  const observed = await observe(ports, project, null);
  for (const event of measured) {
    const noted = await noteEvent(session, record, event);
    report(ports.emit, { ...noted, observed, details: [] });
    record = noted.after;
  }
}
