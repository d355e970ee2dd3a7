import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from 'undici';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { epochNow, startLoad } from '../../demo/load/load.ts';
import { hostAddress, READ_BACK_PORT } from '../../src/adapters/proxy/nginx/port.ts';
import { createRouter } from '../../src/adapters/proxy/router.ts';
import type { Router } from '../../src/app/ports.ts';
import type { RouteState } from '../../src/core/observed.ts';
import { type Build, HostNginx } from '../support/host-nginx.ts';
import { docker, observed, proxyEngine } from '../support/proxy-engine.ts';
import { answers, clock, fastClock, makeRig, type Rig } from '../support/proxy-rig.ts';
import { beginUpload } from '../support/upload.ts';

let rig: Rig;
let nginx: HostNginx;
let router: Router;

async function begin(build: Build): Promise<void> {
  [rig, nginx] = await Promise.all([makeRig('nginx'), HostNginx.create(build)]);
  vi.stubEnv('PATH', nginx.path);
  router = routerOf(rig.project);
}

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([nginx.remove(), rig.remove()]);
});

function output(project: string): string {
  return join(nginx.folder, project);
}

function routerOf(project: string, template: string | null = null, by = clock): Router {
  const folder = output(project);
  const spec = { driver: 'nginx', service: null, output: folder, mounted: folder, template } as const;
  return createRouter(
    { project, spec },
    { engine: { ...proxyEngine, reachable: () => proxyEngine.reachable(rig.project) }, clock: by },
  );
}

/** A site as a person writes it: what is included where. */
function site(project: string, host = 'shop.example'): string {
  const folder = output(project);
  return `include ${folder}/http*.conf;
server { listen 127.0.0.1:${String(nginx.port)}; server_name ${host}; include ${folder}/routes*.conf; }\n`;
}

/** nginx runs and includes what the first call writes; applications by version. */
async function started(...apps: string[]): Promise<string[]> {
  await nginx.start();
  await nginx.site(site(rig.project));
  await router.prepare(rig.routes());
  return Promise.all(apps.map((app) => rig.startApp(app)));
}

async function answeredBy(host = 'shop.example', more: Readonly<Record<string, string>> = {}): Promise<string> {
  const client = new Client(nginx.url);
  const answer = await client.request({ path: '/', method: 'GET', headers: { host, ...more } });
  await answer.body.dump();
  await client.close();
  return String(answer.headers['x-version'] ?? answer.statusCode);
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );
}

describe.each(['of Debian', 'of its makers'] as const)('nginx %s on the machine', (build) => {
  beforeEach(() => begin(build));

  test('is told at the first switch, and answers by what it is told', async () => {
    const [v1 = '', v2 = ''] = await started('v1', 'v2');
    await router.apply(rig.routes());
    expect(await answeredBy()).toBe('503');
    for (const [name, version] of [
      [v1, 'v1'],
      [v2, 'v2'],
    ] as const) {
      await router.apply(rig.routes(name));
      expect(await answeredBy()).toBe(version);
      expect(await router.read()).toEqual({ kind: 'routes', routes: rig.routes(name), parts: null });
    }
    await router.check(rig.routes(v2));
    expect(await router.faults()).toEqual([]);
  });

  test('switches lose no request, and nobody new meets the old version after one', async () => {
    const [v1 = '', v2 = ''] = await started('v1', 'v2');
    await router.apply(rig.routes(v1));
    // An old one resets idle connections (W06), which is not what is measured here.
    const kept = { kept: { concurrency: 4, everyMs: 20 }, post: 2, slow: 2, stream: 2 };
    const load = startLoad({ url: nginx.url, kinds: { fresh: 8, ...(build === 'of Debian' ? {} : kept) } });
    await clock.wait(500);
    let late = 0;
    const times: number[] = [];
    for (let n = 0; n < 10; n += 1) {
      const [to, old] = n % 2 === 0 ? [v2, 'v1'] : [v1, 'v2'];
      const begin = epochNow();
      await router.apply(rig.routes(to));
      const switched = epochNow();
      times.push(Math.round(switched - begin));
      await clock.wait(200);
      late += load.report().newRequestsAnsweredBy(old, { startedAfter: switched }).length;
    }
    const { failures, requests, byVersion } = await load.stop();
    console.log('nginx', build, requests, 'requests; switches', times, byVersion);
    expect(failures).toEqual([]);
    expect(late).toBe(0);
  });

  test('requests in flight are those of the application, also while the body of one is still on its way', async () => {
    const [v1 = '', v2 = ''] = await started('v1', 'v2');
    await router.apply(rig.routes(v1));
    const slow = Promise.all([1, 2].map(async () => (await fetch(`${nginx.url}/slow?ms=4000`)).text()));
    const old = await observed(v1);
    const inFlight = async (): Promise<number | null> => (await router.inFlight([old]))[old.id] ?? null;
    await expect.poll(inFlight).toBe(2);
    const upload = await beginUpload(nginx.url);
    await router.apply(rig.routes(v2));
    expect(await inFlight()).toBe(2);
    await slow;
    expect(await inFlight()).toBeGreaterThan(0);
    expect(await upload.finish()).toBe(200);
    await expect.poll(inFlight).toBe(0);
  });

  test('a configuration of the user’s that is broken is refused in nginx’s words, and what serves goes on', async () => {
    const [v1 = '', v2 = ''] = await started('v1', 'v2');
    await router.apply(rig.routes(v1));
    await nginx.site(`${site(rig.project)}no_such_directive on;\n`);
    expect(await failure(router.apply(rig.routes(v2)))).toMatchObject({
      code: 'proxy-rejected',
      details: [expect.stringContaining('no_such_directive')] as string[],
    });
    expect(await answeredBy()).toBe('v1');
    expect(await router.read()).toMatchObject({ routes: rig.routes(v1) });
    await nginx.site(site(rig.project));
    await router.apply(rig.routes(v2));
    expect(await answeredBy()).toBe('v2');
  });

  test('a master that is stopped in a reload is not believed until it has loaded what it was told last', async () => {
    const [v1 = '', v2 = ''] = await started('v1', 'v2');
    await router.apply(rig.routes(v1));
    const hurried = routerOf(rig.project, null, fastClock(20));
    const pid = (await nginx.pid()) ?? 0;
    process.kill(pid, 'SIGSTOP');
    expect(await failure(hurried.apply(rig.routes(v2)))).toMatchObject({ code: 'proxy-unreachable' });
    expect(await hurried.read()).toMatchObject({ kind: 'unreadable', isUnsettled: true });
    expect(await failure(hurried.apply(rig.routes(v1)))).toMatchObject({ code: 'proxy-unreachable' });
    process.kill(pid, 'SIGCONT');
    await expect.poll(() => router.read()).toMatchObject({ routes: rig.routes(v1) });
    await router.apply(rig.routes(v2));
    expect(await answeredBy()).toBe('v2');
  });

  test('a configuration that does not include the files is named, with the line', async () => {
    await nginx.start();
    await router.prepare(rig.routes());
    expect(await failure(router.apply(rig.routes()))).toMatchObject({
      code: 'proxy-not-wired',
      next: `add \`include ${output(rig.project)}/http.conf;\` to its http block`,
    });
  });

  test('a container that came back with another address is told from the one that is meant, until nginx is told', async () => {
    const [v1 = '', v2 = ''] = await started('v1', 'v2');
    await router.apply(rig.routes(v1));
    const [before, other] = [await rig.address(v1), await rig.address(v2)];
    await Promise.all([v1, v2].map((name) => docker.getContainer(name).stop({ t: 0 })));
    expect(await router.read()).toMatchObject({ routes: [{ backends: [{ container: v1 }] }] });
    // Whoever starts first gets the lower address.
    for (const name of before < other ? [v2, v1] : [v1, v2]) await docker.getContainer(name).start();
    const now = await rig.address(v1);
    expect([now, await rig.address(v2)]).toEqual([other, before]);
    const gone = `${v1} at ${before}:3000`;
    expect(await router.read()).toMatchObject({ routes: [{ backends: [{ container: gone }] }] });
    expect(await router.reloads([rig.routes(v1)])).toBe(true);
    await answers(`http://${now}:3000/health`);
    await router.apply(rig.routes(v1));
    expect(await router.read()).toMatchObject({ routes: rig.routes(v1) });
    expect(await answeredBy()).toBe('v1');
  });

  test('several projects share it, whatever they have in common', async () => {
    const [v1 = '', v2 = ''] = await started('v1', 'v2');
    const other = routerOf(`${rig.project}-v2`);
    await nginx.site(site(`${rig.project}-v2`, 'other.example'), 'other');
    await other.prepare([]);
    const everything = (name: string): RouteState[] =>
      rig.routes(name).map((route) => ({
        ...route,
        matched: { match: { headers: { 'X-Preview': 'yes' }, cookies: {} }, backends: route.backends },
        mirror: { percent: 50, backends: route.backends },
        backends: [],
      }));
    await router.apply(everything(v1));
    const mine = { service: 'web', host: null, path: null, backends: [{ container: v2, port: 3000, weight: 1 }] };
    const [route] = everything(v2);
    await other.apply([{ ...mine, ...(route?.matched && { matched: route.matched }) }]);
    expect([await answeredBy(), await answeredBy('other.example')]).toEqual(['503', 'v2']);
    expect(await answeredBy('shop.example', { 'x-preview': 'yes' })).toBe('v1');
    expect(await router.read()).toMatchObject({ routes: everything(v1) });
    expect(await other.read()).toMatchObject({ routes: [mine] });
  });
});

describe('nginx on the machine that', () => {
  beforeEach(() => begin('of Debian'));

  test.each([
    ['does not run', () => Promise.resolve(), 'proxy-unreachable', 'does not run on this machine'],
    [
      'has left its number to somebody else',
      () => writeFile(join(nginx.folder, 'nginx.pid'), `${String(process.pid)}\n`),
      'proxy-unreachable',
      'names no nginx',
    ],
  ])('%s is named before anything is done', async (_, given, code, message) => {
    await given();
    expect(await failure(router.require())).toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
    expect((await router.read()).kind).toBe('unreadable');
  });

  // Debian's own place is looked at whatever PATH says.
  test.skipIf(existsSync('/usr/sbin/nginx'))('is not installed is named before anything is done', async () => {
    vi.stubEnv('PATH', '/nowhere');
    expect(await failure(router.require())).toMatchObject({
      code: 'proxy-unreachable',
      message: 'there is no nginx on this machine',
    });
  });
});

describe('nginx on the machine whose workers may not enter the folder of its files', () => {
  beforeEach(() => begin('of Debian'));

  test('is warned of where it has a log for checks, which they can neither find nor write', async () => {
    const [v1 = ''] = await started('v1');
    const messages = async () => (await router.warnings()).map(({ message }) => message);
    const warned = expect.arrayContaining([expect.stringContaining('may not enter') as string]) as unknown;
    await router.apply(rig.routes(v1));
    await chmod(nginx.folder, 0o750);
    expect(await messages()).not.toEqual(warned);
    const logs = `include ${output(rig.project)}/access-log*.conf; include`;
    await nginx.site(site(rig.project).replace(/(?<=server \{.*)include/, logs));
    await router.apply(rig.routes());
    expect(await messages()).toEqual(warned);
    await chmod(nginx.folder, 0o751);
    expect(await messages()).not.toEqual(warned);
  });
});

describe('the first files for an nginx that serves other sites', () => {
  const LONG = 'customer-portal-staging-of-the-north';
  beforeEach(async () => {
    await begin('of Debian');
    await nginx.start();
    await nginx.site(site(LONG));
    router = routerOf(LONG);
  });

  test('are taken whatever the length of the project’s name', async () => {
    const v1 = await rig.startApp('v1');
    const sticky = { key: 'v2', cookie: 'side', maxAgeMs: 60_000, candidates: [] };
    const routes = rig.routes(v1).map((route) => ({ ...route, sticky }));
    await router.prepare(rig.routes());
    await router.apply(routes);
    expect(await answeredBy()).toBe('v1');
  });

  test('lead to nobody who takes no connection from this machine', async () => {
    const v1 = await rig.startApp('v1');
    await router.prepare(rig.routes());
    const closed = rig.routes(v1).map((route) => ({
      ...route,
      backends: route.backends.map((backend) => ({ ...backend, port: 3999 })),
    }));
    expect(await failure(router.apply(closed))).toMatchObject({
      code: 'proxy-unreachable',
      message: expect.stringContaining(`${v1} does not answer at`) as string,
    });
    await router.apply(rig.routes(v1));
    expect(await answeredBy()).toBe('v1');
  });

  test('are gone again if nginx refuses them: it can be reloaded as before', async () => {
    const template = join(nginx.folder, 'broken.hbs');
    await writeFile(template, 'no_such_directive on;\n');
    expect(await failure(routerOf(LONG, template).prepare(rig.routes()))).toMatchObject({
      code: 'proxy-rejected',
      details: [expect.stringContaining('no_such_directive')] as string[],
    });
    await nginx.reload();
  });

  test('are not written where another program has the port that nginx would answer us at', async () => {
    const server = createServer().listen(READ_BACK_PORT, hostAddress(LONG));
    await once(server, 'listening');
    const refused = await failure(router.prepare(rig.routes()));
    server.close();
    expect(refused).toMatchObject({ code: 'not-possible', message: expect.stringContaining('8089') as string });
    expect(existsSync(join(output(LONG), 'http.conf'))).toBe(false);
  });
});
