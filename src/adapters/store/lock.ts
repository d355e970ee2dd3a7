import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as timeout } from 'node:timers/promises';
import * as z from 'zod';
import { LEASE_MS, type Lock, type LockHolder } from '../../app/ports.ts';
import { DeployError, messageOf } from '../../core/errors.ts';
import { createOwn } from '../system/own-files.ts';
import { FILE_MODE, makeFolder, namesIn, readIfThere, unreadable, writing } from './files.ts';

const HEARTBEAT_MS = 1_000;
/** How often a claim that may be a dead holder's is looked at. */
const LOOK_MS = 100;

const claimSchema = z.object({
  who: z.string(),
  verb: z.string(),
  since: z.number(),
  /** Monotonic milliseconds of the last heartbeat, comparable between processes of one boot only. */
  beat: z.number(),
  boot: z.string(),
  released: z.boolean(),
});
type Claim = z.infer<typeof claimSchema>;

/**
 * The lock is a folder of numbered claims; the highest number holds. A claim is made by an exclusive link, so that
 * of two processes that both see a dead holder only one wins, and numbers never come back: whoever finds a higher
 * one than its own has lost the lock and stops.
 */
export class FileLock implements Lock {
  readonly epoch: number;
  readonly #folder: string;
  readonly #claim: Claim;
  readonly #timer: NodeJS.Timeout;

  private constructor(folder: string, epoch: number, claim: Claim) {
    this.#folder = folder;
    this.epoch = epoch;
    this.#claim = claim;
    this.#timer = setInterval(() => void this.#beat(), HEARTBEAT_MS);
    this.#timer.unref();
  }

  /**
   * Waits for nobody who is alive, and for the end of the lease of a holder whose heart has stopped.
   * @throws locked with the holder and since when
   */
  static async take(folder: string, holder: LockHolder): Promise<FileLock> {
    await makeFolder(folder);
    const current = await outlive(folder);
    const epoch = (current?.epoch ?? 0) + 1;
    const claim: Claim = { ...holder, beat: monotonicMs(), boot: await bootId(), released: false };
    if (!(await claimExclusively(folder, epoch, claim))) throw lockedBy((await newest(folder))?.claim ?? claim);
    await removeOlder(folder, epoch);
    return new FileLock(folder, epoch, claim);
  }

  async check(): Promise<void> {
    const epoch = Math.max(0, ...(await epochs(this.#folder)));
    if (epoch === this.epoch) return;
    throw new DeployError('superseded', { what: 'another command has taken over this project; this one stops' });
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    try {
      if (Math.max(0, ...(await epochs(this.#folder))) === this.epoch) await this.#write(true);
    } catch {
      // A lock that cannot be given back ends with its lease.
    }
  }

  async #beat(): Promise<void> {
    try {
      await this.#write(false);
    } catch {
      // The next heartbeat tries again; if none succeeds the lease ends and check() notices.
    }
  }

  async #write(released: boolean): Promise<void> {
    if (!(await epochs(this.#folder)).includes(this.epoch)) return;
    const temporary = await writeTemporary(this.#folder, { ...this.#claim, beat: monotonicMs(), released });
    await rename(temporary, join(this.#folder, String(this.epoch)));
  }
}

/** Who holds the lock of a folder now; null if nobody does. */
export async function holderOf(folder: string): Promise<LockHolder | null> {
  const current = await newest(folder);
  if (current === null || !isHeld(current.claim)) return null;
  const { who, verb, since } = current.claim;
  return { who, verb, since };
}

interface Numbered {
  readonly epoch: number;
  readonly claim: Claim;
}

/** The newest claim once it holds no more. A heartbeat seen meanwhile means that its holder lives. @throws locked */
async function outlive(folder: string): Promise<Numbered | null> {
  const first = await newest(folder);
  for (let current = first; ; current = await newest(folder)) {
    if (current === null || !isHeld(current.claim)) return current;
    if (current.epoch !== first?.epoch || current.claim.beat !== first.claim.beat) throw lockedBy(current.claim);
    await timeout(LOOK_MS);
  }
}

function lockedBy(claim: Claim): DeployError {
  const since = new Date(claim.since).toISOString();
  return new DeployError('locked', { what: `${claim.who} is at work on this project: ${claim.verb}, since ${since}` });
}

function isHeld(claim: Claim): boolean {
  if (claim.released || claim.boot !== cachedBoot) return false;
  const age = monotonicMs() - claim.beat;
  // A beat of the future was before a reboot that no id tells of.
  return age >= 0 && age < LEASE_MS;
}

async function newest(folder: string): Promise<Numbered | null> {
  cachedBoot = await bootId();
  for (const epoch of (await epochs(folder)).sort((a, b) => b - a)) {
    const claim = await readClaim(join(folder, String(epoch)));
    if (claim !== null) return { epoch, claim };
  }
  return null;
}

async function readClaim(path: string): Promise<Claim | null> {
  const text = await readIfThere(path);
  if (text === null) return null;
  const parsed = claimSchema.safeParse(jsonOf(path, text));
  if (parsed.success) return parsed.data;
  throw unreadable(path, 'it is not a claim of a lock');
}

function jsonOf(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unreadable(path, messageOf(error), error);
  }
}

/** A number that is its own text again. */
const EPOCH = /^[1-9]\d{0,14}$/;

async function epochs(folder: string): Promise<number[]> {
  return (await namesIn(folder)).filter((name) => EPOCH.test(name)).map(Number);
}

/** False if somebody else was faster. */
function claimExclusively(folder: string, epoch: number, claim: Claim): Promise<boolean> {
  return writing(folder, async () => {
    const temporary = await writeTemporary(folder, claim);
    try {
      await link(temporary, join(folder, String(epoch)));
      return true;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
      throw error;
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

async function writeTemporary(folder: string, claim: Claim): Promise<string> {
  const path = join(folder, `.${randomUUID()}.tmp`);
  const file = await createOwn(path, FILE_MODE);
  await file.writeFile(JSON.stringify(claim)).finally(() => file.close());
  return path;
}

async function removeOlder(folder: string, epoch: number): Promise<void> {
  const older = (await epochs(folder)).filter((other) => other < epoch);
  await Promise.all(older.map((other) => rm(join(folder, String(other)), { force: true })));
}

/** CLOCK_MONOTONIC: the same for all processes of a machine, containers included, and never set back. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

let cachedBoot = '';

/** A monotonic clock begins anew with every boot; where there is no such id (macOS) the lease alone decides. */
async function bootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch {
    return '';
  }
}
