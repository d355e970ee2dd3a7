import { Bell } from './bell.ts';
import type { JournalEntry, JournalPosition, Ports } from './ports.ts';

/** How often whoever follows looks at what no file tells: whether the holder of the lock is alive. */
const LOOK_MS = 1000;

/**
 * The journal as it grows: what is new as soon as it is there, and nothing once a second, so that who follows can look
 * at other things. Ends when the signal fires.
 * @param bell rings for whatever else has to be looked at
 */
export async function* follow(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  from: JournalPosition | null,
  signal: AbortSignal,
  bell = new Bell(),
): AsyncGenerator<readonly JournalEntry[], void, undefined> {
  const ended = new AbortController();
  store.watchJournal(bell.ring, ended.signal);
  try {
    let position = from;
    while (!signal.aborted) {
      const reading = await store.entries(position);
      position = reading.position;
      yield reading.entries;
      await bell.sleep(clock, LOOK_MS, signal);
    }
  } finally {
    ended.abort();
  }
}
