import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProber } from '../../src/adapters/probe/prober.ts';
import type { ObservedContainer } from '../../src/core/observed.ts';
import type { ProbeSpec } from '../../src/core/project.ts';
import { clock } from '../support/proxy-rig.ts';

let server: Server;
let port: number;
const prober = createProber({ clock, preferred: () => Promise.resolve(['front']) });

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/late') setTimeout(() => response.end(), 1000);
    else if (request.url === '/cut') request.socket.destroy();
    else if (request.url === '/page') response.writeHead(500, { 'content-type': 'text/html' }).end('<p>no sentence');
    else if (request.url === '/long') response.writeHead(500).end('a\u001b[31m\n'.repeat(1000));
    else response.writeHead(Number(request.url?.slice(1))).end('no\n  database');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function spec(path: string, more: Partial<ProbeSpec> = {}): ProbeSpec {
  return { path, port, intervalMs: 250, timeoutMs: 300, status: [200, 399], ...more };
}

function at(addresses: Record<string, string>): ObservedContainer {
  return { addresses } as Partial<ObservedContainer> as ObservedContainer;
}

const here = at({ front: '127.0.0.1' });

describe('a probe', () => {
  test.each([
    ['/200', true, /^200 in \d+ ms$/],
    ['/302', true, /^302 in/],
    ['/404', false, /^404, wanted 200 to 399 \(“no database”\)$/],
    ['/page', false, /^500, wanted 200 to 399$/],
    ['/long', false, /^500, wanted 200 to 399 \(“(a \[31m )+a?”\)$/],
    ['/late', false, /^no answer within 300 ms$/],
    ['/cut', false, /^connection closed without an answer$/],
  ])('of %s is %s', async (path, ok, detail) => {
    const reading = await prober.probe(here, spec(path));
    expect(reading.ok).toBe(ok);
    expect(reading.detail).toMatch(detail);
    expect(Math.abs(reading.at - Date.now())).toBeLessThan(1000);
  });

  test('honours the range of statuses', async () => {
    expect((await prober.probe(here, spec('/404', { status: [404, 404] }))).ok).toBe(true);
  });

  test('says that nobody listens', async () => {
    expect(await prober.probe(here, spec('/200', { port: 1 }))).toMatchObject({
      ok: false,
      detail: 'connection refused',
    });
  });

  test('takes any address that answers, and tells of the preferred one if none does', async () => {
    const container = at({ back: '127.0.0.1', front: '127.0.0.9' });
    expect((await prober.probe(container, spec('/200'))).ok).toBe(true);
    expect((await prober.probe(container, spec('/404'))).detail).toBe('connection refused');
  });

  test('a container without an address is not ready', async () => {
    expect((await prober.probe(at({}), spec('/200'))).detail).toBe('the container has no address');
  });
});
