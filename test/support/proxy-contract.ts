import { Client } from 'undici';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { epochNow, startLoad } from '../../demo/load/load.ts';
import type { RouteState } from '../../src/core/observed.ts';
import { docker, observed } from './proxy-engine.ts';
import { whoAnswers } from './proxy-asking.ts';
import { beginUpload } from './upload.ts';
import { answers, clock, makeRig, type Driver, type Rig } from './proxy-rig.ts';

/** What differs between proxies in the tests that every driver must pass. */
export interface Subject {
  readonly driver: Driver;
  /** A user's configuration with one site on port 8080 that has all routes. */
  readonly wired: string;
  /** The same without the line that imports the generated files, and what the error must tell to add. */
  readonly unwired: string;
  readonly line: string;
  /** As `wired`, with an access log for us beside one of the user's own. */
  readonly logged: string;
  /** A template that the proxy refuses. */
  readonly badTemplate: string;
  readonly parts: number | null;
  /** Longest median of a switch, in milliseconds: far above what it takes, which is for the benchmark to watch. */
  readonly switchMs: number;
  readonly switches: number;
  /** How long the proxy remembers the address of a name after it has changed. */
  readonly staleMs: number;
}

let rig: Rig;

/** The rig of the running test. */
export function currentRig(): Rig {
  return rig;
}

export async function url(): Promise<string> {
  return `http://${await rig.address(`${rig.project}-proxy`)}:8080`;
}

/** Who answers a new connection: a version, or the status where nobody does. */
export async function answeredBy(
  path = '/',
  host = 'shop.example',
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  return whoAnswers(new URL(path, await url()), { host, ...more });
}

/** The proxy without routes to anybody, and applications by version. */
export async function started({ wired }: Subject, ...apps: string[]): Promise<string[]> {
  await rig.configure(wired);
  await rig.router.prepare(rig.routes());
  const names = await Promise.all(apps.map((app) => rig.startApp(app)));
  await rig.startProxy();
  await answers(await url());
  return names;
}

/** The routes of several services. */
export function route(service: string, host: string | null, path: string | null, ...containers: string[]): RouteState {
  return { service, host, path, backends: containers.map((container) => ({ container, port: 3000, weight: 1 })) };
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );
}

/** The tests that every driver must pass. */
export function proxyContract(subject: Subject): void {
  const { driver, parts } = subject;
  beforeEach(async () => {
    rig = await makeRig(driver);
  });
  afterEach(async () => {
    await rig.remove();
  });

  test('answers 503 before any backend is there, and then by what it is told', async () => {
    const [v1 = '', v2 = ''] = await started(subject, 'v1', 'v2');
    const response = await fetch(await url());
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    for (const [name, version] of [
      [v1, 'v1'],
      [v2, 'v2'],
    ] as const) {
      await rig.router.apply(rig.routes(name));
      expect(await answeredBy()).toBe(version);
      expect(await rig.router.read()).toEqual({ kind: 'routes', routes: rig.routes(name), parts });
    }
    await rig.router.apply(rig.routes());
    expect(await answeredBy()).toBe('503');
  });

  test(
    'switches back and forth lose nothing, and no new request goes to the old one after a switch is reported',
    { timeout: 400_000 },
    async () => {
      const [v1 = '', v2 = ''] = await started(subject, 'v1', 'v2');
      await rig.router.apply(rig.routes(v1));
      const load = startLoad({ url: await url() });
      await clock.wait(1000);
      const times: number[] = [];
      let late = 0;
      for (let n = 0; n < subject.switches; n += 1) {
        const [to, old] = n % 2 === 0 ? [v2, 'v1'] : [v1, 'v2'];
        const begin = epochNow();
        await rig.router.apply(rig.routes(to));
        const switched = epochNow();
        times.push(switched - begin);
        await clock.wait(300);
        late += load.report().newRequestsAnsweredBy(old, { startedAfter: switched }).length;
      }
      const report = await load.stop();
      const sorted = times.toSorted((a, b) => a - b);
      const median = sorted[Math.floor(sorted.length / 2)] ?? Infinity;
      console.log(
        driver,
        report.requests,
        'requests; median switch',
        median,
        'longest',
        sorted.at(-1),
        report.byVersion,
      );
      expect(report.failures).toEqual([]);
      expect(late).toBe(0);
      expect(median).toBeLessThan(subject.switchMs);
    },
  );

  test('who is being answered at the switch, and asks again on the same connection, meets the new version', async () => {
    const [v1 = '', v2 = ''] = await started(subject, 'v1', 'v2');
    await rig.router.apply(rig.routes(v1));
    const client = new Client(await url());
    const stream = await client.request({ path: '/stream?ms=4000', method: 'GET' });
    await rig.router.apply(rig.routes(v2));
    expect(await stream.body.text()).toMatch(/^version=v1[^]*end\n$/);
    const again = await client.request({ path: '/', method: 'GET' });
    await again.body.dump();
    expect(again.headers['x-version']).toBe('v2');
    await client.close();
  });

  test('requests in flight are those of the application', async () => {
    const [v1 = '', v2 = ''] = await started(subject, 'v1', 'v2');
    await rig.router.apply(rig.routes(v1));
    const slow = Promise.all([1, 2].map(async () => (await fetch(`${await url()}/slow?ms=6000`)).text()));
    await clock.wait(300);
    await rig.router.apply(rig.routes(v2));
    const old = await observed(v1);
    expect(await rig.router.inFlight([old])).toEqual({ [old.id]: 2 });
    await slow;
    await clock.wait(200);
    expect(await rig.router.inFlight([old])).toEqual({ [old.id]: 0 });
  });

  test('whoever has nothing in flight can go, also while the body of a request that began before is still on its way', async () => {
    const [v1 = '', v2 = ''] = await started(subject, 'v1', 'v2');
    await rig.router.apply(rig.routes(v1));
    const upload = await beginUpload(await url());
    await rig.router.apply(rig.routes(v2));
    const old = await observed(v1);
    const inFlight = await rig.router.inFlight([old]);
    if (inFlight[old.id] === 0) await docker.getContainer(v1).remove({ force: true });
    expect(await upload.finish()).toBe(200);
  });

  test('a proxy that is killed and comes back works by the same files', async () => {
    const [v1 = ''] = await started(subject, 'v1');
    await rig.router.apply(rig.routes(v1));
    const proxy = docker.getContainer(`${rig.project}-proxy`);
    await proxy.kill({ signal: 'KILL' });
    expect((await rig.router.read()).kind).toBe('unreadable');
    expect(await failure(rig.router.apply(rig.routes(v1)))).toMatchObject({ code: 'proxy-unreachable' });
    await proxy.start();
    await answers(await url());
    expect(await answeredBy()).toBe('v1');
    expect(await rig.router.read()).toEqual({ kind: 'routes', routes: rig.routes(v1), parts });
    await proxy.restart({ t: 2 });
    await answers(await url());
    expect(await answeredBy()).toBe('v1');
  });

  test('containers that come back with swapped addresses are told apart', async () => {
    const [v1 = '', v2 = ''] = await started(subject, 'v1', 'v2');
    const before = [await rig.address(v1), await rig.address(v2)] as const;
    await rig.router.apply([route('web', null, null, v1), route('other', 'other.example', null, v2)]);
    expect([await answeredBy(), await answeredBy('/', 'other.example')]).toEqual(['v1', 'v2']);
    await Promise.all([v1, v2].map((name) => docker.getContainer(name).stop({ t: 0 })));
    for (const name of before[0] < before[1] ? [v2, v1] : [v1, v2]) await docker.getContainer(name).start();
    expect([await rig.address(v1), await rig.address(v2)]).toEqual(before.toReversed());
    await Promise.all([v1, v2].map(async (name) => answers(`http://${await rig.address(name)}:3000/health`)));
    await clock.wait(subject.staleMs);
    const seen = new Set<string>();
    const until = Date.now() + 4000;
    while (Date.now() < until) {
      seen.add(`${await answeredBy()} ${await answeredBy('/', 'other.example')}`);
      await clock.wait(20);
    }
    expect(await answeredBy()).toBe('v1');
    expect(await answeredBy('/', 'other.example')).toBe('v2');
    expect([...seen].filter((pair) => pair.startsWith('v2') || pair.endsWith('v1'))).toEqual([]);
  });

  test('several routes by host and path, with the same path on different hosts', async () => {
    const [a = '', b = '', c = '', d = ''] = await started(subject, 'a', 'b', 'c', 'd');
    await rig.router.apply([
      route('web', null, null, a),
      route('api', null, '/api', b),
      route('shop-api', 'shop.example', '/api/', c),
      route('wild', '*.wild.example', '/', d),
      route('nobody', null, '/nobody'),
    ]);
    const table = {
      '/ x.example': 'a',
      '/apis x.example': 'a',
      '/api x.example': 'b',
      '/api/v1 x.example': 'b',
      '/api shop.example': 'c',
      '/api/v1/ shop.example': 'c',
      '/ shop.example': 'a',
      '/api a.wild.example': 'd',
      '/ a.wild.example': 'd',
      '/nobody x.example': '503',
    };
    const seen: Record<string, string> = {};
    for (const key of Object.keys(table)) {
      const [path, host] = key.split(' ');
      seen[key] = await answeredBy(path, host);
    }
    expect(seen).toEqual(table);
  });

  test('shares are exact', async () => {
    const [v1 = '', v2 = ''] = await started(subject, 'v1', 'v2');
    const shares = [
      { container: v1, port: 3000, weight: 95 },
      { container: v2, port: 3000, weight: 5 },
    ];
    await rig.router.apply([{ service: 'web', host: null, path: null, backends: shares }]);
    const counts: Record<string, number> = {};
    for (let n = 0; n < 240; n += 1) {
      const version = await answeredBy();
      counts[version] = (counts[version] ?? 0) + 1;
    }
    expect(counts['v2']).toBeGreaterThan(9);
    expect(counts['v2']).toBeLessThan(15);
    expect(await rig.router.read()).toMatchObject({ routes: [{ backends: shares }] });
  });

  test('a configuration that does not import the files is named, and nothing is changed', async () => {
    await rig.configure(subject.unwired);
    await rig.router.prepare(rig.routes());
    await rig.startProxy();
    await answers(await url());
    const error = await failure(rig.router.apply(rig.routes('nobody')));
    expect(error).toMatchObject({ code: 'proxy-not-wired', next: expect.stringContaining(subject.line) as string });
  });

  test('a template that the proxy refuses leaves what was there', async () => {
    const [v1 = '', v2 = ''] = await started(subject, 'v1', 'v2');
    await rig.router.apply(rig.routes(v1));
    const own = await rig.withTemplate(subject.badTemplate);
    const error = await failure(own.apply(rig.routes(v2)));
    expect(error).toMatchObject({
      code: 'proxy-rejected',
      details: [expect.stringContaining('no_such_directive')] as string[],
    });
    expect(await answeredBy()).toBe('v1');
    await docker.getContainer(`${rig.project}-proxy`).restart({ t: 2 });
    await answers(await url());
    expect(await answeredBy()).toBe('v1');
  });

  test('a proxy without the folder is named, with the line to type', async () => {
    await rig.configure(subject.unwired);
    await rig.router.prepare(rig.routes());
    await rig.startProxy({ mounted: false });
    const error = await failure(rig.router.apply(rig.routes()));
    expect(error).toMatchObject({
      code: 'proxy-not-wired',
      next: expect.stringContaining('docker compose up -d --no-deps proxy') as string,
    });
  });

  test('a service more: what flows goes on, and the others keep their backends', async () => {
    const [v1 = '', v2 = ''] = await started(subject, 'v1', 'v2');
    await rig.router.apply(rig.routes(v1));
    const stream = fetch(`${await url()}/stream?ms=5000&every=200`).then((response) => response.text());
    await clock.wait(300);
    await rig.router.apply([route('web', null, null, v1), route('api', null, '/api', v2)]);
    expect([await answeredBy(), await answeredBy('/api')]).toEqual(['v1', 'v2']);
    await rig.router.apply(rig.routes(v1));
    expect(await answeredBy('/api')).toBe('v1');
    expect(await stream).toMatch(/^version=v1[^]*end\n$/);
  });

  test('no routes at all are possible', async () => {
    const [v1 = ''] = await started(subject, 'v1');
    await rig.router.apply([]);
    expect(await rig.router.read()).toEqual({ kind: 'routes', routes: [], parts });
    await rig.router.apply(rig.routes(v1));
    expect(await answeredBy()).toBe('v1');
  });

  test('backends may differ in their ports', async () => {
    const [v1 = ''] = await started(subject, 'v1');
    const other = await rig.startApp('v2', { PORT: '4000' }, 4000);
    const backends = [{ container: v1, port: 3000, weight: 1 }];
    await rig.router.apply([{ service: 'web', host: null, path: null, backends }]);
    backends.push({ container: other, port: 4000, weight: 1 });
    await rig.router.apply([{ service: 'web', host: null, path: null, backends }]);
    const seen = await Promise.all(Array.from({ length: 10 }, () => answeredBy()));
    expect(new Set(seen)).toEqual(new Set(['v1', 'v2']));
  });

  test('applying the same again does nothing', async () => {
    const [v1 = ''] = await started(subject, 'v1');
    await rig.router.apply(rig.routes(v1));
    const begin = Date.now();
    await rig.router.apply(rig.routes(v1));
    expect(Date.now() - begin).toBeLessThan(500);
  });
}
