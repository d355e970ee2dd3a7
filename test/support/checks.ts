import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CheckContext } from '../../src/app/check-ports.ts';
import type { FrozenRelease } from '../../src/app/ports.ts';
import type { Bounds, CheckSpec } from '../../src/core/checks.ts';
import type { ObservedContainer } from '../../src/core/observed.ts';
import { release } from './specs.ts';

/** An inline HTTP check with every default. */
export function check(over: Partial<CheckSpec> = {}): CheckSpec {
  return {
    name: 'smoke',
    provider: { kind: 'http', url: 'http://x/', method: 'GET', headers: {}, body: null, json: null },
    intervalMs: null,
    initialDelayMs: 0,
    count: null,
    timeoutMs: 10_000,
    pass: null,
    fail: null,
    failureLimit: 0,
    inconclusiveLimit: 0,
    errorLimit: 4,
    noData: 'error',
    dryRun: false,
    ...over,
  };
}

export function bounds(over: Partial<Bounds>): Bounds {
  return { min: null, max: null, equals: null, ...over };
}

/** A running replica `web-1` of a candidate. */
export function replica(over: Partial<ObservedContainer> = {}): ObservedContainer {
  const given: Partial<ObservedContainer> = { id: 'id-1', name: 'web-1', state: 'running', addresses: {}, ...over };
  return given as ObservedContainer;
}

export function frozen(): FrozenRelease {
  return {
    release: release('v2', []),
    color: 'green',
    rollout: 'r1',
    store: 's1',
    folder: '/store/r1',
    projectDirectory: '/srv/shop',
    shared: [],
  };
}

export function context(over: Partial<CheckContext> = {}): CheckContext {
  return { service: 'web', containers: [replica()], frozen: frozen(), since: 0, environment: {}, ...over };
}

/** What came in, with its body. */
export interface Received {
  readonly request: IncomingMessage;
  readonly body: string;
}

/** A server on a port of its own that hands every whole request to a function. */
export async function listen(
  answer: (received: Received, response: ServerResponse) => void,
): Promise<{ readonly url: string; readonly close: () => void }> {
  const server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      answer({ request, body }, response);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
