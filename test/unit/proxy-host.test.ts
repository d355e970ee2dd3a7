import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { reachable } from '../../src/adapters/docker/proxy-engine.ts';
import { fromProxy } from '../../src/adapters/drain/evidence.ts';
import { createAccessLog } from '../../src/adapters/proxy/access-log.ts';
import { endpointsOf, writtenEndpoints } from '../../src/adapters/proxy/nginx/endpoints.ts';
import { featuresOf } from '../../src/adapters/proxy/nginx/features.ts';
import { hostAddress } from '../../src/adapters/proxy/nginx/port.ts';
import { renderNginx } from '../../src/adapters/proxy/nginx/render.ts';
import { packaged } from '../../src/adapters/proxy/template.ts';
import type { RouteState } from '../../src/core/observed.ts';

const BRIDGES = [
  { Name: 'shop_inner', Internal: true },
  { Name: 'shop_default', Internal: false },
];

/** A container of the engine's list. */
function listed(name: string, networks: Readonly<Record<string, string>>, ports: readonly object[] = [], mode = 'x') {
  const Networks = Object.fromEntries(Object.entries(networks).map(([key, IPAddress]) => [key, { IPAddress }]));
  const container = {
    Names: [`/${name}`],
    Ports: ports,
    HostConfig: { NetworkMode: mode },
    NetworkSettings: { Networks },
  };
  return reachable(container, BRIDGES);
}

function published(IP: string, PublicPort: number, PrivatePort = 3000, Type = 'tcp') {
  return { IP, PrivatePort, PublicPort, Type };
}

const OWN = { shop_inner: '172.19.0.2', shop_default: '172.18.0.2' };

describe('where the machine reaches a container', () => {
  test.each([
    ['at its address on a network that leads out', listed('a', OWN), '172.18.0.2:3000'],
    ['at the only one that it has', listed('a', { shop_inner: '172.19.0.2' }), '172.19.0.2:3000'],
    ['nowhere on networks that are no bridges', listed('a', { overlay: '10.0.0.2' }), null],
    ['at a port that it publishes', listed('a', OWN, [published('127.0.0.1', 8001)]), '127.0.0.1:8001'],
    [
      'at a port on all addresses',
      listed('a', OWN, [published('::', 8001), published('0.0.0.0', 8002)]),
      '127.0.0.1:8002',
    ],
    ['at a port on all addresses of version 6', listed('a', OWN, [published('::', 8001)]), '[::1]:8001'],
    ['not at the port of something else', listed('a', OWN, [published('127.0.0.1', 8001, 9000)]), '172.18.0.2:3000'],
    ['not at a port of UDP', listed('a', OWN, [published('127.0.0.1', 8001, 3000, 'udp')]), '172.18.0.2:3000'],
    ['not at a port that is not published', listed('a', OWN, [{ PrivatePort: 3000, Type: 'tcp' }]), '172.18.0.2:3000'],
    ['at its own, if it has the network of the machine', listed('a', { host: '' }, [], 'host'), '127.0.0.1:3000'],
    ['nowhere, if it does not run', listed('b', OWN), null],
  ])('%s', (_, container, expected) => {
    expect(endpointsOf([container])('a', 3000)).toBe(expected);
  });
});

test('in whatever order the engine gives its networks, a container on two of them is reached at the same one', () => {
  const bridges = ['front', 'back'].map((Name) => ({ Name, Internal: false }));
  const Networks = { front: { IPAddress: '172.18.0.2' }, back: { IPAddress: '172.19.0.2' } };
  const container = { Names: ['/a'], NetworkSettings: { Networks } };
  const asked = [bridges, bridges.toReversed()].map((order) => endpointsOf([reachable(container, order)])('a', 3000));
  expect(asked).toEqual(['172.19.0.2:3000', '172.19.0.2:3000']);
});

const ENDPOINTS = endpointsOf([
  listed('web-1', { shop_default: '172.18.0.2' }),
  listed('web-2', { shop_default: '172.18.0.3' }, [published('127.0.0.1', 8001)]),
]);

const META = {
  project: 'shop',
  directory: '/srv/shop/nginx',
  token: 'secret',
  features: { ...featuresOf('nginx/1.30.6'), resolve: false, ownPages: true },
  endpoints: ENDPOINTS,
  templates: {
    http: await packaged('nginx/http.conf.hbs'),
    log: await packaged('nginx/access-log.conf.hbs'),
    routes: await packaged('nginx/routes.conf.hbs'),
    route: await packaged('nginx/route.conf.hbs'),
  },
};

function backend(container: string, weight = 1) {
  return { container, port: 3000, weight };
}

const WEB: RouteState = {
  ...{ service: 'web', host: null, path: null, backends: [backend('web-1', 3), backend('web-2')] },
  matched: { match: { headers: { 'X-Preview': 'yes' }, cookies: {} }, backends: [backend('web-2')] },
  mirror: { percent: 20, backends: [backend('web-2')] },
};

function rendered(project = 'shop', endpoints = ENDPOINTS): Readonly<Record<string, string>> {
  const { files } = renderNginx([WEB], { ...META, project, endpoints });
  return Object.fromEntries(files.map(({ file, content }) => [file, content]));
}

describe('what an nginx on the machine is given', () => {
  test('addresses, which it need not look up', () => {
    const http = rendered()['http.conf'] ?? '';
    expect(http).toContain('server 172.18.0.2:3000 weight=3 max_fails=0;');
    expect(http).toContain('server 127.0.0.1:8001 weight=1 max_fails=0;');
    expect(http).not.toMatch(/resolver|127\.89\./);
  });

  test('an answer about itself that leaves the machine by no address, with the addresses in it', () => {
    const http = rendered()['http.conf'] ?? '';
    const listens = [...http.matchAll(/listen (\S+);/g)].map(([, address]) => address);
    expect(listens).toEqual([8088, 8089].map((port) => `${hostAddress('shop')}:${String(port)}`));
    // Of another project that has the same address by chance.
    const names = [...http.matchAll(/server_name (\S+);/g)].map(([, name]) => name);
    expect(names).toEqual(['shop.deploy-bg.invalid', 'shop.deploy-bg.invalid']);
    expect(writtenEndpoints(http, 'web-1')).toEqual([{ address: '172.18.0.2', port: 3000 }]);
    expect(writtenEndpoints(http, 'web-2')).toEqual([{ address: '127.0.0.1', port: 8001 }]);
    expect(writtenEndpoints(http, 'web')).toEqual([]);
  });

  test('another configuration as soon as an address is another one', () => {
    const moved = endpointsOf([listed('web-1', OWN), listed('web-2', { shop_default: '172.18.0.9' })]);
    const digests = [ENDPOINTS, moved].map((endpoints) => renderNginx([WEB], { ...META, endpoints }).digest);
    expect(new Set(digests).size).toBe(2);
  });

  /** What nginx takes once only in its http context, whoever says it. */
  function namesIn(http: string): readonly string[] {
    return [...http.matchAll(/^(?:upstream|log_format) (\S+)|^keepalive_min_timeout/gm)].map(([all]) => all);
  }

  test('no name that another project, or another service of one, has as well', () => {
    const [mine, theirs] = [
      namesIn(rendered('shop')['http.conf'] ?? ''),
      namesIn(rendered('shop-web')['http.conf'] ?? ''),
    ];
    expect(mine.length).toBeGreaterThan(3);
    expect(mine.filter((name) => theirs.includes(name))).toEqual([]);
    const other = renderNginx([{ ...WEB, service: 'b-web' }], { ...META, project: 'a' });
    const alike = renderNginx([WEB], { ...META, project: 'a-b' });
    const texts = [other, alike].map(({ files }) =>
      namesIn(files.find(({ file }) => file === 'http.conf')?.content ?? ''),
    );
    expect(texts[0]?.filter((name) => texts[1]?.includes(name))).toEqual([]);
  });

  test('each location lets idle clients ask once more, since the http context may say so only once', () => {
    const files = rendered();
    expect(files['routes.conf']).toContain('location / {\n    keepalive_min_timeout 2s;');
    expect(files['route-web.conf']).toContain('keepalive_min_timeout 2s;');
    expect(files['http.conf']).not.toContain('keepalive_min_timeout');
  });
});

test('what the log says of a port is said of the container that was asked there', async () => {
  const output = await mkdtemp(join(tmpdir(), 'deploy-bg-log-'));
  await mkdir(join(output, 'live-states', '1'), { recursive: true });
  await writeFile(join(output, 'live-states', '1', 'http.conf'), rendered()['http.conf'] ?? '');
  await mkdir(join(output, 'log'));
  await writeFile(join(output, 'log', 'included'), '');
  const line = (upstream: string) =>
    `{"deploy_bg":"1","msec":"1700000000.000","status":"200","upstream":"${upstream}","header":"0.1","request":"0.2"}\n`;
  await writeFile(join(output, 'log', 'access.log'), line('127.0.0.1:8001') + line('10.9.9.9:3000'));
  const spec = { driver: 'nginx', service: null, output, mounted: output, template: null } as const;
  const clock = { now: () => 1_700_000_000_000, wait: () => Promise.resolve() };
  const log = createAccessLog({ project: 'shop', spec }, clock);
  const records = await log?.since(0, new AbortController().signal);
  expect(records?.map(({ upstream }) => upstream)).toEqual(['web-2:3000', '10.9.9.9:3000']);
  await rm(output, { recursive: true });
});

test('requests in flight are those of nginx’s own users, at the ports where it asks', async () => {
  const proc = await mkdtemp(join(tmpdir(), 'deploy-bg-proc-'));
  await mkdir(join(proc, '7', 'net'), { recursive: true });
  const to = (port: string, uid: number) =>
    `0: 0100007F:D431 0100007F:${port} 01 00000000:00000000 00:00000000 00000000 ${String(uid)} 0 1\n`;
  // To 8001 as nginx and as somebody else, and as nginx to 8002.
  await writeFile(join(proc, '7', 'net', 'tcp'), `head\n${to('1F41', 33)}${to('1F41', 1000)}${to('1F42', 33)}`);
  const container = { id: 'c', name: 'web-2', state: 'running', addresses: {} } as Parameters<typeof fromProxy>[1][0];
  const at = () => [{ address: '127.0.0.1', port: 8001 }];
  expect(await fromProxy(7, [container], { proc, at, uids: new Set([33]) })).toEqual({ c: 1 });
  expect(await fromProxy(7, [container], { proc, at })).toEqual({ c: 2 });
  expect(await fromProxy(7, [container], { proc, at: () => [] })).toEqual({ c: null });
  await rm(proc, { recursive: true });
});
