import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Asked, guardedBy, refusalOf, type TcpAccess, tcpAccess } from '../../../src/agent/access.ts';
import { routes } from '../../../src/agent/routes.ts';
import { TcpServer } from '../../../src/agent/server.ts';
import { DeployError } from '../../../src/core/errors.ts';
import { answering, keptLog } from '../../support/agent-api.ts';
import { Host } from '../../support/host.ts';
import { service } from '../../support/specs.ts';

const TOKEN = 'correct-horse-battery-staple-0123456789';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deploy-bg-access-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function tokenFile(content: string): Promise<string> {
  const file = join(folder, 'token');
  await writeFile(file, content);
  return file;
}

describe('the agent over TCP', () => {
  it('is there only if it is asked for', () => {
    expect(tcpAccess({})).toBeNull();
    expect(tcpAccess({ DEPLOY_BG_LISTEN: '', DEPLOY_BG_TOKEN_FILE: '/nowhere' })).toBeNull();
  });

  it.each(['127.0.0.1:9180', '127.8.0.1:1', '[::1]:9180', '[::ffff:127.0.0.1]:9180'])(
    'needs no token at %s, where only this machine is',
    (address) => {
      expect(tcpAccess({ DEPLOY_BG_LISTEN: address })).toMatchObject({ address: { isLoopback: true }, token: null });
    },
  );

  it.each(['0.0.0.0:9180', '[::]:9180', '10.0.0.1:9180', '172.17.0.1:9180', '[fe80::1]:9180'])(
    'does not begin without a token at %s, which others reach',
    async (address) => {
      expect(refused(() => tcpAccess({ DEPLOY_BG_LISTEN: address }))).toMatchObject({
        code: 'invalid-config',
        exit: 2,
      });
      const file = await tokenFile(`${TOKEN}\n`);
      const access = tcpAccess({ DEPLOY_BG_LISTEN: address, DEPLOY_BG_TOKEN_FILE: file });
      expect(access).toMatchObject({ address: { isLoopback: false }, token: TOKEN });
    },
  );

  it.each([
    ...['9180', ':9180', 'localhost:9180', 'example.com:9180', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:65536'],
    ...[
      '127.0.0.1:x',
      '127.1:9180',
      '::1:9180',
      '[127.0.0.1]:9180',
      '[::1]',
      '[fe80::1%lo]:9180',
      'http://127.0.0.1:1',
    ],
  ])('does not begin at %s, which is no address', (address) => {
    const error = refused(() => tcpAccess({ DEPLOY_BG_LISTEN: address }));
    expect(error).toMatchObject({ code: 'invalid-config', exit: 2 });
    expect(error.message).toContain('is no address');
  });

  it.each([
    ['too short', 'x'.repeat(31)],
    ['empty', '\n'],
    ['two words', `${TOKEN} ${TOKEN}`],
    ['no ASCII', 'ä'.repeat(40)],
  ])('does not begin with a token that is %s, and does not tell it', async (_, content) => {
    const file = await tokenFile(content);
    const error = refused(() => tcpAccess({ DEPLOY_BG_LISTEN: '127.0.0.1:9180', DEPLOY_BG_TOKEN_FILE: file }));
    expect(error).toMatchObject({ code: 'invalid-config' });
    expect(error.message).toBe(`${file} holds no token: 32 characters at least, of ASCII and without spaces`);
  });

  it('does not begin with a token that cannot be read', () => {
    const env = { DEPLOY_BG_LISTEN: '127.0.0.1:9180', DEPLOY_BG_TOKEN_FILE: join(folder, 'nothing') };
    expect(refused(() => tcpAccess(env)).message).toContain('cannot be read');
  });
});

const HERE: TcpAccess = { address: { host: '127.0.0.1', port: 9180, isLoopback: true }, token: null };
const HERE_WITH_TOKEN: TcpAccess = { ...HERE, token: TOKEN };
const EVERYWHERE: TcpAccess = { address: { host: '0.0.0.0', port: 9180, isLoopback: false }, token: TOKEN };

const asked = (over: Partial<Asked>): Asked => ({
  ...{ method: 'GET', path: '/metrics', host: '127.0.0.1:9180', authorization: undefined },
  ...over,
});
const status = (over: Partial<Asked>, access: TcpAccess): number => refusalOf(asked(over), access)?.status ?? 200;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('who asks on this machine', () => {
  it.each(['/healthz', '/metrics'])('is answered %s without a token', (path) => {
    expect(status({ path }, HERE)).toBe(200);
    expect(status({ path, method: 'HEAD' }, HERE)).toBe(200);
    expect(status({ path }, HERE_WITH_TOKEN)).toBe(200);
  });

  it.each(['/readyz', '/status', '/events', '/openapi.json', '/metrics/', '/nonsense'])(
    'is answered %s only with the token, where there is one',
    (path) => {
      expect(status({ path, ...bearer(TOKEN) }, HERE)).toBe(403);
      expect(status({ path }, HERE_WITH_TOKEN)).toBe(401);
      expect(status({ path, ...bearer(TOKEN) }, HERE_WITH_TOKEN)).toBe(200);
    },
  );

  it.each(['localhost', 'LocalHost:9180', '127.0.0.1', '[::1]:9180', '192.0.2.1:80'])(
    'is answered if it asks %s',
    (host) => {
      expect(status({ host }, HERE)).toBe(200);
    },
  );

  it.each([
    'rebound.example',
    'rebound.example:9180',
    'localhost.example',
    '127.0.0.1.example',
    '',
    '[evil]',
    undefined,
  ])('is not answered if a name brought it here: %s', (host) => {
    expect(status({ host }, HERE)).toBe(421);
    expect(status({ host, path: '/status', ...bearer(TOKEN) }, HERE_WITH_TOKEN)).toBe(421);
  });
});

describe('who asks from elsewhere', () => {
  it.each(['/healthz', '/metrics', '/status'])('is answered %s only with the token', (path) => {
    expect(status({ path }, EVERYWHERE)).toBe(401);
    expect(status({ path, ...bearer(TOKEN) }, EVERYWHERE)).toBe(200);
    expect(status({ path, ...bearer(TOKEN), host: 'shop.example' }, EVERYWHERE)).toBe(200);
  });

  it.each([
    ...['', 'Bearer', 'Bearer ', TOKEN, `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, `Bearer x${TOKEN}`],
    ...[`Bearer ${TOKEN.slice(1)}`, `Bearer ${TOKEN.toUpperCase()}`, `Bearer ${TOKEN} ${TOKEN}`],
  ])('is not known by another word than the token: %s', (authorization) => {
    expect(status({ authorization }, EVERYWHERE)).toBe(401);
  });
});

describe('over TCP nothing is told to the agent', () => {
  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('by %s, with or without the token', (method) => {
    for (const access of [HERE, HERE_WITH_TOKEN, EVERYWHERE])
      for (const path of ['/deploy', '/metrics'])
        expect(refusalOf(asked({ method, path, ...bearer(TOKEN) }), access)).toMatchObject({
          status: 403,
          next: expect.stringContaining('unix socket') as string,
        });
  });
});

describe('an agent that listens', () => {
  let host: Host;
  let servers: TcpServer[];
  beforeEach(async () => {
    host = await Host.create(() => [service('web')], {});
    servers = [];
  });
  afterEach(async () => {
    for (const server of servers) await server.close();
    await host.dispose();
  });

  const { log, lines } = keptLog('debug');

  async function listen(token: string | null): Promise<string> {
    const port = await freePort();
    const access = { address: { host: '127.0.0.1', port, isLoopback: true }, token };
    const server = new TcpServer(access.address, routes(answering(host, { log }), guardedBy(access)));
    servers.push(server);
    await server.listen();
    return `http://127.0.0.1:${String(port)}`;
  }

  it('answers what it may, and says of all else why not and what to do', async () => {
    const url = await listen(null);
    expect((await request(`${url}/metrics`)).statusCode).toBe(200);
    const told = await request(`${url}/deploy`, { method: 'POST', body: '{"version":"v1"}' });
    expect(told.statusCode).toBe(403);
    expect(await told.body.json()).toMatchObject({ code: 'not-allowed', exit: 5, next: expect.any(String) as string });
    expect(await host.store().rollouts()).toEqual([]);
    const rebound = await request(`${url}/metrics`, { headers: { host: 'rebound.example' } });
    expect(rebound.statusCode).toBe(421);
  });

  it('answers who has the token, and logs whom it has refused without what was sent', async () => {
    const url = await listen(TOKEN);
    const authorization = `Bearer ${TOKEN}`;
    expect((await request(`${url}/status`, { headers: { authorization } })).statusCode).toBe(200);
    const unknown = await request(`${url}/status`, { headers: { authorization: `${authorization}x` } });
    expect(unknown.statusCode).toBe(401);
    expect(unknown.headers['www-authenticate']).toMatch(/^Bearer/);
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', path: '/status', status: 401 }));
    expect(JSON.stringify(lines)).not.toContain(TOKEN);
  });

  it('is refused an address that somebody has, and gets it when it is free', async () => {
    const { port } = new URL(await listen(null));
    const address = { host: '127.0.0.1', port: Number(port), isLoopback: true };
    const second = new TcpServer(address, routes(answering(host)));
    servers.push(second);
    await expect(second.listen()).rejects.toMatchObject({
      code: 'not-possible',
      message: expect.stringContaining('cannot listen at 127') as string,
    });
    await servers[0]?.close();
    await second.listen();
    await second.listen();
    expect((await request(`http://127.0.0.1:${port}/healthz`)).statusCode).toBe(200);
  });
});

function refused(work: () => unknown): DeployError {
  try {
    work();
  } catch (error) {
    if (error instanceof DeployError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}
