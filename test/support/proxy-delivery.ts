import { expect, test } from 'vitest';
import { startLoad } from '../../demo/load/load.ts';
import type { Backend, Match, RouteState } from '../../src/core/observed.ts';
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
}
