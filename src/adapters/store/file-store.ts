import { createHash, randomUUID } from 'node:crypto';
import { realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as z from 'zod';
import type { JournalEntry, JournalPosition, JournalReading, Lock, LockHolder, Store } from '../../app/ports.ts';
import { type Color, isColor } from '../../core/color.ts';
import { messageOf } from '../../core/errors.ts';
import type { RolloutRecord } from '../../core/record.ts';
import { NO_HOOKS } from '../../core/hooks.ts';
import { type Release, upgradedRelease } from '../../core/release.ts';
import { NO_CHECKS } from '../../core/service-checks.ts';
import type { Steering } from '../../core/steer.ts';
import {
  makeFolder,
  makeStateFolder,
  namesIn,
  readIfThere,
  requireFolders,
  syncFolder,
  unreadable,
  writeDurably,
  writing,
} from './files.ts';
import { SOCKET_NAME } from '../agent-socket/socket.ts';
import { isMissing } from '../system/own-files.ts';
import { appendEntry, readEntries, readRollouts } from './journal.ts';
import { FileLock, holderOf } from './lock.ts';
import { addRequest, takeRequest, watchRequests } from './requests.ts';
import { sealed, unsealed } from './sealed.ts';
import { watchFolder } from './watch.ts';

export interface StoreOptions {
  /** Folder of `.deployment-color`. */
  readonly projectDirectory: string;
  /** Folder of everything else; `.deploy-bg` in the project directory unless DEPLOY_BG_STATE_DIR says otherwise. */
  readonly stateDirectory: string;
}

const COLOR_MODE = 0o644;

/** Everything that stands in the state folder; temporary files end with `.tmp`. */
const ENTRIES: ReadonlySet<string> = new Set([
  '.gitignore',
  'journal.ndjson',
  'releases',
  'lock',
  'requests',
  SOCKET_NAME,
]);

/** Name of a folder; one that begins with a dot is none of ours, or leads out of them. */
const RELEASE_ID = /^\w[\w.-]*$/;

/** What is looked at before a stored release is believed; the rest was written by us in one piece. */
/** Releases of a version that knew no checks, hooks and notices have none. */
const releaseSchema = z.looseObject({
  format: z.literal(1),
  id: z.string(),
  version: z.string(),
  hooks: z.looseObject({}).default(NO_HOOKS),
  notify: z.array(z.looseObject({})).default([]),
  services: z.record(
    z.string(),
    z.looseObject({
      name: z.string(),
      checks: z.looseObject({}).default({ ...NO_CHECKS }),
      hooks: z.looseObject({}).default(NO_HOOKS),
    }),
  ),
});

/** `Store` in files (DESIGN section 9). */
export class FileStore implements Store {
  readonly #colorFile: string;
  readonly #state: string;

  constructor(options: StoreOptions) {
    this.#colorFile = join(options.projectDirectory, '.deployment-color');
    this.#state = options.stateDirectory;
  }

  /** The folder keeps itself out of version control: it holds secrets. */
  async prepare(): Promise<void> {
    await makeStateFolder(this.#state, ENTRIES);
    const ignore = join(this.#state, '.gitignore');
    if ((await readIfThere(ignore)) === null) await writeDurably(ignore, '*\n');
  }

  /** Of the place, not of the content: a checkout whose state was deleted is still the same checkout. */
  async id(): Promise<string> {
    await requireFolders(this.#state);
    return createHash('sha256')
      .update(await realPlace(this.#state))
      .digest('hex')
      .slice(0, 12);
  }

  async color(): Promise<Color | null> {
    const text = await readIfThere(this.#colorFile);
    if (text === null) return null;
    const word = text.trim();
    if (isColor(word)) return word;
    throw unreadable(this.#colorFile, `it holds ${JSON.stringify(word.slice(0, 20))}, which is neither blue nor green`);
  }

  async setColor(color: Color | null): Promise<void> {
    if (color !== null) return writeDurably(this.#colorFile, `${color}\n`, COLOR_MODE);
    await writing(this.#colorFile, async () => {
      await rm(this.#colorFile, { force: true });
      await syncFolder(dirname(this.#colorFile));
    });
  }

  async append(entry: JournalEntry): Promise<void> {
    await this.prepare();
    await appendEntry(this.#journal, entry);
  }

  async rollouts(): Promise<readonly RolloutRecord[]> {
    await requireFolders(this.#state);
    return readRollouts(this.#journal);
  }

  async entries(after: JournalPosition | null): Promise<JournalReading> {
    await requireFolders(this.#state);
    return readEntries(this.#journal, after);
  }

  watchJournal(changed: () => void, signal: AbortSignal): void {
    watchFolder(this.#state, changed, signal);
  }

  async saveRelease(release: Release): Promise<void> {
    await this.prepare();
    for (const folder of [this.#releases, this.releaseFolder(release.id)]) await makeFolder(folder);
    await writeDurably(join(this.releaseFolder(release.id), 'release.json'), sealed(release));
  }

  async release(id: string): Promise<Release | null> {
    if (!RELEASE_ID.test(id)) return null;
    await requireFolders(this.#state, this.#releases, this.releaseFolder(id));
    const path = join(this.releaseFolder(id), 'release.json');
    const text = await readIfThere(path);
    return text === null ? null : parseRelease(path, id, text);
  }

  async releases(): Promise<readonly Release[]> {
    await requireFolders(this.#state);
    const ids = await namesIn(this.#releases);
    const releases = await Promise.all(ids.map((id) => this.release(id)));
    return releases.filter((release) => release !== null).sort((a, b) => a.createdAt.localeCompare(b.createdAt));
  }

  async removeRelease(id: string): Promise<void> {
    await requireFolders(this.#state, this.#releases);
    const folder = this.releaseFolder(id);
    await writing(folder, () => rm(folder, { recursive: true, force: true }));
  }

  releaseFolder(id: string): string {
    return join(this.#releases, id);
  }

  async lock(holder: LockHolder): Promise<Lock> {
    await this.prepare();
    return FileLock.take(this.#lock, holder);
  }

  async holder(): Promise<LockHolder | null> {
    await requireFolders(this.#state);
    return holderOf(this.#lock);
  }

  async addRequest(verb: Steering): Promise<void> {
    await this.prepare();
    return addRequest(this.#requests, verb);
  }

  async takeRequest(): Promise<Steering | null> {
    await requireFolders(this.#state);
    return takeRequest(this.#requests);
  }

  watchRequests(changed: () => void, signal: AbortSignal): Promise<void> {
    return watchRequests(this.#requests, changed, signal);
  }

  async erase(): Promise<void> {
    await this.setColor(null);
    // At once: meanwhile the heart of our own lock beats in it, an agent writes, another terminal asks for something.
    const gone = `${this.#state}.${randomUUID()}.tmp`;
    await writing(this.#state, async () => {
      await rename(this.#state, gone).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
      await rm(gone, { recursive: true, force: true });
    });
  }

  get #journal(): string {
    return join(this.#state, 'journal.ndjson');
  }

  get #releases(): string {
    return join(this.#state, 'releases');
  }

  get #requests(): string {
    return join(this.#state, 'requests');
  }

  get #lock(): string {
    return join(this.#state, 'lock');
  }
}

/** The real path of what need not be there yet. */
async function realPlace(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!isMissing(error) || path === dirname(path)) throw error;
    return join(await realPlace(dirname(path)), basename(path));
  }
}

function parseRelease(path: string, id: string, text: string): Release {
  try {
    const { json, isIntact } = unsealed(text);
    const release = upgradedRelease(releaseSchema.parse(JSON.parse(json)) as unknown as Release);
    if (!isIntact) throw new Error('it is damaged: its checksum is another one');
    // The id names the folder that is removed with the release.
    if (release.id !== id) throw new Error(`it is of release ${release.id}`);
    return release;
  } catch (error) {
    throw unreadable(
      path,
      error instanceof z.ZodError ? 'it is not a release of a format that this version knows' : messageOf(error),
      error,
    );
  }
}
