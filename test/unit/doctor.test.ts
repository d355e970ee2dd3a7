import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LinuxHost } from '../../src/adapters/system/host.ts';
import { doctor } from '../../src/app/doctor.ts';
import { nothingToDo } from '../../src/app/outcome.ts';
import type { Ports, Router } from '../../src/app/ports.ts';
import { doctorView } from '../../src/cli/views/doctor.ts';
import { PLAIN_STYLE } from '../../src/cli/style.ts';
import { DeployError } from '../../src/core/errors.ts';
import { type Finding, isWell } from '../../src/core/doctor.ts';
import { Host } from '../support/host.ts';
import { service } from '../support/specs.ts';

const GIB = 2 ** 30;

let host: Host;
beforeEach(async () => {
  host = await Host.create(() => [service('web')]);
});
afterEach(() => host.dispose());

/** What it finds on a machine like this, where the ports are like those. */
async function findings(
  machine: { readonly heard?: boolean | null; readonly free?: number | null; readonly elsewhere?: boolean } = {},
  ports: Partial<Ports> = {},
): Promise<readonly Finding[]> {
  const { heard = true, free = 100 * GIB, elsewhere = false } = machine;
  host.machine = { memoryBytes: 8 * GIB, dataRoot: '/var/lib/docker' };
  const seen = {
    hears: () => Promise.resolve(heard),
    freeBytes: () => Promise.resolve(free),
    memory: () => Promise.resolve({ totalBytes: elsewhere ? 16 * GIB : 8 * GIB, availableBytes: 4 * GIB }),
  };
  let found: readonly Finding[] = [];
  const looking = host.run('anna', async (own) => {
    found = await doctor({ ports: { ...own, ...ports, host: seen }, stateDirectory: host.folder });
    return nothingToDo(null, null, 'looked');
  });
  await looking.ended;
  return found;
}

const levels = (found: readonly Finding[]) => Object.fromEntries(found.map(({ area, level }) => [area, level]));

describe('doctor', () => {
  it('finds nothing wrong with what is well', async () => {
    await host.deploy('v1');
    const found = await findings();
    expect(levels(found)).toEqual({
      ...{ engine: 'ok', project: 'ok', proxy: 'skipped', services: 'ok', disk: 'ok', state: 'ok' },
    });
    expect(isWell(found, true)).toBe(true);
  });

  it('says how long each stop takes of a process that does not hear that it shall', async () => {
    await host.deploy('v1');
    const [sick] = (await findings({ heard: false })).filter(({ area }) => area === 'services');
    expect(sick).toMatchObject({ level: 'warning', cure: expect.stringContaining('init: true') as string });
    expect(sick?.what).toMatch(/web: its process does not hear SIGTERM: each stop takes \d+ s/);
  });

  it('takes what it cannot see for no fault', async () => {
    await host.deploy('v1');
    const found = await findings({ heard: null, free: null });
    expect(levels(found)).toMatchObject({ services: 'skipped', disk: 'skipped' });
    expect(isWell(found, true)).toBe(true);
  });

  it('takes no process of this machine for one of the engine’s', async () => {
    await host.deploy('v1');
    expect(levels(await findings({ heard: false, elsewhere: true }))).toMatchObject({ services: 'skipped' });
  });

  it('names a proxy that does not answer about itself', async () => {
    host.proxy = { driver: 'nginx', service: 'proxy', output: '/x', mounted: '/y', template: null };
    await host.deploy('v1');
    const mute = { read: () => Promise.resolve({ kind: 'unreadable', reason: 'it does not answer' }) };
    const [found] = (await findings({}, { router: () => mute as unknown as Router })).filter(
      ({ area }) => area === 'proxy',
    );
    expect(found).toMatchObject({
      ...{ level: 'error', what: 'it does not answer' },
      cure: expect.stringContaining('docker compose up -d --no-deps proxy') as string,
    });
  });

  it('names a proxy that was started before the folder was mounted, also before the first deploy', async () => {
    host.proxy = { driver: 'nginx', service: 'proxy', output: '/x', mounted: '/y', template: null };
    const silence = {
      kind: 'unreadable',
      reason: 'no folder',
      code: 'proxy-not-wired',
      cure: 'create it anew',
    } as const;
    const proxy = async () => (await findings()).find(({ area }) => area === 'proxy');
    host.silence = silence;
    expect(await proxy()).toMatchObject({ level: 'warning', cure: 'a deploy writes its files; then create it anew' });
    host.silence = null;
    await host.deploy('v1');
    host.silence = silence;
    expect(await proxy()).toMatchObject({ level: 'error', cure: 'create it anew' });
  });

  it('names init where no service says that deploys replace it', async () => {
    host.services = () => [service('db', { placement: 'shared' })];
    expect(await findings()).toContainEqual({
      ...{ area: 'project', level: 'warning', cure: 'docker-deploy-bg init' },
      what: expect.stringMatching(/a deploy replaces nothing/) as string,
    });
  });

  it('has a proxy told again that has not loaded its files', async () => {
    host.proxy = { driver: 'nginx', service: 'proxy', output: '/x', mounted: '/y', template: null };
    await host.deploy('v1');
    const behind = { read: () => Promise.resolve({ kind: 'unreadable', reason: 'not loaded', isUnsettled: true }) };
    const found = await findings({}, { router: () => behind as unknown as Router });
    expect(found.find(({ area }) => area === 'proxy')).toMatchObject({
      level: 'error',
      cure: 'docker-deploy-bg cleanup',
    });
  });

  it('names shared services that run otherwise than the files say', async () => {
    await host.deploy('v1');
    const drift = { code: 'W07', message: 'db runs otherwise', hint: 'create it anew', file: null, line: null };
    host.drift.push(drift);
    const what = 'W07 db runs otherwise';
    expect(await findings()).toContainEqual({ area: 'services', level: 'warning', what, cure: 'create it anew' });
  });

  it('names a disk that is nearly full, and what is left over', async () => {
    await host.deploy('v1');
    await host.deploy('v2');
    host.kill('v2');
    const found = await findings({ free: GIB });
    expect(levels(found)).toMatchObject({ disk: 'warning', state: 'warning' });
    expect([isWell(found, false), isWell(found, true)]).toEqual([true, false]);
  });

  it('says what is wrong with the compose files, and does not ask further', async () => {
    const read = () =>
      Promise.reject(new DeployError('invalid-config', { what: 'E01 unknown key', next: 'remove it' }));
    const found = await findings({}, { compose: { read } as unknown as Ports['compose'] });
    expect(found).toMatchObject([
      { area: 'engine', level: 'ok' },
      { area: 'project', level: 'error', what: 'E01 unknown key', cure: 'remove it' },
    ]);
    expect(isWell(found, false)).toBe(false);
  });

  it('looks at the files alone where no engine answers', async () => {
    const ping = () => Promise.reject(new DeployError('engine-unreachable', { what: 'nobody answers' }));
    const found = await findings({}, { engine: { ping } as unknown as Ports['engine'] });
    expect(levels(found)).toEqual({ engine: 'error', project: 'ok' });
  });

  it('shows what is wrong with what to do, in the order in which one thing depends on the other', () => {
    const found: Finding[] = [
      { area: 'disk', level: 'warning', what: 'full', cure: 'docker image prune' },
      { area: 'engine', level: 'ok', what: 'Docker answers', cure: null },
    ];
    expect(doctorView(found, PLAIN_STYLE)).toEqual([
      '✔ engine    Docker answers',
      '! disk      full',
      '            → docker image prune',
      '0 errors, 1 warning',
    ]);
  });
});

describe('a process', () => {
  let proc: string;
  beforeEach(async () => {
    proc = await mkdtemp(join(tmpdir(), 'deploy-bg-proc-'));
    await mkdir(join(proc, '7'));
  });
  afterEach(() => rm(proc, { recursive: true }));

  it.each([
    ['that catches it', '0000000000000000', '0000000000004000', true],
    ['that waits for it, as an init does', '0000000000004000', '0000000000000000', true],
    ['that does not ask for it', '0000000000000000', '0000000000000002', false],
  ])('%s', async (_, blocked, caught, heard) => {
    await writeFile(join(proc, '7', 'status'), `Name:\tx\nSigBlk:\t${blocked}\nSigIgn:\t0\nSigCgt:\t${caught}\n`);
    expect(await new LinuxHost(proc).hears(7, 'SIGTERM')).toBe(heard);
  });

  it('that is not to be seen says nothing', async () => {
    expect(await new LinuxHost(proc).hears(8, 'SIGTERM')).toBeNull();
  });
});

describe('a machine', () => {
  it('has memory, if that is to be seen', async () => {
    const proc = await mkdtemp(join(tmpdir(), 'deploy-bg-proc-'));
    expect(await new LinuxHost(proc).memory()).toBeNull();
    await writeFile(join(proc, 'meminfo'), 'MemTotal:  2048 kB\nMemFree:  1 kB\nMemAvailable:  1024 kB\n');
    expect(await new LinuxHost(proc).memory()).toEqual({ totalBytes: 2 * 1024 ** 2, availableBytes: 1024 ** 2 });
    await rm(proc, { recursive: true });
  });
});
