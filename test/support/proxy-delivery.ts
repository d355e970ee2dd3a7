import { expect, test } from 'vitest';
import { startLoad } from '../../demo/load/load.ts';
import { seenBy } from '../../src/core/figures.ts';
import type { Backend, Match, RouteState, Sticky } from '../../src/core/observed.ts';
import { asking, type Asking } from './proxy-asking.ts';
import { docker, observed } from './proxy-engine.ts';
import { clock } from './proxy-rig.ts';
import { answeredBy, currentRig, started, url, type Subject } from './proxy-contract.ts';

/** Some of a route's traffic, in parts of whatever unit. */
export function part(container: string, weight: number): Backend {
  return { container, port: 3000, weight };
}

function web(more: Partial<RouteState>): readonly RouteState[] {
  return [{ service: 'web', host: null, path: null, backends: [], ...more }];
}

const INSIDER: Match = { headers: { 'X-Canary': 'in "sider"; $1' }, cookies: { 'be-ta': '1=1' } };
const HEADERS = { 'x-canary': 'in "sider"; $1', cookie: 'other=2; be-ta=1=1; more=3' };

/** Requests that carry headers, one after the other, until stopped: who answered each of them. */
function keepAsking(headers: Readonly<Record<string, string>>): { stop: () => Promise<readonly string[]> } {
  const seen: string[] = [];
  let going = true;
  const work = Array.from({ length: 3 }, async () => {
    while (going) seen.push(await answeredBy('/', 'shop.example', headers).catch(String));
  });
  return {
    stop: async () => {
      going = false;
      await Promise.all(work);
      return seen;
    },
  };
}

/** A client with a memory for cookies, and whoever answered it so far. */
class Client {
  readonly seen: string[] = [];
  #cookie: string | null = null;

  async ask(asked: Asking): Promise<void> {
    const { version, cookie } = await asked.ask(this.#cookie === null ? {} : { cookie: this.#cookie });
    this.seen.push(version);
    this.#cookie = cookie ?? this.#cookie;
  }

  get cookie(): string | null {
    return this.#cookie;
  }
}

const REQUESTS = 20_000;
const UNTIL_END = new AbortController().signal;
const KEEPING: Sticky = { cookie: 'deploy-bg', maxAgeMs: 3_600_000, key: '20261121-142928-46ff', candidates: [] };

/** Two stable and two candidate replicas, where the candidate has `weight` percent. */
function split(weight: number, [a = '', b = '', c = '', d = '']: readonly string[]): readonly Backend[] {
  const stable = [part(a, 100 - weight), part(b, 100 - weight)];
  const candidate = [part(c, weight), part(d, weight)];
  if (weight === 0) return stable.map((each) => ({ ...each, weight: 1 }));
  return weight === 100 ? candidate : [...stable, ...candidate];
}

/** Percent of all requests by what answered them. */
function percent(counts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, (count * 100) / total]));
}

/** How many lines a container has printed. */
async function lines(container: string): Promise<number> {
  const text = await docker.getContainer(container).logs({ stdout: true, stderr: true });
  return text.toString('utf8').split('\n').length;
}

/** The tests of progressive delivery that every driver must pass. */
export function deliveryContract(subject: Subject): void {
  const { parts } = subject;

  test('a match is for those who carry all of it, exactly', async () => {
    const [v1 = '', v2 = ''] = await started(subject, 'v1', 'v2');
    const { router } = currentRig();
    const open = web({ backends: [part(v1, 1)], matched: { match: INSIDER, backends: [part(v2, 1)] } });
    await router.apply(open);
    expect(await router.read()).toEqual({ kind: 'routes', routes: open, parts });
    const asked: readonly [Readonly<Record<string, string>>, string][] = [
      [HEADERS, 'v2'],
      [{}, 'v1'],
      [{ 'x-canary': HEADERS['x-canary'] }, 'v1'],
      [{ cookie: HEADERS.cookie }, 'v1'],
      [{ ...HEADERS, 'x-canary': 'IN "SIDER"; $1' }, 'v1'],
      [{ ...HEADERS, 'x-canary': `${HEADERS['x-canary']}x` }, 'v1'],
      [{ ...HEADERS, cookie: 'xbe-ta=1=1' }, 'v1'],
      [{ ...HEADERS, cookie: 'be-ta=1=11' }, 'v1'],
      [{ ...HEADERS, cookie: 'be-ta=1=1' }, 'v2'],
    ];
    for (const [headers, version] of asked) {
      expect([headers, await answeredBy('/', 'shop.example', headers)]).toEqual([headers, version]);
    }
    const closed = web({ backends: [part(v1, 1)] });
    await router.apply(closed);
    expect(await router.read()).toEqual({ kind: 'routes', routes: closed, parts });
    expect(await answeredBy('/', 'shop.example', HEADERS)).toBe('v1');
  });

  test('whoever matches is served where nobody else is', async () => {
    const [v2 = ''] = await started(subject, 'v2');
    await currentRig().router.apply(web({ matched: { match: INSIDER, backends: [part(v2, 1)] } }));
    expect(await answeredBy('/', 'shop.example', HEADERS)).toBe('v2');
    const response = await fetch(await url());
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
  });

  test(
    'opening and closing a match loses nothing, and nobody else reaches the candidate',
    { timeout: 200_000 },
    async () => {
      const [v1 = '', v2 = ''] = await started(subject, 'v1', 'v2');
      const { router } = currentRig();
      const matched = { match: INSIDER, backends: [part(v2, 1)] };
      await router.apply(web({ backends: [part(v1, 1)] }));
      const load = startLoad({ url: await url() });
      const insiders = keepAsking(HEADERS);
      for (let n = 0; n < Math.min(subject.switches, 20); n += 1) {
        await router.apply(web({ backends: [part(v1, 1)], ...(n % 2 === 0 ? { matched } : {}) }));
        await clock.wait(200);
      }
      const [report, answers] = [await load.stop(), await insiders.stop()];
      console.log(subject.driver, 'match:', report.requests, 'requests,', answers.length, 'of insiders');
      expect(report.failures).toEqual([]);
      expect(Object.keys(report.byVersion)).toEqual(['v1']);
      expect([...new Set(answers)].toSorted()).toEqual(['v1', 'v2']);
    },
  );

  test(
    'weights are kept within a point over 20 000 requests, and replicas share them',
    { timeout: 400_000 },
    async () => {
      const names = ['old1', 'old2', 'new1', 'new2'];
      const containers = await started(subject, ...names);
      const asked = asking(await url());
      for (const weight of [10, 25, 50, 75]) {
        await currentRig().router.apply(web({ backends: split(weight, containers) }));
        const shares = percent(await asked.count(REQUESTS));
        console.log(subject.driver, weight, shares);
        expect(Object.keys(shares).toSorted()).toEqual(names.toSorted());
        expect(Math.abs((shares['new1'] ?? 0) + (shares['new2'] ?? 0) - weight)).toBeLessThan(1);
        for (const name of names) {
          const wanted = (name.startsWith('new') ? weight : 100 - weight) / 2;
          expect(Math.abs((shares[name] ?? 0) - wanted)).toBeLessThan(1);
        }
      }
      asked.close();
    },
  );

  test(
    'a client changes sides only forward, and one without a cookie counts by weight',
    { timeout: 400_000 },
    async () => {
      const names = ['old1', 'old2', 'new1', 'new2'];
      const containers = await started(subject, ...names);
      const { router } = currentRig();
      const sticky = { ...KEEPING, candidates: containers.slice(2) };
      const at = (weight: number): readonly RouteState[] => web({ backends: split(weight, containers), sticky });
      await router.apply(at(0));
      const asked = asking(await url());
      expect((await asked.ask()).cookie).toBeNull();
      const load = startLoad({ url: await url() });
      const clients = Array.from({ length: 300 }, () => new Client());
      for (const weight of [10, 50]) {
        await router.apply(at(weight));
        expect(await router.read()).toEqual({ kind: 'routes', routes: at(weight), parts });
        for (let round = 0; round < 4; round += 1) await Promise.all(clients.map((client) => client.ask(asked)));
        const forward = clients.filter(({ seen }) => seen.at(-1)?.startsWith('new'));
        const begin = Date.now();
        const shares = percent(await asked.count(REQUESTS));
        const between = Date.now();
        await asked.count(REQUESTS / 4, { cookie: clients[0]?.cookie ?? '' });
        const news = (shares['new1'] ?? 0) + (shares['new2'] ?? 0);
        const without = Math.round((REQUESTS * 1000) / (between - begin));
        const kept = Math.round((REQUESTS * 250) / (Date.now() - between));
        console.log(
          subject.driver,
          weight,
          'clients',
          forward.length,
          'of',
          clients.length,
          'without a cookie',
          news,
          '%',
        );
        console.log(subject.driver, 'requests a second without and with a cookie', without, kept);
        // nginx draws lots: four times the deviation of so many.
        expect(Math.abs(news - weight)).toBeLessThan(parts === null ? 1.5 : 1);
        expect(Math.abs((forward.length * 100) / clients.length - weight)).toBeLessThan(12);
      }
      await router.apply(at(100));
      await Promise.all(clients.map((client) => client.ask(asked)));
      expect((await asked.ask()).cookie).toBeNull();
      const report = await load.stop();
      asked.close();
      expect(report.failures).toEqual([]);
      const sides = clients.map(({ seen }) => seen.map((name) => name.slice(0, 3)).join(' '));
      expect(sides.filter((side) => !/^(old ?)*(new ?)*$/.test(side))).toEqual([]);
      // Within one weight nobody moves.
      expect(sides.filter((side) => new Set(side.split(' ').slice(0, 4)).size > 1)).toEqual([]);
      expect(sides.filter((side) => new Set(side.split(' ').slice(4, 8)).size > 1)).toEqual([]);
    },
  );

  test('every request is written down with who answered it, until nobody reads it', { timeout: 200_000 }, async () => {
    const [v1 = '', v2 = ''] = await started({ ...subject, wired: subject.logged }, 'v1', 'v2');
    const rig = currentRig();
    await rig.router.apply(web({ backends: [part(v1, 3), part(v2, 1)] }));
    const [asked, failing] = [asking(await url()), asking(`${await url()}/upstream?service=nobody`)];
    const [log, since] = [rig.accessLog(), Date.now()];
    await log.since(since, UNTIL_END);
    const counts = await asked.count(2000);
    const failed = await failing.count(40);
    await clock.wait(1000);
    const records = await log.since(since, UNTIL_END);
    for (const [name, version] of [
      [v1, 'v1'],
      [v2, 'v2'],
    ] as const) {
      const seen = seenBy([await observed(name)], records, since);
      expect(seen.length).toBe((counts[version] ?? 0) + (failed[version] ?? 0));
      expect(seen.filter(({ status }) => status === 502).length).toBe(failed[version]);
      expect(seen.every(({ durationMs }) => durationMs >= 0 && durationMs < 10_000)).toBe(true);
    }
    // The log of the user's own goes on beside ours.
    expect(await lines(`${rig.project}-proxy`)).toBeGreaterThan(2000);
    expect(await log.since(Date.now() + 1000, UNTIL_END)).toEqual([]);
    asked.close();
    failing.close();
  });

  test('a proxy that writes no log is told what to add', async () => {
    const [v1 = ''] = await started(subject, 'v1');
    await currentRig().router.apply(web({ backends: [part(v1, 1)] }));
    expect(await answeredBy()).toBe('v1');
    await expect(currentRig().accessLog().since(0, UNTIL_END)).rejects.toMatchObject({
      code: 'proxy-not-wired',
      next: expect.stringMatching(/import deploy-bg-log|access-log\.conf/) as string,
    });
  });
}
