import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileStore } from '../../src/adapters/store/file-store.ts';
import { newRecord } from '../../src/core/new-record.ts';
import { NO_FAILURE_HOOKS } from '../../src/core/record.ts';
import { release, service, side } from '../support/specs.ts';

const v1 = release('v1', [service('web')]);
const record = newRecord(
  {
    kind: 'rollout',
    stable: null,
    candidate: side(v1, 'blue'),
    steps: [{ kind: 'complete' }],
    strays: [],
    scale: false,
    hooks: NO_FAILURE_HOOKS,
  },
  { id: 'r1', verb: 'deploy', project: 'shop', now: 1 },
);
const holder = { who: 'test', verb: 'deploy v1', since: 1 };

let folder: string;
let store: FileStore;
const state = (...names: string[]): string => join(folder, '.deploy-bg', ...names);

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'deploy-bg-store-')));
  store = new FileStore({ projectDirectory: folder, stateDirectory: state() });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('.deployment-color', () => {
  it('is absent before the first deploy, and holds one word after it', async () => {
    expect(await store.color()).toBeNull();
    await store.setColor('green');
    expect(await readFile(join(folder, '.deployment-color'), 'utf8')).toBe('green\n');
    await store.setColor(null);
    expect(await store.color()).toBeNull();
  });

  it.each(['', 'red', 'blue green'])('is damaged, not absent, if it holds %j', async (content) => {
    await writeFile(join(folder, '.deployment-color'), content);
    await expect(store.color()).rejects.toMatchObject({ code: 'state-unreadable' });
  });
});

describe('the journal', () => {
  it('gives back the fold of its entries', async () => {
    await store.append({ kind: 'accepted', at: 1, record });
    await store.append({ kind: 'event', at: 2, rollout: 'r1', event: { kind: 'state', trigger: 'start' } });
    await store.append({ kind: 'intent', at: 3, rollout: 'r1', action: { kind: 'set-color', color: null } });
    await store.append({ kind: 'event', at: 4, rollout: 'r1', event: { kind: 'step-done' } });
    expect(await store.rollouts()).toMatchObject([{ id: 'r1', state: 'updating', cursor: 1, stepStartedAt: 4 }]);
  });

  it('drops a torn last line and goes on after it', async () => {
    await store.append({ kind: 'accepted', at: 1, record });
    await appendFile(state('journal.ndjson'), '{"kind":"event","at":2,"rol');
    expect(await store.rollouts()).toMatchObject([{ state: 'pending' }]);
    await store.append({ kind: 'event', at: 2, rollout: 'r1', event: { kind: 'state', trigger: 'start' } });
    expect(await store.rollouts()).toMatchObject([{ state: 'updating' }]);
  });

  it('is not written by who only reads it: the line without an end may be another process’s, under way', async () => {
    await store.append({ kind: 'accepted', at: 1, record });
    await appendFile(state('journal.ndjson'), '{"kind":"event","at":2,"rol');
    const before = await readFile(state('journal.ndjson'), 'utf8');
    await store.rollouts();
    expect(await readFile(state('journal.ndjson'), 'utf8')).toBe(before);
  });

  it.each([
    ['garbage in the middle', 'xx\n'],
    ['a line of another shape', '{"kind":"event","at":"noon"}\n'],
    [
      'an event of a rollout that it does not know',
      '{"kind":"event","at":1,"rollout":"r9","event":{"kind":"step-done"}}\n',
    ],
  ])('is unreadable, not empty, with %s', async (_name, line) => {
    await store.append({ kind: 'accepted', at: 1, record });
    await appendFile(state('journal.ndjson'), line);
    await expect(store.rollouts()).rejects.toMatchObject({ code: 'state-unreadable', exit: 5 });
  });

  it('of a newer format is refused, not guessed at', async () => {
    await store.append({ kind: 'accepted', at: 1, record: { ...record, format: 2 as 1 } });
    await expect(store.rollouts()).rejects.toThrow('newer version (format 2)');
  });

  it('stays small: finished rollouts are folded into a line each', async () => {
    const filler = 'x'.repeat(2000);
    await store.append({ kind: 'accepted', at: 1, record });
    for (let i = 0; i < 300; i++) {
      await appendFile(
        state('journal.ndjson'),
        `${JSON.stringify({ kind: 'intent', at: 1, rollout: 'r1', action: { kind: 'set-color', color: null, filler } })}\n`,
      );
    }
    await store.append({ kind: 'accepted', at: 2, record: { ...record, id: 'r2' } });
    expect((await stat(state('journal.ndjson'))).size).toBeLessThan(10_000);
    expect((await store.rollouts()).map((r) => r.id)).toEqual(['r1', 'r2']);
  });
});

describe('who follows the journal', () => {
  const started = { kind: 'event', at: 2, rollout: 'r1', event: { kind: 'state', trigger: 'start' } } as const;

  it('gets what is new, and no line before its end', async () => {
    expect(await store.entries(null)).toMatchObject({ entries: [] });
    await store.append({ kind: 'accepted', at: 1, record });
    const first = await store.entries(null);
    expect(first.entries).toMatchObject([{ kind: 'accepted' }]);
    const [begun, rest] = [JSON.stringify(started).slice(0, 20), JSON.stringify(started).slice(20)];
    await appendFile(state('journal.ndjson'), begun);
    const second = await store.entries(first.position);
    expect(second).toEqual({ entries: [], position: first.position });
    await appendFile(state('journal.ndjson'), `${rest}\n`);
    expect((await store.entries(second.position)).entries).toEqual([started]);
  });

  it('begins anew when the journal was folded', async () => {
    await store.append({ kind: 'accepted', at: 1, record });
    const { position } = await store.entries(null);
    const filler = 'x'.repeat(600_000);
    const action = { kind: 'set-color', color: null, filler } as const;
    await appendFile(state('journal.ndjson'), `${JSON.stringify({ kind: 'intent', at: 1, rollout: 'r1', action })}\n`);
    await store.append({ kind: 'accepted', at: 2, record: { ...record, id: 'r2' } });
    const { entries } = await store.entries(position);
    expect(entries).toMatchObject([{ record: { id: 'r1' } }, { record: { id: 'r2' } }]);
  });

  it('is called when something is written', async () => {
    await store.append({ kind: 'accepted', at: 1, record });
    const stop = new AbortController();
    const called = new Promise<void>((resolve) => {
      store.watchJournal(resolve, stop.signal);
    });
    await store.append(started);
    await called;
    stop.abort();
  });

  it('hears how a rollout came to rest; it changes nothing of the record', async () => {
    await store.append({ kind: 'accepted', at: 1, record });
    const error = { code: 'rollout-failed', what: 'it failed', next: 'mend it', details: [] } as const;
    await store.append({ kind: 'rested', at: 3, rollout: 'r1', error });
    expect(await store.rollouts()).toEqual([record]);
    expect((await store.entries(null)).entries.at(-1)).toMatchObject({ kind: 'rested', error });
  });
});

describe('the lock', () => {
  it('has one holder, and says who and since when', async () => {
    const lock = await store.lock(holder);
    await expect(store.lock({ ...holder, who: 'second' })).rejects.toMatchObject({
      code: 'locked',
      exit: 5,
      message: expect.stringContaining('test is at work') as string,
    });
    expect(await store.holder()).toEqual(holder);
    await lock.release();
    expect(await store.holder()).toBeNull();
    await (await store.lock(holder)).release();
  });

  it('goes to exactly one of many that want it at once', async () => {
    const tries = await Promise.allSettled(Array.from({ length: 20 }, () => store.lock(holder)));
    const won = tries.filter((t) => t.status === 'fulfilled');
    expect(won).toHaveLength(1);
    await won[0]?.value.release();
  });

  it('of a dead holder can be taken over, and the dead one stops if it comes back', async () => {
    const first = await store.lock(holder);
    const path = state('lock', String(first.epoch));
    const claim = JSON.parse(await readFile(path, 'utf8')) as { beat: number };
    await writeFile(path, JSON.stringify({ ...claim, beat: claim.beat - 60_000 }));
    const second = await store.lock({ ...holder, who: 'second' });
    await expect(first.check()).rejects.toMatchObject({ code: 'superseded', exit: 6 });
    await second.check();
    await first.release();
    expect(await store.holder()).toMatchObject({ who: 'second' });
    await second.release();
  });

  it('of a holder whose heart stopped just now is waited for until its lease ends', async () => {
    const first = await store.lock(holder);
    const path = state('lock', String(first.epoch));
    const claim = JSON.parse(await readFile(path, 'utf8')) as { beat: number };
    await first.release();
    await writeFile(path, JSON.stringify({ ...claim, beat: claim.beat - 9_500, released: false }));
    await (await store.lock({ ...holder, who: 'second' })).release();
  });

  it('of an earlier boot is over', async () => {
    const first = await store.lock(holder);
    const path = state('lock', String(first.epoch));
    const claim = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...claim, boot: 'another' }));
    await (await store.lock(holder)).release();
  });
});

describe('releases', () => {
  it('come back as they were saved, oldest first', async () => {
    const later = { ...v1, id: 'r-later', createdAt: '2026-02-01T00:00:00.000Z' };
    await store.saveRelease(later);
    await store.saveRelease(v1);
    expect(await store.releases()).toEqual([v1, later]);
    await store.removeRelease(v1.id);
    expect(await store.release(v1.id)).toBeNull();
  });

  it('of a version that knew no checks, hooks and notices have none', async () => {
    await store.saveRelease(v1);
    const path = join(store.releaseFolder(v1.id), 'release.json');
    const older = JSON.parse(await readFile(path, 'utf8')) as { services: { web: object } };
    for (const part of [older, older.services.web])
      for (const key of ['checks', 'hooks', 'notify', 'sum']) Reflect.deleteProperty(part, key);
    await writeFile(path, JSON.stringify(older));
    expect(await store.release(v1.id)).toEqual(v1);
  });

  it('that are torn are damaged, not absent', async () => {
    await store.saveRelease(v1);
    await writeFile(join(store.releaseFolder(v1.id), 'release.json'), '{"format":1');
    await expect(store.releases()).rejects.toMatchObject({ code: 'state-unreadable' });
  });

  it('are never looked for outside of their folder', async () => {
    expect(await store.release('../../etc')).toBeNull();
  });
});

describe('the state folder', () => {
  it('is for its owner alone whatever the umask, and keeps itself out of version control', async () => {
    const before = process.umask(0);
    try {
      await store.append({ kind: 'accepted', at: 1, record });
      await store.saveRelease(v1);
    } finally {
      process.umask(before);
    }
    expect((await stat(state())).mode & 0o777).toBe(0o700);
    expect((await stat(state('journal.ndjson'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(store.releaseFolder(v1.id), 'release.json'))).mode & 0o777).toBe(0o600);
    expect(await readFile(state('.gitignore'), 'utf8')).toBe('*\n');
  });

  it('has the same id before it is there and after its content was deleted, and another one elsewhere', async () => {
    const id = await store.id();
    expect(await readdir(folder)).toEqual([]);
    await store.append({ kind: 'accepted', at: 1, record });
    expect(await store.id()).toBe(id);
    await rm(state(), { recursive: true });
    expect(await store.id()).toBe(id);
    const other = join(folder, 'second');
    await mkdir(other);
    expect(await new FileStore({ projectDirectory: other, stateDirectory: join(other, '.deploy-bg') }).id()).not.toBe(
      id,
    );
  });

  it('that cannot be written is an error that names the file', async () => {
    const blocked = join(folder, 'file');
    await writeFile(blocked, '');
    await chmod(blocked, 0o600);
    const broken = new FileStore({ projectDirectory: folder, stateDirectory: join(blocked, 'state') });
    await expect(broken.append({ kind: 'accepted', at: 1, record })).rejects.toMatchObject({
      code: 'state-unwritable',
    });
  });
});
