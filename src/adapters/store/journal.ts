import { constants } from 'node:fs';
import { type FileHandle, lstat } from 'node:fs/promises';
import * as z from 'zod';
import type { JournalEntry, JournalPosition, JournalReading } from '../../app/ports.ts';
import { messageOf } from '../../core/errors.ts';
import { apply } from '../../core/apply.ts';
import { type RolloutRecord, upgraded } from '../../core/record.ts';
import { isMissing, openOwn } from '../system/own-files.ts';
import { FILE_MODE, unreadable, writeDurably, writing } from './files.ts';
import { sealed, unsealed } from './sealed.ts';

/** Above this size finished rollouts are folded into one line each. */
const COMPACT_ABOVE_BYTES = 512 * 1024;
/** How many rollouts a compacted journal remembers. */
const REMEMBERED = 100;

const NEWLINE = 10;

const APPENDING = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT;

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
  z.looseObject({ kind: z.literal('rested'), at: z.number(), rollout: z.string() }),
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
    const file = await openOwn(path, APPENDING, FILE_MODE);
    try {
      await file.chmod(FILE_MODE);
      await dropTornLine(file);
      await file.appendFile(`${sealed(entry)}\n`);
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
  for (const entry of (await readEntries(path, null)).entries) {
    try {
      fold(records, entry);
    } catch (error) {
      throw unreadable(path, messageOf(error), error);
    }
  }
  return [...records.values()];
}

/** @throws if the entry cannot follow those before it, or is one that this version does not know */
function fold(records: Map<string, RolloutRecord>, entry: JournalEntry): void {
  if (entry.kind === 'accepted') records.set(entry.record.id, upgraded(entry.record));
  if (entry.kind !== 'event') return;
  const record = records.get(entry.rollout);
  if (record === undefined) throw new Error(`it speaks of rollout ${entry.rollout}, which it never accepted`);
  records.set(record.id, apply(record, entry.event, entry.at));
}

/** What was written after a position; everything if that was another file. @throws state-unreadable */
export async function readEntries(path: string, after: JournalPosition | null): Promise<JournalReading> {
  const { text, from, file } = await readTail(path, after);
  // A last line without its end is being written, or was when its process died: nothing was done on its behalf yet.
  const end = text.lastIndexOf(NEWLINE) + 1;
  const lines = text.subarray(0, end).toString().split('\n').slice(0, -1);
  const place = (index: number): string => `line ${String(index + 1)}${from > 0 ? ` after byte ${String(from)}` : ''}`;
  const entries = lines.flatMap((line, index) => (line === '' ? [] : [parseEntry(path, line, place(index))]));
  return { entries, position: { file, offset: from + end } };
}

interface Tail {
  readonly text: Buffer;
  readonly from: number;
  readonly file: number;
}

async function readTail(path: string, after: JournalPosition | null): Promise<Tail> {
  try {
    const handle = await openOwn(path, constants.O_RDONLY);
    try {
      const { ino: file, size } = await handle.stat();
      const from = after?.file === file && after.offset <= size ? after.offset : 0;
      const text = Buffer.alloc(size - from);
      const { bytesRead } = await handle.read(text, 0, text.length, from);
      return { text: text.subarray(0, bytesRead), from, file };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isMissing(error)) return { text: Buffer.alloc(0), from: 0, file: 0 };
    throw unreadable(path, messageOf(error), error);
  }
}

function parseEntry(path: string, line: string, place: string): JournalEntry {
  const { json, isIntact } = unsealed(line);
  const parsed = entrySchema.safeParse(jsonOf(json));
  if (!parsed.success) throw unreadable(path, `${place} is damaged`);
  const entry = parsed.data;
  if (entry.kind === 'accepted' && entry.record.format !== FORMAT) {
    throw unreadable(path, `it was written by a newer version (format ${String(entry.record.format)})`);
  }
  if (!isIntact) throw unreadable(path, `${place} is damaged: its checksum is another one`);
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
  await writeDurably(path, lines.map((line) => `${sealed(line)}\n`).join(''));
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await lstat(path)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw unreadable(path, 'its size is not known', error);
  }
}
