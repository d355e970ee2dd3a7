import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createSecureServer, constants, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import {
  connect,
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { answer, type App } from '../../demo/app/endpoints.ts';
import { Faults } from '../../demo/app/faults.ts';
import { Health } from '../../demo/app/health.ts';
import { InFlight } from '../../demo/app/inflight.ts';
import { Metrics } from '../../demo/app/metrics.ts';
import { readSettings } from '../../demo/app/settings.ts';
import {
  epochNow,
  startLoad,
  summary,
  type Kind,
  type Load,
  type LoadOptions,
  type LoadReport,
} from '../../demo/load/load.ts';
import { startRelay } from '../../demo/load/relay.ts';

// Of no use to anybody: self-signed for localhost, made for this test.
const TLS = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4nTfD9E3N8QckrL2
m8ksx75pzLGwv9kAj5SHtsrjFa6hRANCAATLzQVtt/ADT3GtSxH/AH5u1nPVK7ox
kJWcUjB1WZLykxsKIwwlolCUNGjxjVjPRioryUUErnmjLBme0vw97y64
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBfzCCASWgAwIBAgIUXi16w7+XuX8hJ93FfSFjuuOXRVcwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTEwNTcwMFoYDzIxMjYxMDI4
MTA1NzAwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATLzQVtt/ADT3GtSxH/AH5u1nPVK7oxkJWcUjB1WZLykxsKIwwlolCU
NGjxjVjPRioryUUErnmjLBme0vw97y64o1MwUTAdBgNVHQ4EFgQUF7OW+H6eg4sO
8Rv1+aBvEsuRDbowHwYDVR0jBBgwFoAUF7OW+H6eg4sO8Rv1+aBvEsuRDbowDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiB43kRlbEWmdGY8dRf+oYEF
koeO0JP0+uGDsAB+25C5pQIhAPE9BmOgNnMpQDcNIIgQC8W+Q20EVs5GVfJZ6Ylm
ETpO
-----END CERTIFICATE-----`,
};

const WAIT_MS = 20_000;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The demo application's own answers, as the version given. */
function app(version: string, behaviour: Readonly<Record<string, string>> = {}): App {
  const settings = readSettings({ APP_VERSION: version, ...behaviour });
  return {
    settings,
    health: new Health(settings),
    inFlight: new InFlight(),
    metrics: new Metrics(settings.version),
    faults: new Faults(settings.failPercent),
    websockets: () => 0,
    draining: new AbortController().signal,
  };
}

function right(version = 'v1', behaviour: Readonly<Record<string, string>> = {}): RequestListener {
  const answering = app(version, behaviour);
  return (request, response) => void answer(answering, request, response);
}

function listen(server: TcpServer): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  cleanups.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      resolve((server.address() as AddressInfo).port);
    }),
  );
}

async function serving(listener: RequestListener): Promise<{ url: string; port: number; server: Server }> {
  const server = createServer(listener);
  const port = await listen(server);
  return { url: `http://127.0.0.1:${port}`, port, server };
}

/** A load that the test need not stop. */
function load(options: LoadOptions): Load {
  const started = startLoad({ timeoutMs: 2000, stopMs: 2000, ...options });
  cleanups.push(() => started.stop());
  return started;
}

/** One worker of one kind, quick. */
function only(kind: Kind, path: string, everyMs = 10): NonNullable<LoadOptions['kinds']> {
  return { [kind]: { concurrency: 1, everyMs, path } };
}

async function firstFailure(running: Load): Promise<LoadReport> {
  await running.waitFor((report) => report.failed > 0, WAIT_MS, 'a failure');
  return running.stop();
}

/** Answers rightly but for the request whose number is `bad`, counted from 1. */
function spoiled(bad: number, fault: (request: IncomingMessage, response: ServerResponse) => void): RequestListener {
  const good = right();
  let n = 0;
  return (request, response) => {
    n += 1;
    if (n === bad) fault(request, response);
    else good(request, response);
  };
}

describe('counts', () => {
  it('every request that the server saw, once, by kind and by version', async () => {
    const seen = new Map<string, number>();
    const good = right();
    const { url, server } = await serving((request, response) => {
      const id = String(request.headers['x-request-id']);
      seen.set(id, (seen.get(id) ?? 0) + 1);
      good(request, response);
    });
    withWebsocket(server, (socket) =>
      socket.on('message', (data) => {
        echo(socket, data, 'v1');
      }),
    );
    const running = load({
      url,
      kinds: {
        kept: { concurrency: 3, everyMs: 5 },
        fresh: { concurrency: 2, everyMs: 5 },
        post: { concurrency: 2, everyMs: 5 },
        slow: { concurrency: 2, everyMs: 5, path: '/slow?ms=50' },
        stream: { concurrency: 2, everyMs: 5, path: '/stream?ms=60&every=10' },
        websocket: { concurrency: 2, everyMs: 5 },
      },
    });
    await running.waitFor((report) => report.requests >= 300, WAIT_MS, '300 requests');
    const report = await running.stop();
    const overHttp = report.results().filter(({ kind }) => kind !== 'websocket');
    expect(report.failures).toEqual([]);
    expect(overHttp.map(({ id }) => id).sort()).toEqual([...seen.keys()].sort());
    expect([...new Set(seen.values())]).toEqual([1]);
    expect(Object.values(report.byKind).reduce((sum, { ok }) => sum + ok, 0)).toBe(report.requests);
    expect(report.byVersion).toEqual({ v1: report.requests });
    expect(report).toMatchObject({ failed: 0, retried: 0, inFlight: 0, ok: report.requests });
    expect(Object.keys(report.byKind).sort()).toEqual(['fresh', 'kept', 'post', 'slow', 'stream', 'websocket']);
  });

  it('one connection a worker for kept, one a request for fresh', async () => {
    const { url, server } = await serving(right());
    let connections = 0;
    server.on('connection', () => (connections += 1));
    const kept = load({ url, kinds: { kept: { concurrency: 2, everyMs: 5 } } });
    await kept.waitFor((report) => report.requests >= 20, WAIT_MS, '20 requests');
    await kept.stop();
    expect(connections).toBe(2);
    connections = 0;
    const fresh = load({ url, kinds: only('fresh', '/') });
    await fresh.waitFor((report) => report.requests >= 20, WAIT_MS, '20 requests');
    const report = await fresh.stop();
    expect(connections).toBe(report.requests);
    expect(report.results().every(({ connectedAt, startedAt }) => (connectedAt ?? 0) >= startedAt)).toBe(true);
  });

  it('who answers after a moment, and not who was asked before it', async () => {
    let listener = right('v1');
    const { url } = await serving((request, response) => {
      listener(request, response);
    });
    const running = load({
      url,
      kinds: { kept: { concurrency: 2, everyMs: 5 }, slow: { concurrency: 1, path: '/slow?ms=300' } },
    });
    await running.waitFor((report) => report.inFlight > 0 && report.requests > 10, WAIT_MS, 'v1 to answer');
    const before = epochNow();
    await running.waitFor(
      (report) => report.newRequestsAnsweredBy('v1', { startedAfter: before }).length > 5,
      WAIT_MS,
      'v1',
    );
    listener = right('v2');
    const startedAfter = epochNow();
    await running.waitFor((report) => (report.byKind.slow?.ok ?? 0) >= 2, WAIT_MS, 'slow answers of both');
    const report = await running.stop();
    expect(report.newRequestsAnsweredBy('v1', { startedAfter })).toEqual([]);
    // One that was under way at that moment may meet either.
    const fromBefore = report.results().filter((r) => r.version === 'v2' && r.startedAt <= startedAfter);
    expect(report.newRequestsAnsweredBy('v2', { startedAfter }).length + fromBefore.length).toBe(
      report.byVersion['v2'],
    );
    expect(fromBefore.length).toBeLessThanOrEqual(3);
    expect(summary(report)).toMatch(/^\d+ requests, 0 failed \(v1 \d+, v2 \d+\)$/);
  });

  it('says in JSON all but the single results', async () => {
    const { url } = await serving(right());
    const report = await load({ url, kinds: only('kept', '/') }).waitFor(({ ok }) => ok > 0, WAIT_MS, 'an answer');
    const parsed = JSON.parse(JSON.stringify(report)) as Record<string, unknown>;
    expect(parsed).toMatchObject({ requests: report.requests, failures: [], byVersion: { v1: report.ok } });
    expect(parsed).not.toHaveProperty('results');
  });
});

describe('the demo application', () => {
  it('fails the share of requests that it is told to, and says so in its metrics and to the load alike', async () => {
    const { url } = await serving(right('v2', { APP_FAIL_PERCENT: '20' }));
    const running = load({ url, kinds: { kept: 2, post: 2 } });
    await running.waitFor((report) => report.requests >= 50, WAIT_MS, '50 answers');
    const { ok, failed, failures } = await running.stop();
    expect(failed).toBe(Math.floor((ok + failed) / 5));
    expect(failures.map(({ status, version }) => `${String(status)} ${version}`)).toEqual(failures.map(() => '500 v2'));
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain(`app_requests_total{version="v2",status="200"} ${ok}\n`);
    expect(metrics).toContain(`app_requests_total{version="v2",status="500"} ${failed}\n`);
  });
});

describe('no failure', () => {
  it.each([
    ['closes idle connections at once', { keepAliveTimeout: 1 }],
    ['ends each connection after two requests', { maxRequestsPerSocket: 2 }],
  ])('when a server %s', async (_what, settings) => {
    const { url, server } = await serving(right());
    Object.assign(server, settings);
    const running = load({
      url,
      kinds: { kept: { concurrency: 3, everyMs: 20 }, post: { concurrency: 1, everyMs: 20 } },
    });
    await running.waitFor((report) => report.requests >= 60, WAIT_MS, '60 requests');
    expect((await running.stop()).failures).toEqual([]);
  });

  it('when the client has closed what was idle before the server does', async () => {
    const { url, server } = await serving(right());
    const ended: number[] = [];
    server.on('connection', (socket) => socket.once('end', () => ended.push(epochNow())));
    const running = load({ url, idleMs: 50, kinds: only('kept', '/', 200) });
    await running.waitFor((report) => report.requests >= 3 && ended.length >= 2, WAIT_MS, 'three connections');
    expect((await running.stop()).failures).toEqual([]);
  });
});

describe('each of these is one failure', () => {
  const faults: [
    string,
    Kind,
    string,
    (request: IncomingMessage, response: ServerResponse) => void,
    RegExp,
    boolean,
  ][] = [
    [
      'a 502',
      'kept',
      '/',
      (_, response) => response.writeHead(502).end('bad gateway'),
      /status 502: "bad gateway"/,
      true,
    ],
    ['a redirect', 'fresh', '/', (_, response) => response.writeHead(302, { location: '/' }).end(), /status 302/, true],
    ['an answer that is no JSON', 'kept', '/', (_, response) => response.end('<html>'), /no JSON/, true],
    [
      'the answer to another request',
      'kept',
      '/',
      (_, response) => response.end('{"id":"kept-999"}'),
      /wrong id/,
      true,
    ],
    ['a reset', 'kept', '/', (request) => request.socket.resetAndDestroy(), /ECONNRESET/, false],
    ['a close without an answer', 'kept', '/', (request) => request.socket.end(), /other side closed/, false],
    ['a reset of a POST', 'post', '/echo', (request) => request.socket.resetAndDestroy(), /ECONNRESET|EPIPE/, false],
    [
      'a body that arrived changed',
      'post',
      '/echo',
      (request, response) =>
        response.end(JSON.stringify({ id: request.headers['x-request-id'], sha256: '0', length: 1 })),
      /wrong sha256, length/,
      true,
    ],
    [
      'a body shorter than it was said to be',
      'kept',
      '/',
      (request, response) => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('{"id":', () => request.socket.end());
      },
      /other side closed|terminated/,
      false,
    ],
    [
      'a stream that is cut',
      'stream',
      '/stream?ms=50&every=10',
      (request, response) => {
        response.write(`version=v1 id=${String(request.headers['x-request-id'])}\n`);
        response.write('tick 1\n', () => request.socket.destroy());
      },
      /other side closed|terminated/,
      false,
    ],
    [
      'a stream that stops in order but before its end',
      'stream',
      '/stream?ms=50&every=10',
      (request, response) => {
        response.write(`version=v1 id=${String(request.headers['x-request-id'])}\n`);
        response.end('tick 1\n');
      },
      /without its end/,
      true,
    ],
    ['no answer in time', 'kept', '/', () => undefined, /Headers Timeout/i, false],
  ];

  it.each(faults)('%s', async (_what, kind, path, fault, error, complete) => {
    const { url } = await serving(spoiled(3, fault));
    const report = await firstFailure(load({ url, timeoutMs: 1000, kinds: only(kind, path) }));
    expect(report.failed).toBe(1);
    expect(report.failures[0]).toMatchObject({ kind, id: `${kind}-3`, outcome: 'failed', complete, retried: false });
    expect(report.failures[0]?.error).toMatch(error);
    expect(report.byKind[kind]).toMatchObject({ ok: report.requests - 1, failed: 1 });
  });

  it('a refused connection, at the pace of a good one', async () => {
    const { url, server, port } = await serving(right());
    await new Promise((resolve) => server.close(resolve));
    const started = epochNow();
    const running = load({ url, kinds: only('fresh', '/', 50) });
    await running.waitFor((report) => report.failed >= 4, WAIT_MS, 'four failures');
    const report = await running.stop();
    expect(report.ok).toBe(0);
    expect(report.failed).toBeLessThanOrEqual((epochNow() - started) / 50 + 1);
    expect(report.failures[0]?.error).toContain(`ECONNREFUSED 127.0.0.1:${port}`);
  });

  it('what is still in flight when the wait for it is over', async () => {
    const { url } = await serving(() => undefined);
    const running = load({ url, stopMs: 100, kinds: only('slow', '/slow') });
    await running.waitFor((report) => report.inFlight === 1, WAIT_MS, 'a request in flight');
    const report = await running.stop();
    expect(report).toMatchObject({ requests: 1, failed: 1, inFlight: 0 });
    expect(report.failures[0]?.error).toBe('not ended 100 ms after the load was stopped');
  });
});

function withWebsocket(server: Server, onConnection: (socket: WebSocket) => void): void {
  const sockets = new WebSocketServer({ server, path: '/ws' });
  sockets.on('connection', onConnection);
}

function echo(socket: WebSocket, data: unknown, version: string): void {
  socket.send(JSON.stringify({ version, echo: String(data) }));
}

describe('a websocket', () => {
  /** Echoes as v1, v2, … for each connection, and does `third` instead at the third message of the first. */
  async function third(
    fault: (socket: WebSocket, data: unknown) => void,
    timeoutMs = WAIT_MS,
  ): Promise<{ running: Load; connections: () => number }> {
    const { url, server } = await serving(right());
    let connections = 0;
    withWebsocket(server, (socket) => {
      const version = `v${(connections += 1)}`;
      let messages = 0;
      socket.on('message', (data) => {
        messages += 1;
        if (version === 'v1' && messages === 3) fault(socket, data);
        else echo(socket, data, version);
      });
    });
    return { running: load({ url, timeoutMs, kinds: only('websocket', '/ws') }), connections: () => connections };
  }

  it.each([
    [
      'is cut',
      (socket: WebSocket) => {
        socket.terminate();
      },
      /cut without a close frame/,
    ],
    [
      'is closed for an error',
      (socket: WebSocket) => {
        socket.close(1011);
      },
      /closed with code 1011/,
    ],
    [
      'answers what was not asked',
      (socket: WebSocket) => {
        echo(socket, 'other', 'v1');
      },
      /echo is another one's: other/,
    ],
    ['does not answer', () => undefined, /no answer within 300 ms/],
  ])('that %s is one failure, and goes on with a new connection', async (_what, fault, error) => {
    const { running } = await third(fault, 300);
    await running.waitFor((report) => report.requests >= 10, WAIT_MS, '10 messages');
    const report = await running.stop();
    expect(report.failures).toMatchObject([{ kind: 'websocket', id: 'websocket-3' }]);
    expect(report.failures[0]?.error).toMatch(error);
    expect(report.ok).toBe(report.requests - 1);
  });

  it('that is cut between two messages is one failure of its own', async () => {
    const { running } = await third((socket, data) => {
      echo(socket, data, 'v1');
      socket.send('', () => undefined);
      setImmediate(() => {
        socket.terminate();
      });
    });
    await running.waitFor((report) => (report.byVersion['v2'] ?? 0) > 3, WAIT_MS, 'the second connection');
    const report = await running.stop();
    expect(report.failures.map(({ error }) => error)).toContain('the connection was cut without a close frame (1006)');
    expect(report.ok + report.failed).toBe(report.requests);
  });

  it('that is asked to leave comes back, and nothing failed', async () => {
    const { running, connections } = await third((socket, data) => {
      echo(socket, data, 'v1');
      socket.close(1001);
    });
    const report = await running.waitFor(
      ({ byVersion }) => (byVersion['v2'] ?? 0) > 3,
      WAIT_MS,
      'the second connection',
    );
    // The next message may be on its way when the server says so: then it is sent again, as the next test has it.
    expect(report).toMatchObject({ failed: 0, byVersion: { v1: 3 } });
    expect(report.retried).toBeLessThanOrEqual(1);
    expect(connections()).toBe(2);
  });

  it('that is asked to leave before it was answered sends its message again, counted apart', async () => {
    const { running } = await third((socket) => {
      socket.close(1001);
    });
    const report = await running.waitFor(
      ({ byVersion }) => (byVersion['v2'] ?? 0) > 3,
      WAIT_MS,
      'the second connection',
    );
    expect(report).toMatchObject({ failed: 0, retried: 1, byVersion: { v1: 2 } });
  });

  it('that was open before the switch is no new request', async () => {
    const { running } = await third(() => undefined);
    await running.waitFor(({ ok }) => ok >= 1, WAIT_MS, 'the first message');
    const startedAfter = epochNow();
    const report = await running.waitFor(({ ok }) => ok >= 2, WAIT_MS, 'the second message');
    expect(report.newRequestsAnsweredBy('v1', { startedAfter })).toEqual([]);
    expect(report.newRequestsAnsweredBy('v1', { startedAfter: 0 })).toHaveLength(report.ok);
  });
});

describe('TLS', () => {
  it('takes a self-signed certificate, and sends the host that it was told', async () => {
    const hosts = new Set<string | undefined>();
    const good = right();
    const server = createTlsServer(TLS, (request, response) => {
      hosts.add(request.headers.host);
      good(request, response);
    });
    withWebsocket(server, (socket) =>
      socket.on('message', (data) => {
        echo(socket, data, 'v1');
      }),
    );
    const port = await listen(server);
    const kinds = { kept: 1, fresh: 1, post: 1, stream: { concurrency: 1, path: '/stream?ms=20' }, websocket: 1 };
    const running = load({ url: `https://127.0.0.1:${port}`, host: 'shop.localhost', kinds });
    await running.waitFor((report) => Object.keys(report.byKind).length === 5, WAIT_MS, 'an answer of each kind');
    expect((await running.stop()).failures).toEqual([]);
    expect([...hosts]).toEqual(['shop.localhost']);
  });

  it('is needed for HTTP/2', () => {
    expect(() => startLoad({ url: 'http://127.0.0.1', kinds: { 'kept-h2': 1 } })).toThrow('needs an https URL');
  });
});

describe('HTTP/2', () => {
  /** Answers rightly but for the third stream. */
  async function third(fault: (stream: ServerHttp2Stream) => void): Promise<Load> {
    let n = 0;
    const server = createSecureServer(TLS);
    server.on('stream', (stream, headers) => {
      stream.on('error', () => undefined);
      n += 1;
      if (n === 3) {
        fault(stream);
        return;
      }
      stream.respond({ ':status': 200, 'x-version': 'v1' });
      stream.end(JSON.stringify({ id: headers['x-request-id'] }));
    });
    server.on('sessionError', () => undefined);
    const port = await listen(server);
    return load({ url: `https://127.0.0.1:${port}`, kinds: only('kept-h2', '/') });
  }

  it.each([
    [
      'refused',
      (stream: ServerHttp2Stream) => {
        stream.close(constants.NGHTTP2_REFUSED_STREAM);
      },
    ],
    ['above the last id of GOAWAY', (stream: ServerHttp2Stream) => stream.session?.goaway(0, (stream.id ?? 1) - 2)],
  ])('sends a stream again that was %s, counted apart', async (_what, fault) => {
    const running = await third(fault);
    await running.waitFor((report) => report.requests >= 10, WAIT_MS, '10 requests');
    const report = await running.stop();
    expect(report.failures).toEqual([]);
    expect(report.retried).toBe(1);
    expect(report.results()[2]).toMatchObject({ id: 'kept-h2-3', outcome: 'ok', retried: true });
  });

  it.each([
    ['cut', (stream: ServerHttp2Stream) => stream.session?.destroy(), /./],
    [
      'reset after it was looked at',
      (stream: ServerHttp2Stream) => {
        stream.close(constants.NGHTTP2_CANCEL);
      },
      /code 8|CANCEL/,
    ],
    ['left without an answer', () => undefined, /nothing for 2000 ms/],
    [
      'answered with 503',
      (stream: ServerHttp2Stream) => {
        stream.respond({ ':status': 503 }, { endStream: true });
      },
      /status 503/,
    ],
  ])('counts a stream as failed that was %s', async (_what, fault, error) => {
    const report = await firstFailure(await third(fault));
    expect(report).toMatchObject({ failed: 1, retried: 0, failures: [{ id: 'kept-h2-3' }] });
    expect(report.failures[0]?.error).toMatch(error);
  });

  it('leaves a session in order on GOAWAY', async () => {
    const running = await third((stream) => {
      stream.session?.close();
      stream.respond({ ':status': 200, 'x-version': 'v2' });
      stream.end(JSON.stringify({ id: 'kept-h2-3' }));
    });
    await running.waitFor((report) => report.requests >= 10, WAIT_MS, '10 requests');
    const report = await running.stop();
    expect(report).toMatchObject({ failed: 0, byVersion: { v2: 1 } });
    expect(new Set(report.results().map(({ connectedAt }) => connectedAt)).size).toBe(2);
  });
});

describe('waitFor', () => {
  it('says what it waited for, and how things stood', async () => {
    const { url } = await serving(right());
    const waiting = load({ url, kinds: only('kept', '/') }).waitFor(() => false, 100, 'v9 to answer');
    await expect(waiting).rejects.toThrow(/^not within 100 ms: v9 to answer; \d+ requests, 0 failed \(v1 \d+\)$/);
  });

  it('ends when the load does', async () => {
    const { url } = await serving(right());
    const running = load({ url, kinds: only('kept', '/') });
    const waiting = expect(running.waitFor(() => false, WAIT_MS, 'nothing')).rejects.toThrow('stopped meanwhile');
    await running.stop();
    await waiting;
  });
});

describe('the relay', () => {
  function get(port: number, agent: false): Promise<number> {
    const started = performance.now();
    return new Promise((resolve, reject) => {
      const request = httpRequest({ host: '127.0.0.1', port, agent }, (response) => {
        response.resume().once('end', () => {
          resolve(performance.now() - started);
        });
      });
      request.once('error', reject).end();
    });
  }

  async function relayTo(port: number, roundTripMs: number): Promise<number> {
    const relay = await startRelay({ target: { port }, roundTripMs });
    cleanups.push(() => relay.close());
    return relay.port;
  }

  it('adds the round trip', async () => {
    const { port } = await serving(right());
    const took = await get(await relayTo(port, 60), false);
    const tookMore = await get(await relayTo(port, 600), false);
    expect(took).toBeGreaterThanOrEqual(59);
    expect(tookMore).toBeGreaterThanOrEqual(599);
    // Once, not with every packet: another one would be 600 ms more.
    expect(tookMore).toBeLessThan(1200);
  });

  it('keeps the order, and passes on that one side has ended while the other still talks', async () => {
    const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
      let text = '';
      socket.on('data', (part) => (text += part.toString()));
      socket.on('end', () => socket.end(`got ${text}`));
    });
    const socket = connect({ host: '127.0.0.1', port: await relayTo(await listen(server), 20), allowHalfOpen: true });
    let text = '';
    socket.on('data', (part) => (text += part.toString()));
    for (let n = 0; n < 50; n += 1) socket.write(`${n},`);
    socket.end();
    await new Promise((resolve) => socket.once('end', resolve));
    expect(text).toBe(`got ${Array.from({ length: 50 }, (_, n) => `${n},`).join('')}`);
  });

  it('passes on a reset', async () => {
    const port = await listen(createTcpServer((socket) => socket.once('data', () => socket.resetAndDestroy())));
    await expect(get(await relayTo(port, 20), false)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('carries more than fits into buffers', async () => {
    const bytes = 20_000_000;
    const port = await listen(createTcpServer((socket) => socket.end(Buffer.alloc(bytes, 'x'))));
    const socket = connect({ host: '127.0.0.1', port: await relayTo(port, 4) });
    let received = 0;
    socket.on('data', (part) => (received += part.length));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(received).toBe(bytes);
  });
});
