import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type Docker from 'dockerode';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DockerRegistry } from '../../src/adapters/registry/registry.ts';

let server: Server;
let config: string;
let domain: string;
let asked: string[];
/** What the registry and its token service answer; a test puts its own in place. */
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  asked = [];
  config = await mkdtemp(join(tmpdir(), 'deploy-bg-config-'));
  server = createServer((request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''} ${request.headers.authorization ?? '-'}`);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  domain = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await new Promise((resolve) => server.close(resolve));
  await rm(config, { recursive: true, force: true });
});

/** An engine that goes without TLS where Docker's own default does. */
const engine = {
  info: () =>
    Promise.resolve({ RegistryConfig: { InsecureRegistryCIDRs: ['127.0.0.0/8', '::1/128'], IndexConfigs: {} } }),
} as unknown as Docker;

const tags = (): Promise<readonly string[]> => new DockerRegistry(engine, config).tags(`${domain}/shop/web:v1`, NEVER);

const NEVER = new AbortController().signal;

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const login = (auth: object): Promise<void> =>
  writeFile(join(config, 'config.json'), JSON.stringify({ auths: { [domain]: auth } }));

function json(response: ServerResponse, body: unknown, headers: Record<string, string> = {}, status = 200): void {
  response.writeHead(status, headers).end(JSON.stringify(body));
}

/** A registry that wants a token of its own token service, which knows somebody by these words. */
function withTokens(knows: (request: IncomingMessage) => boolean): void {
  const challenge = `Bearer realm="http://${domain}/token",service="registry",scope="repository:shop/web:pull"`;
  answer = (request, response) => {
    if (request.url?.startsWith('/token') === true) {
      json(response, knows(request) ? { token: 'short-lived' } : {}, {}, knows(request) ? 200 : 401);
    } else if (request.headers.authorization === 'Bearer short-lived') json(response, { tags: ['v1', 'v2'] });
    else
      json(
        response,
        { errors: [{ code: 'UNAUTHORIZED', message: 'who are you' }] },
        { 'www-authenticate': challenge },
        401,
      );
  };
}

describe('tags of a repository', () => {
  it('are read page by page', async () => {
    answer = (request, response) => {
      if (request.url === '/v2/') json(response, {});
      else if (request.url?.includes('last=b') === true) json(response, { tags: ['c'] });
      else json(response, { tags: ['a', 'b'] }, { link: '</v2/shop/web/tags/list?n=2&last=b>; rel="next"' });
    };
    expect(await tags()).toEqual(['a', 'b', 'c']);
    expect(asked.slice(-2)).toEqual(['GET /v2/shop/web/tags/list?n=1000 -', 'GET /v2/shop/web/tags/list?n=2&last=b -']);
  });

  it('are given for a token that the login was exchanged for', async () => {
    await login({ auth: Buffer.from('anna:pass:word').toString('base64') });
    withTokens(({ headers }) => headers.authorization === basic('anna', 'pass:word'));
    expect(await tags()).toEqual(['v1', 'v2']);
    expect(asked).toContain(
      `GET /token?service=registry&scope=repository%3Ashop%2Fweb%3Apull ${basic('anna', 'pass:word')}`,
    );
  });

  it('are given for a token that stands in the place of a password', async () => {
    await login({ identitytoken: 'long-lived' });
    withTokens(({ method }) => method === 'POST');
    expect(await tags()).toEqual(['v1', 'v2']);
    expect(asked).toContain('POST /token -');
  });

  it('are given for what a credential helper knows', async () => {
    const helper = join(config, 'docker-credential-test');
    await writeFile(
      helper,
      `#!/bin/sh\nread -r server\n[ "$server" = ${domain} ] && echo '{"Username":"anna","Secret":"of-helper"}'\n`,
    );
    await chmod(helper, 0o755);
    vi.stubEnv('PATH', `${config}${delimiter}${process.env['PATH'] ?? ''}`);
    await writeFile(join(config, 'config.json'), JSON.stringify({ credsStore: 'test' }));
    withTokens(({ headers }) => headers.authorization === basic('anna', 'of-helper'));
    expect(await tags()).toEqual(['v1', 'v2']);
  });

  it('are refused to a stranger, with what to do and without the password', async () => {
    await login({ username: 'anna', password: 'wrong-password' });
    answer = (_, response) => {
      const errors = [{ code: 'UNAUTHORIZED', message: 'wrong-password is not it' }];
      json(response, { errors }, { 'www-authenticate': 'Basic realm="x"' }, 401);
    };
    const error = await tags().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'registry-refused',
      next: expect.stringContaining(`docker login ${domain}`) as string,
    });
    expect(String(error)).not.toContain('wrong-password');
  });

  it.each([
    ['an unknown repository', { errors: [{ code: 'NAME_UNKNOWN', message: 'not known' }] }, 404, 'image-missing'],
    ['a registry that is broken', {}, 503, 'registry-unreachable'],
    ['a page to log in at', '<html>', 200, 'registry-unreachable'],
  ])('%s is said to be that', async (_, body, status, code) => {
    answer = (request, response) => {
      json(response, body, {}, request.url === '/v2/' ? 200 : status);
    };
    await expect(tags()).rejects.toMatchObject({ code });
  });

  it('are asked for where the registry sends who asks, without the login for another host', async () => {
    await login({ username: 'anna', password: 'a-password' });
    answer = (request, response) => {
      if (request.url === '/v2/') json(response, {});
      else if (request.url?.startsWith('/v2/') === true && request.headers.authorization === undefined)
        json(response, {}, { 'www-authenticate': 'Basic realm="x"' }, 401);
      else if (request.url?.startsWith('/v2/') === true)
        json(response, {}, { location: `http://localhost:${domain.slice(10)}/elsewhere` }, 307);
      else json(response, { tags: ['v1'] });
    };
    expect(await tags()).toEqual(['v1']);
    expect(asked.at(-1)).toBe('GET /elsewhere -');
  });

  it('are not waited for when nobody wants them any more', async () => {
    answer = () => undefined;
    const stop = new AbortController();
    const all = new DockerRegistry(engine, config).tags(`${domain}/shop/web:v1`, stop.signal);
    await vi.waitFor(() => {
      expect(asked).toHaveLength(1);
    });
    stop.abort();
    await expect(all).rejects.toMatchObject({ code: 'registry-unreachable' });
  });

  it('cannot be had of nobody', async () => {
    const port = await new Promise<number>((resolve) => {
      const closed = createServer().listen(0, '127.0.0.1', () => {
        const at = (closed.address() as AddressInfo).port;
        closed.close(() => {
          resolve(at);
        });
      });
    });
    answer = () => undefined;
    await expect(
      new DockerRegistry(engine, config).tags(`127.0.0.1:${String(port)}/web:v1`, NEVER),
    ).rejects.toMatchObject({
      code: 'registry-unreachable',
      exit: 7,
    });
  });
});
