import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startLoad, epochNow } from '../../demo/load/load.ts';
import { docker, observed } from '../support/proxy-engine.ts';
import { answers, clock, makeRig, type Rig } from '../support/proxy-rig.ts';

const WIRED = 'import /etc/caddy/deploy-bg/*.caddy\n:8080 {\n\timport deploy-bg\n}\n';

let rig: Rig;

async function started(...apps: string[]): Promise<string[]> {
  await rig.configure(WIRED);
  await rig.router.prepare(rig.routes());
  const names = await Promise.all(apps.map((app) => rig.startApp(app)));
  await rig.startProxy();
  await answers(await url());
  return names;
}

async function url(): Promise<string> {
  return `http://${await rig.address(`${rig.project}-proxy`)}:8080`;
}

async function version(): Promise<string> {
  const response = await fetch(await url(), { headers: { connection: 'close' } });
  return response.headers.get('x-version') ?? String(response.status);
}

beforeEach(async () => {
  rig = await makeRig('caddy');
});
afterEach(async () => {
  await rig.remove();
});

describe('caddy', () => {
  test('answers 503 before any backend is there, and then by what it is told', async () => {
    const [v1 = '', v2 = ''] = await started('v1', 'v2');
    const response = await fetch(await url());
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    await rig.router.apply(rig.routes(v1));
    expect(await version()).toBe('v1');
    await rig.router.apply(rig.routes(v2));
    expect(await version()).toBe('v2');
    expect(await rig.router.read()).toEqual({ kind: 'routes', routes: rig.routes(v2), parts: 120 });
    await rig.router.apply(rig.routes());
    expect(await version()).toBe('503');
  });

  test('50 switches lose nothing, and no new request goes to the old one after a switch is reported', async () => {
    const [v1 = '', v2 = ''] = await started('v1', 'v2');
    await rig.router.apply(rig.routes(v1));
    const load = startLoad({ url: await url() });
    await clock.wait(1000);
    const times: number[] = [];
    let late = 0;
    for (let n = 0; n < 50; n += 1) {
      const [to, old] = n % 2 === 0 ? [v2, 'v1'] : [v1, 'v2'];
      const begin = epochNow();
      await rig.router.apply(rig.routes(to));
      const switched = epochNow();
      times.push(switched - begin);
      await clock.wait(300);
      late += load.report().newRequestsAnsweredBy(old, { startedAfter: switched }).length;
    }
    const report = await load.stop();
    times.sort((a, b) => a - b);
    console.log(
      `caddy: ${String(report.requests)} requests, switch ${String(times[25])} ms, longest ${String(times[49])} ms`,
      report.byVersion,
    );
    expect(report.failures).toEqual([]);
    expect(late).toBe(0);
  });

  test('requests in flight are those of the application', async () => {
    const [v1 = '', v2 = ''] = await started('v1', 'v2');
    await rig.router.apply(rig.routes(v1));
    const slow = fetch(`${await url()}/slow?ms=1500`);
    await clock.wait(300);
    await rig.router.apply(rig.routes(v2));
    const old = await observed(v1);
    expect(await rig.router.inFlight([old])).toEqual({ [old.id]: 1 });
    await (await slow).text();
    await clock.wait(100);
    expect(await rig.router.inFlight([old])).toEqual({ [old.id]: 0 });
  });

  test('a proxy that is killed and comes back works by the same files', async () => {
    const [v1 = ''] = await started('v1');
    await rig.router.apply(rig.routes(v1));
    const proxy = docker.getContainer(`${rig.project}-proxy`);
    await proxy.kill({ signal: 'KILL' });
    expect((await rig.router.read()).kind).toBe('unreadable');
    await proxy.start();
    await answers(await url());
    expect(await version()).toBe('v1');
    expect(await rig.router.read()).toEqual({ kind: 'routes', routes: rig.routes(v1), parts: 120 });
  });
});
