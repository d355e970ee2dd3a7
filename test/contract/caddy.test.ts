import { connect } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { startLoad } from '../../demo/load/load.ts';
import { clock } from '../support/proxy-rig.ts';
import { answeredBy, currentRig, proxyContract, started, url, type Subject } from '../support/proxy-contract.ts';
import { deliveryContract } from '../support/proxy-delivery.ts';

/** How a TLS handshake for a name ends. */
function handshake(address: string, servername: string): Promise<string> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), servername, rejectUnauthorized: false }, () => {
      socket.destroy();
      resolve('done');
    });
    socket.on('error', (error: Error) => {
      resolve(error.message);
    });
  });
}

const IMPORT = 'import /etc/caddy/deploy-bg/*.caddy';

const SUBJECT: Subject = {
  driver: 'caddy',
  wired: `${IMPORT}\n:8080 {\n\timport deploy-bg\n}\n`,
  unwired: ':8080 {\n\trespond "not ours"\n}\n',
  line: IMPORT,
  logged: `${IMPORT}\n:8080 {\n\tlog mine {\n\t\toutput stdout\n\t}\n\tlog_name mine deploy-bg\n\timport deploy-bg-log\n\timport deploy-bg\n}\n`,
  badTemplate: '(deploy-bg) {\n\tno_such_directive\n}\n',
  parts: 120,
  switchMs: 1500,
  switches: 50,
  staleMs: 0,
};

describe('caddy', () => {
  proxyContract(SUBJECT);
  deliveryContract(SUBJECT);

  test('over TLS and HTTP/2 nothing is lost either', async () => {
    const site = `https://shop.example:8443 {\n\ttls internal\n\timport deploy-bg\n}\n`;
    const [v1 = '', v2 = ''] = await started({ ...SUBJECT, wired: SUBJECT.wired + site }, 'v1', 'v2');
    const rig = currentRig();
    await rig.router.apply(rig.routes(v1));
    const secure = (await url()).replace('http:', 'https:').replace('8080', '8443');
    // Caddy makes itself an authority and a certificate first.
    await expect.poll(() => handshake(secure, 'shop.example'), { timeout: 30_000 }).toBe('done');
    const load = startLoad({ url: secure, host: 'shop.example' });
    await load.waitFor((report) => report.byVersion['v1'] !== undefined, 10_000, 'answers of v1');
    for (let n = 0; n < 10; n += 1) {
      await rig.router.apply(rig.routes(n % 2 === 0 ? v2 : v1));
      await clock.wait(300);
    }
    expect((await load.stop()).failures).toEqual([]);
  });

  test('a proxy that is not root answers on its socket too', async () => {
    const rig = currentRig();
    await rig.configure(SUBJECT.wired);
    await rig.router.prepare(rig.routes());
    const v1 = await rig.startApp('v1');
    await rig.startProxy({ user: '1234:1234' });
    await clock.wait(1000);
    await rig.router.apply(rig.routes(v1));
    expect(await answeredBy()).toBe('v1');
  });

  test('a route that no site uses is named', async () => {
    const rig = currentRig();
    await started({ ...SUBJECT, wired: `${IMPORT}\n:8080 {\n\timport deploy-bg-web\n}\n` });
    const more = [...rig.routes(), { service: 'api', host: null, path: '/api', backends: [] }];
    await expect(rig.router.apply(more)).rejects.toMatchObject({
      code: 'proxy-not-wired',
      next: 'add `import deploy-bg` (all routes) or `import deploy-bg-api` to a site',
    });
    expect(await answeredBy()).toBe('503');
  });
});
