import { createHash } from 'node:crypto';
import { get, type IncomingMessage, type ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Health } from './health.ts';
import type { InFlight } from './inflight.ts';
import type { Settings } from './settings.ts';

/** What the endpoints need to answer. */
export interface App {
  readonly settings: Settings;
  readonly health: Health;
  readonly inFlight: InFlight;
  readonly websockets: () => number;
  readonly draining: AbortSignal;
}

interface Call {
  readonly app: App;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly id: string;
}

type Endpoint = (call: Call) => void | Promise<void>;

const UPSTREAM_MS = 5000;
const UPSTREAM_BYTES = 65_536;

function json(call: Call, status: number, body: object): void {
  const text = JSON.stringify(body);
  call.response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  call.response.end(text);
}

function whoAmI({ app, id }: Call): { version: string; color: string; hostname: string; id: string } {
  return { version: app.settings.version, color: app.settings.color, hostname: hostname(), id };
}

function number(call: Call, name: string, fallback: number): number {
  const value = Number(call.query.get(name) ?? fallback);
  return Number.isFinite(value) && value >= 0 ? value : fallback;
}

/** Calls `action` after `ms`, unless the client has gone by then. */
function later(call: Call, ms: number, action: () => void): void {
  const timer = setTimeout(action, ms);
  call.response.once('close', () => {
    clearTimeout(timer);
  });
}

function health(call: Call): void {
  const healthy = call.app.health.isHealthy();
  json(call, healthy ? 200 : 503, { healthy, version: call.app.settings.version });
}

function inFlight(call: Call): void {
  const { count, finished, cut } = call.app.inFlight;
  json(call, 200, { inFlight: count, websockets: call.app.websockets(), finished, cut });
}

async function echo(call: Call): Promise<void> {
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of call.request as AsyncIterable<Buffer>) {
    hash.update(chunk);
    length += chunk.length;
  }
  json(call, 200, { ...whoAmI(call), sha256: hash.digest('hex'), length });
}

function slow(call: Call): void {
  const ms = number(call, 'ms', 3000);
  later(call, ms, () => {
    json(call, 200, { ...whoAmI(call), ms });
  });
}

/** Calls `tick` every `every` ms for `ms`, then `end`; stops when the client goes. */
function repeat(call: Call, every: number, ms: number, tick: (n: number) => void, end: () => void): void {
  let n = 0;
  const interval = setInterval(
    () => {
      tick((n += 1));
    },
    Math.max(every, 1),
  );
  const stop = (): void => {
    clearInterval(interval);
  };
  call.response.once('close', stop);
  if (ms === Infinity) return;
  later(call, ms, () => {
    stop();
    end();
  });
}

function stream(call: Call): void {
  const { version, color, id } = whoAmI(call);
  call.response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
  call.response.write(`version=${version} color=${color} id=${id}\n`);
  const tick = (n: number): void => void call.response.write(`tick ${n}\n`);
  repeat(call, number(call, 'every', 200), number(call, 'ms', 8000), tick, () => call.response.end('end\n'));
}

/** Without `ms` the events go on until the client leaves or the application drains, as an EventSource expects. */
function serverSentEvents(call: Call): void {
  call.response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const send = (n: number): void =>
    void call.response.write(`id: ${n}\ndata: ${JSON.stringify({ ...whoAmI(call), n })}\n\n`);
  const end = (): void => void call.response.end();
  send(0);
  repeat(call, number(call, 'every', 200), number(call, 'ms', Infinity), send, end);
  call.app.draining.addEventListener('abort', end, { once: true });
  call.response.once('close', () => {
    call.app.draining.removeEventListener('abort', end);
  });
}

/** The answer's head, to a GET on a connection of its own; rejects when it is not there within UPSTREAM_MS. */
function open(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false, signal: AbortSignal.timeout(UPSTREAM_MS) }, resolve).on('error', reject);
  });
}

/** The JSON at `url`; rejects when it is no JSON, too long, or not there within UPSTREAM_MS. */
async function fetchJson(url: string): Promise<unknown> {
  let text = '';
  for await (const part of await open(url)) {
    text += String(part);
    if (text.length > UPSTREAM_BYTES) throw new Error('the answer is too long');
  }
  return JSON.parse(text);
}

/** Asks another service of the compose network who it is: it shows whose names a color sees. */
async function upstream(call: Call): Promise<void> {
  const service = call.query.get('service') ?? '';
  const port = number(call, 'port', 3000);
  if (!/^[\w.-]+$/.test(service)) {
    json(call, 400, { error: 'service=NAME is missing' });
    return;
  }
  try {
    json(call, 200, { ...whoAmI(call), upstream: await fetchJson(`http://${service}:${port}/`) });
  } catch (error) {
    json(call, 502, { ...whoAmI(call), error: String(error) });
  }
}

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  '/': (call) => {
    json(call, 200, whoAmI(call));
  },
  '/health': health,
  '/inflight': inFlight,
  '/echo': echo,
  '/slow': slow,
  '/stream': stream,
  '/sse': serverSentEvents,
  '/upstream': upstream,
};

/** Not work for a person: these do not count as requests in flight. */
const UNCOUNTED = new Set(['/health', '/inflight']);

/** Answers one request. Every answer says by `x-version` and `x-color` whose it is. */
export async function answer(app: App, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const call: Call = {
    app,
    request,
    response,
    query: url.searchParams,
    id: String(request.headers['x-request-id'] ?? ''),
  };
  if (!UNCOUNTED.has(url.pathname)) app.inFlight.follow(response);
  response.setHeader('x-version', app.settings.version);
  response.setHeader('x-color', app.settings.color);
  if (app.draining.aborted) response.setHeader('connection', 'close');
  const endpoint = ENDPOINTS[url.pathname];
  if (!endpoint) {
    json(call, 404, { error: `nothing at ${url.pathname}` });
    return;
  }
  if (app.settings.answersAfter > 0 && !UNCOUNTED.has(url.pathname)) await delay(app.settings.answersAfter);
  await endpoint(call);
}
