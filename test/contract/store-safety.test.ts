import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freeze } from '../../src/adapters/compose/frozen.ts';
import { FileStore } from '../../src/adapters/store/file-store.ts';
import type { FrozenRelease } from '../../src/app/ports.ts';
import { newRecord } from '../../src/core/new-record.ts';
import { NO_FAILURE_HOOKS } from '../../src/core/record.ts';
import { release, service, side } from '../support/specs.ts';

const web = { image: 'app:v1', secrets: [{ source: 'key', target: '/run/secrets/key' }] };
const record = newRecord(
  {
    kind: 'rollout',
    stable: null,
    candidate: side(release('v1', [service('web')]), 'blue'),
    steps: [{ kind: 'complete' }],
    strays: [],
    scale: false,
    hooks: NO_FAILURE_HOOKS,
  },
  { id: 'r1', verb: 'deploy', project: 'shop', now: 1 },
);
const accepted = { kind: 'accepted', at: 1, record } as const;
const holder = { who: 'test', verb: 'deploy v1', since: 1 };

let folder: string;
let elsewhere: string;
let store: FileStore;
const state = (...names: string[]): string => join(folder, '.deploy-bg', ...names);

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'deploy-bg-store-')));
  elsewhere = await realpath(await mkdtemp(join(tmpdir(), 'deploy-bg-elsewhere-')));
  store = new FileStore({ projectDirectory: folder, stateDirectory: state() });
});
afterEach(async () => {
  for (const path of [folder, elsewhere]) await rm(path, { recursive: true, force: true });
});

/** A release with a file-backed secret, frozen for a color as a deploy does it. */
async function freezeRelease(): Promise<FrozenRelease> {
  await writeFile(join(folder, 'key.pem'), 'a key');
  const base = { name: 'shop', services: { web }, secrets: { key: { file: join(folder, 'key.pem') } } };
  const v1 = release('v1', [service('web')], { models: { base, overlays: { blue: base, green: base } } });
  await store.saveRelease(v1);
  const about = { color: 'green', rollout: 'r1', store: 's', shared: [], projectDirectory: folder } as const;
  const frozen = { ...about, release: v1, folder: store.releaseFolder(v1.id) };
  await freeze(frozen, true);
  return frozen;
}

/** Everything that a deploy leaves in the state folder and beside it. */
async function writeAll(): Promise<void> {
  await store.setColor('blue');
  await store.append(accepted);
  await freezeRelease();
  await store.addRequest('pause');
  await store.lock(holder).then((lock) => lock.release());
}

/** `600 journal.ndjson` for everything below a folder. */
async function modes(below: string): Promise<readonly string[]> {
  const entries = await readdir(below, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries.map(async (entry) => {
      const { mode } = await lstat(join(entry.parentPath, entry.name));
      return `${(mode & 0o777).toString(8)} ${entry.isDirectory() ? 'folder' : entry.name}`;
    }),
  );
}

describe('the state', () => {
  it.each([0o000, 0o022, 0o077, 0o777])('is for its owner alone under umask %o', async (umask) => {
    await writeFile(join(folder, 'key.pem'), 'a key', { mode: 0o640 });
    await chmod(join(folder, 'key.pem'), 0o640);
    const before = process.umask(umask);
    await writeAll().finally(() => process.umask(before));
    expect((await lstat(state())).mode & 0o7777).toBe(0o700);
    // The copy of a secret keeps its own mode: a container's user reads it, through a mount and not through these folders.
    const others = (await modes(state())).filter((each) => !/^(700 folder|600 |640 key-)/.test(each));
    expect(others).toEqual([]);
    expect((await lstat(join(folder, '.deployment-color'))).mode & 0o777).toBe(0o644);
  });

  it('in a folder that was made with a looser mode is closed again', async () => {
    for (const name of ['', 'releases', 'lock', 'requests']) await mkdir(state(name), { mode: 0o755 });
    await writeFile(state('journal.ndjson'), '', { mode: 0o644 });
    await writeAll();
    expect((await lstat(state())).mode & 0o777).toBe(0o700);
    expect((await modes(state())).filter((each) => !/^(700 folder|600 |644 key-)/.test(each))).toEqual([]);
  });

  it('does not take a folder for its own that is open to others and holds what is not ours', async () => {
    await mkdir(state(), { mode: 0o755 });
    await writeFile(state('letters.txt'), '');
    const refused = { code: 'state-unwritable', message: expect.stringContaining('letters.txt') as string };
    await expect(store.append(accepted)).rejects.toMatchObject(refused);
    await expect(store.lock(holder)).rejects.toMatchObject(refused);
    expect(await readdir(state())).toEqual(['letters.txt']);
    expect((await lstat(state())).mode & 0o777).toBe(0o755);
  });

  it('is the same through a link that leads to the project directory', async () => {
    await symlink(folder, join(elsewhere, 'current'));
    const through = join(elsewhere, 'current');
    const same = new FileStore({ projectDirectory: through, stateDirectory: join(through, '.deploy-bg') });
    await same.append(accepted);
    await same.setColor('green');
    expect(await same.id()).toBe(await store.id());
    expect(await store.rollouts()).toHaveLength(1);
    expect(await store.color()).toBe('green');
    const lock = await same.lock(holder);
    await expect(store.lock(holder)).rejects.toMatchObject({ code: 'locked' });
    await lock.release();
  });
});

type Work = () => Promise<unknown>;

describe('a link in the place of', () => {
  /** What stands at the link's end is as it was, and the refusal says what is wrong. */
  async function expectRefused(code: string, ...work: Work[]): Promise<void> {
    const before = await readdir(elsewhere, { recursive: true });
    for (const each of work)
      await expect(each()).rejects.toMatchObject({ code, message: expect.stringContaining('symbolic link') as string });
    expect(await readdir(elsewhere, { recursive: true })).toEqual(before);
  }

  const read: Work[] = [
    () => store.rollouts(),
    () => store.entries(null),
    () => store.releases(),
    () => store.holder(),
  ];
  const write: Work[] = [
    () => store.append(accepted),
    () => freezeRelease(),
    () => store.lock(holder),
    () => store.addRequest('pause'),
  ];

  it('the state folder is not followed', async () => {
    await symlink(elsewhere, state());
    await expectRefused('state-unwritable', ...write);
    await expectRefused('state-unreadable', ...read);
  });

  it('the state folder is not followed either where its end does not exist', async () => {
    await symlink(join(elsewhere, 'nothing'), state());
    await expectRefused('state-unwritable', ...write);
    await expectRefused('state-unreadable', ...read);
  });

  it.each([
    ['releases', () => freezeRelease(), () => store.releases()],
    ['lock', () => store.lock(holder), () => store.holder()],
    ['requests', () => store.addRequest('pause'), () => store.takeRequest()],
  ])('the folder %s is not followed', async (name, writes, reads) => {
    await mkdir(state());
    await symlink(elsewhere, state(name));
    await expectRefused('state-unwritable', writes);
    await expectRefused('state-unreadable', reads);
  });

  it('the folder of a release is not followed, nor removed through', async () => {
    await mkdir(state('releases'), { recursive: true });
    await writeFile(join(elsewhere, 'release.json'), '{}');
    await symlink(elsewhere, state('releases', 'r-v1'));
    await expectRefused('state-unwritable', () => freezeRelease());
    await expectRefused('state-unreadable', () => store.release('r-v1'));
    await store.removeRelease('r-v1');
    expect(await readdir(elsewhere)).toEqual(['release.json']);
  });

  it('the folder of copied secrets is not followed', async () => {
    const { folder: frozenFolder } = await freezeRelease();
    await rm(join(frozenFolder, 'secrets'), { recursive: true });
    await symlink(elsewhere, join(frozenFolder, 'secrets'));
    await expect(freezeRelease()).rejects.toMatchObject({
      message: expect.stringContaining('symbolic link') as string,
    });
    expect(await readdir(elsewhere)).toEqual([]);
  });

  it.each(['journal.ndjson', 'lock/7'])('%s is not followed', async (name) => {
    await mkdir(state('lock'), { recursive: true });
    await writeFile(join(elsewhere, 'target'), 'kept');
    await symlink(join(elsewhere, 'target'), state(name));
    const [reads, writes] =
      name === 'lock/7'
        ? [() => store.holder(), () => store.lock(holder)]
        : [() => store.rollouts(), () => store.append({ ...accepted, kind: 'accepted' })];
    await expectRefused('state-unreadable', reads);
    await expectRefused(name === 'lock/7' ? 'state-unreadable' : 'state-unwritable', writes);
    expect(await readFile(join(elsewhere, 'target'), 'utf8')).toBe('kept');
  });

  it('.deployment-color is not read, and replaced when it is written', async () => {
    await writeFile(join(elsewhere, 'target'), 'green\n');
    await symlink(join(elsewhere, 'target'), join(folder, '.deployment-color'));
    await expectRefused('state-unreadable', () => store.color());
    await store.setColor('blue');
    expect(await store.color()).toBe('blue');
    expect(await readFile(join(elsewhere, 'target'), 'utf8')).toBe('green\n');
  });

  it('a temporary file is replaced', async () => {
    const { folder: frozenFolder } = await freezeRelease();
    await writeFile(join(elsewhere, 'target'), 'kept');
    await symlink(join(elsewhere, 'target'), join(frozenFolder, 'compose.green.yaml.new'));
    await freezeRelease();
    expect(await readFile(join(elsewhere, 'target'), 'utf8')).toBe('kept');
    expect((await lstat(join(frozenFolder, 'compose.green.yaml'))).isFile()).toBe(true);
  });
});

it('a release that says to be another one is damaged: its name would be a path', async () => {
  await store.saveRelease(release('v1', [service('web')]));
  const path = join(store.releaseFolder('r-v1'), 'release.json');
  await writeFile(path, (await readFile(path, 'utf8')).replace('"id":"r-v1"', '"id":"../../.."'));
  await expect(store.releases()).rejects.toMatchObject({ code: 'state-unreadable' });
});

describe('the state, erased', () => {
  it('is gone, although the heart of its lock beats meanwhile', async () => {
    await store.lock(holder);
    let beating = true;
    const beats = Array.from({ length: 8 }, async (_, heart) => {
      for (let beat = 0; beating; beat += 1)
        await writeFile(state('lock', `.${String(heart)}-${String(beat)}.tmp`), '').catch(() => undefined);
    });
    await expect(store.erase()).resolves.toBeUndefined();
    beating = false;
    await Promise.all(beats);
    expect(await readdir(folder)).toEqual([]);
  });
});
