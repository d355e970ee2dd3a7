import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FileStore } from '../../src/adapters/store/file-store.ts';
import { DeployError } from '../../src/core/errors.ts';
import { Host } from '../support/host.ts';
import { service } from '../support/specs.ts';

/** What two deploys leave in a state folder. */
let journal: Buffer;
let release: Buffer;
let host: Host;

let folder: string;
let store: FileStore;
const state = (...names: string[]): string => join(folder, '.deploy-bg', ...names);

beforeAll(async () => {
  host = await Host.create(() => [service('web')]);
  for (const version of ['v1', 'v2']) expect(await host.deploy(version)).toMatchObject({ exit: 0 });
  const [first] = await host.store().releases();
  journal = await readFile(join(host.folder, '.deploy-bg/journal.ndjson'));
  release = await readFile(join(host.store().releaseFolder(first?.id ?? ''), 'release.json'));
});
afterAll(() => host.dispose());
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'deploy-bg-damage-')));
  store = new FileStore({ projectDirectory: folder, stateDirectory: state() });
  await mkdir(state('requests'), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const anna = { who: 'anna', verb: 'deploy v1', since: 1 };

/** Something happens to the bytes of a file. */
type Damage = (bytes: Buffer) => Buffer;

const share = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const at = (bytes: Buffer, where: number): number => Math.floor(bytes.length * where);

const torn = share.map(
  (where): Damage =>
    (bytes) =>
      bytes.subarray(0, at(bytes, where)),
);

const flipped = fc.tuple(share, fc.nat(7)).map(([where, bit]): Damage => (bytes) => {
  const copy = Buffer.from(bytes);
  copy[at(bytes, where)] = (copy[at(bytes, where)] ?? 0) ^ (1 << bit);
  return copy;
});

const overwritten = fc
  .tuple(share, fc.uint8Array({ minLength: 1, maxLength: 40 }))
  .map(([where, other]): Damage => (bytes) => {
    const copy = Buffer.from(bytes);
    copy.set(other.subarray(0, copy.length - at(bytes, where)), at(bytes, where));
    return copy;
  });

const replaced = fc.uint8Array({ maxLength: 300 }).map(
  (bytes): Damage =>
    () =>
      Buffer.from(bytes),
);

const damage = fc.oneof(torn, flipped, overwritten, replaced);

/** The value, or null for a file that is refused; anything else fails, and so does a file that is not as it was. */
async function readDamaged<T>(path: string, bytes: Buffer, read: () => Promise<T>): Promise<T | null> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  const value = await read().catch((error: unknown) => {
    if (error instanceof DeployError && error.code === 'state-unreadable' && error.message.includes(folder))
      return null;
    throw error;
  });
  expect(await readFile(path)).toEqual(bytes);
  return value;
}

const RUNS = { numRuns: 200 };

describe('whatever happens to its bytes', () => {
  it('a journal gives what was written but for its end, or is unreadable', async () => {
    const lines = journal.toString().split('\n').slice(0, -1);
    const whole = await readDamaged(state('journal.ndjson'), journal, () => store.entries(null));
    expect(whole?.entries).toHaveLength(lines.length);
    await fc.assert(
      fc.asyncProperty(damage, async (happens) => {
        const bytes = happens(journal);
        const read = await readDamaged(state('journal.ndjson'), bytes, () => store.entries(null));
        if (read === null) return;
        expect(read.entries).toEqual(whole?.entries.slice(0, read.entries.length));
        const dropped = bytes.toString().split('\n').slice(read.entries.length);
        expect(dropped.filter((line) => line !== '').length).toBeLessThanOrEqual(1);
      }),
      RUNS,
    );
  });

  it('a journal with any other bit in a checksum, or in its name, is unreadable', async () => {
    const end = journal.indexOf('\n');
    for (let where = end - ',"sum":"01234567"}'.length; where < end; where += 1)
      for (let bit = 0; bit < 8; bit += 1) {
        const bytes = Buffer.from(journal);
        bytes[where] = (bytes[where] ?? 0) ^ (1 << bit);
        expect(await readDamaged(state('journal.ndjson'), bytes, () => store.entries(null))).toBeNull();
      }
  });

  it('a release is what was saved, or unreadable, and never absent', async () => {
    const saved = JSON.parse(release.toString()) as { id: string; sum?: string };
    const path = state('releases', saved.id, 'release.json');
    delete saved.sum;
    await fc.assert(
      fc.asyncProperty(damage, async (happens) => {
        const read = await readDamaged(path, happens(release), () => store.releases());
        if (read !== null) expect(read).toEqual([saved]);
      }),
      RUNS,
    );
  });

  it('.deployment-color is a color, or unreadable', async () => {
    await fc.assert(
      fc.asyncProperty(damage, async (happens) => {
        const bytes = happens(Buffer.from('green\n'));
        const color = await readDamaged(join(folder, '.deployment-color'), bytes, () => store.color());
        if (color !== null) expect(color).toBe(bytes.toString().trim());
      }),
      RUNS,
    );
  });

  it('a claim of the lock is somebody’s, or unreadable, and none outlives its lease', async () => {
    const lock = await store.lock(anna);
    const path = state('lock', '1');
    const claim = await readFile(path);
    await lock.release();
    expect(await readDamaged(path, claim, () => store.holder())).toEqual(anna);
    await fc.assert(
      fc.asyncProperty(damage, async (happens) => {
        const holder = await readDamaged(path, happens(claim), () => store.holder());
        if (holder === null) return;
        const { beat } = JSON.parse(await readFile(path, 'utf8')) as { beat: number };
        expect(Number(process.hrtime.bigint() / 1_000_000n) - beat).toBeGreaterThanOrEqual(0);
      }),
      RUNS,
    );
  });

  it('a request is one that was asked for, or none', async () => {
    await fc.assert(
      fc.asyncProperty(damage, async (happens) => {
        const bytes = happens(Buffer.from('promote-full'));
        await writeFile(state('requests', '1'), bytes);
        const verb = await store.takeRequest();
        if (verb !== null) expect(verb).toBe(bytes.toString());
      }),
      RUNS,
    );
  });
});

/** JSON with one value of it replaced, or taken away. */
const edited = (text: string): fc.Arbitrary<string> =>
  fc.tuple(fc.nat(), fc.option(fc.jsonValue(), { nil: undefined })).map(([which, value]) => {
    let left = which % (text.split(/[,:[{]/).length * 2);
    const edited = JSON.stringify(JSON.parse(text), (_key, each: unknown) => {
      left -= 1;
      return left === 0 ? value : each;
    }) as string | undefined; // all of it may be what is taken away
    return edited ?? '';
  });

describe('whatever another version wrote', () => {
  it('a journal without checksums is read, or unreadable', async () => {
    const lines = journal
      .toString()
      .split('\n')
      .slice(0, -1)
      .map((line) => line.replace(/,"sum":"\w+"}$/, '}'));
    const one = fc
      .nat(lines.length - 1)
      .chain((index) => edited(lines[index] ?? '').map((line) => lines.with(index, line)));
    await fc.assert(
      fc.asyncProperty(one, async (written) => {
        const bytes = Buffer.from(`${written.join('\n')}\n`);
        const records = await readDamaged(state('journal.ndjson'), bytes, () => store.rollouts());
        if (records !== null) expect(records.length).toBeGreaterThan(0);
      }),
      { numRuns: 100 },
    );
  });

  it('a release without a checksum is read, or unreadable', async () => {
    const text = release.toString().replace(/,"sum":"\w+"}$/, '}');
    const { id } = JSON.parse(text) as { id: string };
    await fc.assert(
      fc.asyncProperty(edited(text), async (written) => {
        const path = state('releases', id, 'release.json');
        const releases = await readDamaged(path, Buffer.from(written), () => store.releases());
        if (releases !== null) expect(releases).toMatchObject([{ id }]);
      }),
      RUNS,
    );
  });
});

describe('the state folder', () => {
  it('with things in it that are none of ours is read as if they were not there', async () => {
    for (const name of ['releases/.DS_Store', 'lock/99999999999999999999', 'lock/007', 'lock/note', 'requests/.x.tmp'])
      await mkdir(dirname(state(name)), { recursive: true }).then(() => writeFile(state(name), 'x'));
    expect(await store.releases()).toEqual([]);
    expect(await store.holder()).toBeNull();
    const lock = await store.lock(anna);
    await expect(lock.check()).resolves.toBeUndefined();
    await lock.release();
    expect(await store.takeRequest()).toBeNull();
  });

  it('with the release of another one, or with a path for an id, is unreadable: what is removed is named by it', async () => {
    const path = state('releases', 'r1', 'release.json');
    for (const id of ['r2', '../../..', '..']) {
      const bytes = Buffer.from(
        release
          .toString()
          .replace(/"id":"[^"]*"/, `"id":"${id}"`)
          .replace(/,"sum":"\w+"}$/, '}'),
      );
      expect(await readDamaged(path, bytes, () => store.releases())).toBeNull();
    }
    expect(await store.release('..')).toBeNull();
  });

  it('with a heartbeat of the future has no holder: there was a reboot since', async () => {
    const lock = await store.lock(anna);
    const claim = JSON.parse(await readFile(state('lock', '1'), 'utf8')) as { beat: number };
    await lock.release();
    await writeFile(state('lock', '1'), JSON.stringify({ ...claim, beat: claim.beat + 1e9 }));
    expect(await store.holder()).toBeNull();
    await (await store.lock({ who: 'ben', verb: 'deploy v2', since: 2 })).release();
  });
});
