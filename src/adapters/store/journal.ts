import { type FileHandle, open, stat } from 'node:fs/promises';
import * as z from 'zod';
import type { JournalEntry } from '../../app/ports.ts';
import { apply, type RolloutRecord, upgraded } from '../../core/record.ts';
import { FILE_MODE, isMissing, readIfThere, unreadable, writeDurably, writing } from './files.ts';

/** Above this size finished rollouts are folded into one line each. */
const COMPACT_ABOVE_BYTES = 512 * 1024;
/** How many rollouts a compacted journal remembers. */
const REMEMBERED = 100;

/** Formats that this program reads; a newer one is refused, not guessed at. */
const FORMAT = 1;

const entrySchema = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('accepted'),
    at: z.number(),
    record: z.looseObject({
      format: z.number(),
      id: z.string(),
      cursor: z.number(),
      steps: z.array(z.looseObject({ kind: z.string() })),
    }),
  }),
  z.looseObject({
    kind: z.literal('event'),
    at: z.number(),
    rollout: z.string(),
    event: z.looseObject({ kind: z.string() }),
  }),
  z.looseObject({ kind: z.literal('intent'), at: z.number(), rollout: z.string() }),
  z.looseObject({ kind: z.literal('result'), at: z.number(), rollout: z.string() }),
]);

/**
 * Lines that have to outlive a power cut before anything else happens. The others are made durable by the next one of
 * these: without them the same is observed again.
 */
function outlivesPowerCut(entry: JournalEntry): boolean {
  return (
    entry.kind === 'accepted' || entry.kind === 'intent' || (entry.kind === 'event' && entry.event.kind === 'state')
  );
}

/** Appends one line. Only who holds the lock may. */
export async function appendEntry(path: string, entry: JournalEntry): Promise<void> {
  if (entry.kind === 'accepted') await compact(path);
  await writing(path, async () => {
    const file = await open(path, 'a+', FILE_MODE);
    try {
      await file.chmod(FILE_MODE);
      await dropTornLine(file);
      await file.appendFile(`${JSON.stringify(entry)}\n`);
      if (outlivesPowerCut(entry)) await file.datasync();
    } finally {
      await file.close();
    }
  });
}

/**
 * The new line must not be glued to one that a dying process left without its end. Readers only skip it: to them a
 * line that is being written at this moment looks the same.
 */
async function dropTornLine(file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  const end = Buffer.alloc(1);
  if (size === 0) return;
  await file.read(end, 0, 1, size - 1);
  if (end.toString() === '\n') return;
  const whole = await file.readFile();
  await file.truncate(whole.lastIndexOf('\n') + 1);
}

/** All rollouts, oldest first: the fold of the journal. @throws state-unreadable */
export async function readRollouts(path: string): Promise<readonly RolloutRecord[]> {
  const records = new Map<string, RolloutRecord>();
  for (const entry of await readEntries(path)) {
    if (entry.kind === 'accepted') records.set(entry.record.id, upgraded(entry.record));
    if (entry.kind !== 'event') continue;
    const record = records.get(entry.rollout);
    if (record === undefined) throw unreadable(path, `it speaks of rollout ${entry.rollout}, which it never accepted`);
    records.set(record.id, apply(record, entry.event, entry.at));
  }
  return [...records.values()];
}

/** A last line without its end is being written, or was when its process died: nothing was done on its behalf yet. */
async function readEntries(path: string): Promise<JournalEntry[]> {
  const lines = ((await readIfThere(path)) ?? '').split('\n').slice(0, -1);
  return lines.filter((line) => line !== '').map((line, index) => parseEntry(path, line, index + 1));
}

function parseEntry(path: string, line: string, number: number): JournalEntry {
  const parsed = entrySchema.safeParse(jsonOf(line));
  if (!parsed.success) throw unreadable(path, `line ${String(number)} is damaged`);
  const entry = parsed.data;
  if (entry.kind === 'accepted' && entry.record.format !== FORMAT) {
    throw unreadable(path, `it was written by a newer version (format ${String(entry.record.format)})`);
  }
  return entry as unknown as JournalEntry;
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

async function compact(path: string): Promise<void> {
  if ((await sizeOf(path)) < COMPACT_ABOVE_BYTES) return;
  const records = (await readRollouts(path)).slice(-REMEMBERED);
  const lines = records.map((record): JournalEntry => ({ kind: 'accepted', at: record.acceptedAt, record }));
  await writeDurably(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw unreadable(path, 'its size is not known', error);
  }
}
