import { readdir, readFile, readlink, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RouteState } from '../../src/core/observed.ts';
import { docker, proxyEngine } from '../support/proxy-engine.ts';
import { answers, fastClock, makeRig, type Rig } from '../support/proxy-rig.ts';
import { whoAnswers } from '../support/proxy-asking.ts';

const FOLDER = '/etc/nginx/deploy-bg';
/** Long to read, after all that is ours. */
const SLOW = `include ${FOLDER}/slow.conf;\n`.repeat(600);
const WIRED = `events {}\nhttp {\ninclude ${FOLDER}/http.conf;\nserver { listen 8080; include ${FOLDER}/routes.conf; }\n${SLOW}}\n`;

/** By this clock, ten seconds are half of one. */
const fast = { clock: fastClock(20) };

let rig: Rig;
let v1: readonly RouteState[];
let v2: readonly RouteState[];

beforeEach(async () => {
  rig = await makeRig('nginx');
  await rig.configure(WIRED);
  await makeSlow(0);
  await rig.router.prepare(rig.routes());
  const names = await Promise.all(['v1', 'v2'].map((app) => rig.startApp(app)));
  [v1, v2] = names.map((name) => rig.routes(name)) as [typeof v1, typeof v2];
  await rig.startProxy();
  await answers(await url());
  await rig.router.apply(v1);
});
afterEach(async () => {
  await rig.remove();
});

async function url(): Promise<string> {
  return `http://${await rig.address(`${rig.project}-proxy`)}:8080`;
}

async function serves(): Promise<string> {
  return whoAnswers(new URL(await url()));
}

/** So many bytes in each of the includes; who reads them already reads on. */
async function makeSlow(bytes: number): Promise<void> {
  const file = join(rig.output, 'slow.conf');
  await writeFile(`${file}.new`, `#${'x'.repeat(78)}\n`.repeat(bytes / 80));
  await rename(`${file}.new`, file);
}

async function master(): Promise<number> {
  return (await docker.getContainer(`${rig.project}-proxy`).inspect()).State.Pid;
}

async function workers(): Promise<string> {
  const pid = String(await master());
  return readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
}

/** It has read all of our files, and is not at the end of the user's. */
async function isLoading(pid: number): Promise<boolean> {
  const fds = `/proc/${String(pid)}/fd`;
  const open = (await readdir(fds)).map((fd) => readlink(join(fds, fd)).catch(() => ''));
  return (await Promise.all(open)).some((file) => file.endsWith('/slow.conf'));
}

/** Stops nginx's master in the middle of the reload that this begins. */
async function frozenIn(
  work: () => Promise<unknown>,
): Promise<{ readonly thaw: () => void; readonly work: Promise<unknown> }> {
  const pid = await master();
  await makeSlow(1_000_000);
  const begun = work();
  begun.catch(() => undefined);
  while (!(await isLoading(pid)));
  process.kill(pid, 'SIGSTOP');
  await makeSlow(0);
  return { thaw: () => process.kill(pid, 'SIGCONT'), work: begun };
}

describe('nginx whose reload takes longer than it may', () => {
  test('is not believed to serve what it served until it has loaded that again', async () => {
    const router = rig.another(fast);
    const frozen = await frozenIn(() => router.apply(v2));
    await expect(frozen.work).rejects.toMatchObject({ code: 'proxy-unreachable' });
    expect(await serves()).toBe('v1');
    expect(await router.read()).toMatchObject({ kind: 'unreadable', isUnsettled: true });
    await expect(router.apply(v1)).rejects.toMatchObject({ code: 'proxy-unreachable' });
    frozen.thaw();
    await rig.router.apply(v1);
    for (let n = 0; n < 100; n += 1) expect(await serves()).toBe('v1');
    expect(await rig.router.read()).toMatchObject({ routes: v1 });
  });

  test('gets the time that the test of the same configuration takes', async () => {
    await makeSlow(1_000_000);
    const begin = performance.now();
    await rig.another(fast).apply(v2);
    console.log('slow load', performance.now() - begin);
    expect(performance.now() - begin).toBeGreaterThan(500);
    expect(await serves()).toBe('v2');
    expect(await rig.router.read()).toMatchObject({ routes: v2 });
  });
});

test('nginx that passes its own test and cannot load goes on by what it had, which is enough to go back', async () => {
  // It tries for 2.5 seconds to listen where somebody else does, and its test does not.
  const taken = 'server { listen 9090; }\n';
  await writeFile(join(rig.output, 'other.conf'), `pid /tmp/other.pid;\nevents {}\nhttp { ${taken}}\n`);
  await proxyEngine.exec(`${rig.project}-proxy`, ['nginx', '-c', `${FOLDER}/other.conf`]);
  await rig.configure(WIRED.replace('server {', `${taken}server {`));
  const router = rig.another({ clock: fastClock(2) });
  await expect(router.apply(v2)).rejects.toMatchObject({ code: 'proxy-unreachable' });
  expect(await router.read()).toMatchObject({ routes: v1 });
  await router.apply(v1);
  expect(await serves()).toBe('v1');
});

describe('a process that ends between its files and the reload', () => {
  /** As far as the signal, which never comes. */
  async function abandoned(routes: readonly RouteState[]): Promise<void> {
    const live = await readlink(join(rig.output, 'live'));
    const died = new Promise<void>((resolve) => {
      const kill = (): Promise<void> => {
        resolve();
        return new Promise(() => undefined);
      };
      void rig.another({ engine: { kill } }).apply(routes);
    });
    await died;
    expect(await readlink(join(rig.output, 'live'))).not.toBe(live);
  }

  test('leaves what nobody knows, which the next switch settles', async () => {
    for (const routes of [v1, v2]) {
      await abandoned(v2);
      const left = rig.another(fast);
      expect((await left.read()).kind).toBe('unreadable');
      expect(await left.reloads([routes])).toBe(true);
      expect(await left.faults()).toEqual(['nginx works by another configuration than its files say']);
      await rig.router.apply(routes);
      expect(await rig.router.read()).toMatchObject({ routes });
      expect(await rig.router.faults()).toEqual([]);
      await rig.router.apply(v1);
    }
  });

  test.each(['HUP', 'restart'] as const)('leaves what a %s of the user’s settles', async (how) => {
    await abandoned(v2);
    const proxy = docker.getContainer(`${rig.project}-proxy`);
    if (how === 'HUP') await proxyEngine.kill(proxy.id, 'HUP');
    else await proxy.restart({ t: 2 });
    await expect.poll(() => rig.router.read(), { timeout: 10_000 }).toMatchObject({ routes: v2 });
  });
});

describe('files of an earlier version', () => {
  test('are read, and nothing is reloaded for them', async () => {
    const http = join(rig.output, 'live', 'http.conf');
    const text = await readFile(http, 'utf8');
    const old = text.replace(/(config [0-9a-f]{16}) [0-9a-f]{16}/, '$1');
    expect(old).not.toBe(text);
    await writeFile(http, old);
    await docker.getContainer(`${rig.project}-proxy`).restart({ t: 2 });
    await answers(await url());
    expect(await rig.router.read()).toMatchObject({ routes: v1 });
    expect(await rig.router.faults()).toEqual([]);
    const before = await workers();
    await rig.router.apply(v1);
    expect(await workers()).toBe(before);
    await rig.router.apply(v2);
    expect(await rig.router.read()).toMatchObject({ routes: v2 });
    expect(await serves()).toBe('v2');
  });
});
