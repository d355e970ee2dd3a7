import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogFile } from '../../src/adapters/proxy/log-file.ts';
import { LOG_LIMIT } from '../../src/adapters/proxy/nginx/logging.ts';
import { createRouter } from '../../src/adapters/proxy/router.ts';
import type { ProxyEngine } from '../../src/adapters/proxy/engine.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { Router } from '../../src/app/ports.ts';
import type { RouteState } from '../../src/core/observed.ts';

/** The proxy does not run yet: `prepare` writes all that it is to find. */
const engine: ProxyEngine = {
  proxyContainer: () => Promise.resolve(null),
  exec: () => Promise.reject(new Error('nothing runs')),
  kill: () => Promise.reject(new Error('nothing runs')),
  reachable: () => Promise.resolve([]),
};
const DRIVERS = ['caddy', 'nginx'] as const;
type Driver = (typeof DRIVERS)[number];

function routes(container: string): readonly RouteState[] {
  return [{ service: 'web', host: null, path: null, backends: [{ container, port: 3000, weight: 1 }] }];
}

let output: string;
let elsewhere: string;

beforeEach(async () => {
  output = join(await realpath(await mkdtemp(join(tmpdir(), 'deploy-bg-proxy-'))), 'generated');
  elsewhere = await realpath(await mkdtemp(join(tmpdir(), 'deploy-bg-elsewhere-')));
  await writeFile(join(elsewhere, 'target'), 'kept');
});
afterEach(async () => {
  for (const path of [dirname(output), elsewhere]) await rm(path, { recursive: true, force: true });
});

function routerOf(driver: Driver): Router {
  const spec = { driver, service: 'proxy', output, mounted: `/etc/${driver}/deploy-bg`, template: null };
  return createRouter({ project: 'shop', spec }, { engine, clock: systemClock });
}

describe.each(DRIVERS)('the files of %s', (driver) => {
  it.each([0o000, 0o022, 0o077])('can be read by a proxy of any user under umask %o', async (umask) => {
    const before = process.umask(umask);
    await routerOf(driver)
      .prepare(routes('web-1'))
      .finally(() => process.umask(before));
    expect((await lstat(output)).mode & 0o777).toBe(0o755);
    const entries = await readdir(output, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((each) => !each.isSymbolicLink())) {
      const mode = (await lstat(join(entry.parentPath, entry.name))).mode & 0o777;
      // The proxy itself makes its log and its socket; a file that only says by its name that it is there is not read.
      const expected = entry.isDirectory() ? [0o755, 0o777] : [0o644, ...(entry.name === 'access.log' ? [0o666] : [])];
      expect([entry.name, expected.includes(mode) || entry.name.startsWith('on-')]).toEqual([entry.name, true]);
    }
  });

  /** Another set of routes is written with a link somewhere: nothing at its end changes. */
  async function expectUntouched(): Promise<unknown> {
    const before = await readdir(elsewhere, { recursive: true });
    const { mode } = await lstat(elsewhere);
    const refused: unknown = await routerOf(driver)
      .prepare(routes('web-9'))
      .then(
        () => null,
        (error: unknown) => error,
      );
    expect(await readdir(elsewhere, { recursive: true })).toEqual(before);
    expect(await readFile(join(elsewhere, 'target'), 'utf8')).toBe('kept');
    expect((await lstat(elsewhere)).mode).toBe(mode);
    return refused;
  }

  const REFUSED = { code: 'state-unwritable', message: expect.stringContaining('symbolic link') as string };

  it('are not written through a link that stands for their folder', async () => {
    await chmod(elsewhere, 0o700);
    await symlink(elsewhere, output);
    expect(await expectUntouched()).toMatchObject(REFUSED);
  });

  it('are not written through links in the place of their states', async () => {
    await routerOf(driver).prepare(routes('web-1'));
    const states = join(output, driver === 'caddy' ? 'slots-states' : 'live-states');
    await rm(states, { recursive: true });
    await symlink(elsewhere, states);
    expect(await expectUntouched()).toMatchObject(REFUSED);
  });

  it('replace temporary files that are links', async () => {
    await mkdir(output);
    for (const name of ['routes.caddy.new', 'token.new', 'http.conf.new', 'slots.new', 'live.new'])
      await symlink(join(elsewhere, 'target'), join(output, name));
    expect(await expectUntouched()).toBeNull();
  });

  it('that are pipes keep nobody waiting', async () => {
    await routerOf(driver).prepare(routes('web-1'));
    for (const entry of await readdir(output, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      await rm(path);
      await execa('mkfifo', [path]);
    }
    await expect(routerOf(driver).prepare(routes('web-9'))).rejects.toMatchObject({
      message: expect.stringContaining('is not a file') as string,
    });
  });

  it('are found beside a link of states that leads elsewhere', async () => {
    await routerOf(driver).prepare(routes('web-1'));
    const link = join(output, driver === 'caddy' ? 'slots' : 'live');
    await rm(link);
    await symlink(elsewhere, link);
    expect(await expectUntouched()).toBeNull();
    expect(await readlink(link)).toMatch(/^(slots|live)-states\/\d+$/);
  });
});

it('a service’s folder of slots that is a link is not written to', async () => {
  const router = routerOf('caddy');
  for (const container of ['web-1', 'web-2', 'web-3', 'web-4']) await router.prepare(routes(container));
  const states = join(output, 'slots-states');
  for (const state of await readdir(states)) {
    const folder = join(states, state, 'web');
    await writeFile(join(elsewhere, 'layout'), await readFile(join(folder, 'layout')));
    await rm(folder, { recursive: true });
    await symlink(elsewhere, folder);
  }
  await expect(router.prepare(routes('web-9'))).rejects.toMatchObject({ code: 'state-unwritable' });
  expect((await readdir(elsewhere)).toSorted()).toEqual(['layout', 'target']);
});

describe('an access log that is a link', () => {
  it.each([
    ['to a file that does not exist is not made', 'nothing'],
    ['to a long file does not empty that', 'target'],
  ])('%s', async (_name, name) => {
    const long = 'x'.repeat(LOG_LIMIT + 1);
    await writeFile(join(elsewhere, 'target'), long);
    await mkdir(join(output, 'log'), { recursive: true });
    await symlink(join(elsewhere, name), join(output, 'log', 'access.log'));
    await expect(routerOf('nginx').prepare(routes('web-1'))).rejects.toMatchObject({ code: 'state-unwritable' });
    expect(await readdir(elsewhere)).toEqual(['target']);
    expect(await readFile(join(elsewhere, 'target'), 'utf8')).toBe(long);
  });

  it('is neither read nor emptied', async () => {
    await mkdir(join(output, 'log'), { recursive: true });
    await symlink(join(elsewhere, 'target'), join(output, 'log', 'access.log'));
    const log = new LogFile(join(output, 'log'), 'access.log');
    await expect(log.newLines()).rejects.toThrow('symbolic link');
    await expect(log.truncate()).rejects.toThrow('symbolic link');
    expect(await readFile(join(elsewhere, 'target'), 'utf8')).toBe('kept');
  });
});
