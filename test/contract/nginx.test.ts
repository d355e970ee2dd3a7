import { mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startLoad } from '../../demo/load/load.ts';
import type { RouteState } from '../../src/core/observed.ts';
import { asking } from '../support/proxy-asking.ts';
import { docker, observed } from '../support/proxy-engine.ts';
import { clock } from '../support/proxy-rig.ts';
import { answeredBy, currentRig, proxyContract, route, started, type Subject, url } from '../support/proxy-contract.ts';
import { beginUpload } from '../support/upload.ts';
import { deliveryContract, part } from '../support/proxy-delivery.ts';

const INCLUDE = 'include /etc/nginx/deploy-bg/http.conf;';

function configuration(http: string, server: string): string {
  return `events { worker_connections 1024; }\nhttp {\n${http}\nserver {\nlisten 8080;\n${server}\n}\n}\n`;
}

const SUBJECT: Subject = {
  driver: 'nginx',
  wired: configuration(INCLUDE, 'include /etc/nginx/deploy-bg/routes.conf;'),
  unwired: configuration('', 'return 200;'),
  line: INCLUDE,
  logged: configuration(
    `${INCLUDE}\naccess_log /dev/stdout;`,
    'access_log /dev/stdout;\ninclude /etc/nginx/deploy-bg/access-log.conf;\ninclude /etc/nginx/deploy-bg/routes.conf;',
  ),
  badTemplate: 'no_such_directive on;\n',
  parts: null,
  switchMs: 6000,
  switches: 10,
  staleMs: 2000,
};

describe('nginx', () => {
  proxyContract(SUBJECT);
  deliveryContract(SUBJECT);

  test('one route in a location of the user’s own', async () => {
    const own = 'location / { include /etc/nginx/deploy-bg/route-web.conf; }';
    const [v1 = ''] = await started({ ...SUBJECT, wired: configuration(INCLUDE, own) }, 'v1');
    const rig = currentRig();
    await rig.router.apply(rig.routes(v1));
    expect(await answeredBy()).toBe('v1');
    await expect(rig.router.apply([...rig.routes(v1), route('api', null, '/api')])).rejects.toMatchObject({
      code: 'proxy-not-wired',
      next: expect.stringContaining('`include /etc/nginx/deploy-bg/route-api.conf;` to a location') as string,
    });
    expect(await answeredBy()).toBe('v1');
  });

  test('the page that a server has for an error is shown, also for a request that died with its replica', async () => {
    const server = 'error_page 502 /sorry;\nlocation = /sorry { return 200 "sorry"; }';
    const include = 'include /etc/nginx/deploy-bg/routes.conf;';
    const [v1 = ''] = await started({ ...SUBJECT, wired: configuration(INCLUDE, `${server}\n${include}`) }, 'v1');
    const rig = currentRig();
    await rig.router.apply(rig.routes(v1));
    const lost = fetch(`${await url()}/slow?ms=20000`, { method: 'POST' }).then((answer) => answer.text());
    const held = async (): Promise<unknown> => (await fetch(`http://${await rig.address(v1)}:3000/inflight`)).json();
    await expect.poll(held, { timeout: 5000 }).toMatchObject({ inFlight: 1 });
    await docker.getContainer(v1).kill();
    expect(await lost).toBe('sorry');
  });

  test('where such pages take the way to the new version away, the old one holds requests whose body is on its way', async () => {
    const server = 'error_page 502 /sorry;\nlocation = /sorry { return 200 "sorry"; }';
    const include = 'include /etc/nginx/deploy-bg/routes.conf;';
    const wired = configuration(INCLUDE, `${server}\n${include}`);
    const [v1 = '', v2 = ''] = await started({ ...SUBJECT, wired }, 'v1', 'v2');
    const rig = currentRig();
    await rig.router.apply(rig.routes(v1));
    const upload = await beginUpload(await url());
    await rig.router.apply(rig.routes(v2));
    const old = await observed(v1);
    const inFlight = async (): Promise<number | null> => (await rig.router.inFlight([old]))[old.id] ?? null;
    expect(await inFlight()).toBe(1);
    expect(await upload.finish()).toBe(200);
    await expect.poll(inFlight, { timeout: 5000 }).toBe(0);
  });

  test('pages of the user’s that come later take nobody’s answer away', async () => {
    const [v1 = '', v2 = ''] = await started(SUBJECT, 'v1', 'v2');
    const rig = currentRig();
    await rig.router.apply(rig.routes(v1));
    const load = startLoad({ url: await url(), kinds: { kept: { concurrency: 6, everyMs: 20 }, post: 2, stream: 2 } });
    await rig.router.apply(rig.routes(v2));
    const page = 'error_page 500 /sorry;\nlocation = /sorry { return 200 "sorry"; }';
    await rig.configure(configuration(INCLUDE, `${page}\ninclude /etc/nginx/deploy-bg/routes.conf;`));
    // The first of them finds the page, the ones after it have no way from old workers to new ones any more.
    for (const version of [v1, v2, v1, v2]) await rig.router.apply(rig.routes(version));
    expect((await load.stop()).failures).toEqual([]);
    expect(await readdir(join(rig.output, 'over'))).toEqual([]);
  });

  test('a present configuration that is said to be over answers all the same, until the next switch sets it right', async () => {
    const [v1 = ''] = await started(SUBJECT, 'v1');
    const rig = currentRig();
    await rig.router.apply([]);
    await rig.router.apply(rig.routes(v1));
    const http = await readFile(join(rig.output, 'live', 'http.conf'), 'utf8');
    const digest = /config ([0-9a-f]{16})/.exec(http)?.[1] ?? '';
    await mkdir(join(rig.output, 'over'), { recursive: true });
    await writeFile(join(rig.output, 'over', digest), '');
    expect(await answeredBy()).toBe('v1');
    await rig.router.apply(rig.routes(v1));
    expect(await readdir(join(rig.output, 'over'))).not.toContain(digest);
    expect(await answeredBy()).toBe('v1');
  });

  test('a version that dies as a whole is replaced at once by the one before, until that may be another one', async () => {
    const [v1 = '', v2 = ''] = await started(SUBJECT, 'v1', 'v2');
    const rig = currentRig();
    const spare = rig.routes(v1)[0]?.backends ?? [];
    await rig.router.apply(rig.routes(v1));
    await rig.router.apply(rig.routes(v2).map((web) => ({ ...web, spare })));
    const live = await readlink(join(rig.output, 'live'));
    await rig.router.apply(rig.routes(v2));
    expect(await readlink(join(rig.output, 'live'))).toBe(live);
    const load = startLoad({ url: await url(), kinds: { kept: { concurrency: 4, everyMs: 20 }, fresh: 2, post: 2 } });
    const answered = (version: string) => () => load.report().byVersion[version] ?? 0;
    await expect.poll(answered('v2'), { timeout: 10_000 }).toBeGreaterThan(100);
    expect(answered('v1')()).toBe(0);
    await docker.getContainer(v2).kill();
    const killed = Date.now();
    await expect.poll(answered('v1'), { timeout: 20_000 }).toBeGreaterThan(500);
    // Back to it, also for clients of workers that know of the other configuration only.
    await rig.router.apply(rig.routes(v1));
    await rig.router.apply(rig.routes(v2).map((web) => ({ ...web, spare })));
    const { failures, byVersion } = await load.stop();
    expect(failures.filter(({ startedAt }) => startedAt > killed)).toEqual([]);
    expect(Object.keys(byVersion).toSorted()).toEqual(['v1', 'v2']);
    await rig.router.prepare(rig.routes(v2));
    expect(await answeredBy()).toBe('502');
  });

  test('a mirror sends copies, of which clients see nothing', { timeout: 200_000 }, async () => {
    const [v1 = '', v2 = ''] = await started(SUBJECT, 'v1', 'v2');
    const rig = currentRig();
    const mirrored = (percent: number): RouteState[] => [
      { ...route('web', null, null, v1), mirror: { percent, backends: [part(v2, 1)] } },
      route('other', 'other.example', null, v1),
    ];
    const copies = async (): Promise<number> => {
      const answer = await fetch(`http://${await rig.address(v2)}:3000/inflight`);
      return ((await answer.json()) as { finished: number }).finished;
    };
    for (const percent of [100, 20]) {
      await rig.router.apply(mirrored(percent));
      expect(await rig.router.read()).toMatchObject({ routes: expect.arrayContaining(mirrored(percent)) as unknown });
      const before = await copies();
      const asked = asking(await url());
      expect(await asked.count(2000)).toEqual({ v1: 2000 });
      asked.close();
      await clock.wait(500);
      const share = ((await copies()) - before) / 20;
      console.log('mirror', percent, share);
      expect(Math.abs(share - percent)).toBeLessThan(5);
    }
    expect(await answeredBy('/', 'other.example')).toBe('v1');
    const load = startLoad({ url: await url() });
    for (let n = 0; n < 4; n += 1) {
      await rig.router.apply(n % 2 === 0 ? rig.routes(v1) : mirrored(100));
      await clock.wait(1000);
    }
    await rig.router.apply(rig.routes(v1));
    const report = await load.stop();
    expect([report.failures, Object.keys(report.byVersion)]).toEqual([[], ['v1']]);
    const after = await copies();
    expect(await answeredBy()).toBe('v1');
    expect(await copies()).toBe(after);
  });

  test('a name that is not there yet is found when it comes', async () => {
    const rig = currentRig();
    await started(SUBJECT, 'v1');
    await rig.router.apply(rig.routes(`${rig.project}-v2`));
    expect(await answeredBy()).toBe('502');
    await rig.startApp('v2');
    await expect.poll(() => answeredBy(), { timeout: 5000 }).toBe('v2');
  });
});
