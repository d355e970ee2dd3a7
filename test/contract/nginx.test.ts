import { describe, expect, test } from 'vitest';
import { answeredBy, currentRig, proxyContract, route, started, type Subject } from '../support/proxy-contract.ts';
import { deliveryContract } from '../support/proxy-delivery.ts';

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

  test('a name that is not there yet is found when it comes', async () => {
    const rig = currentRig();
    await started(SUBJECT, 'v1');
    await rig.router.apply(rig.routes(`${rig.project}-v2`));
    expect(await answeredBy()).toBe('502');
    await rig.startApp('v2');
    await expect.poll(() => answeredBy(), { timeout: 5000 }).toBe('v2');
  });
});
