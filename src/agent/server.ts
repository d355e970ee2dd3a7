import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { lstat, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { SOCKET_NAME, socketPath } from '../adapters/agent-socket/socket.ts';
import { events } from '../app/events.ts';
import type { AboutAgent, Ports } from '../app/ports.ts';
import { status } from '../app/status.ts';
import { jsonOf } from '../adapters/http/json.ts';
import { DeployError } from '../core/errors.ts';
import type { Metrics } from './metrics.ts';
import { answerOf, VERBS } from './verbs.ts';

/** What can be asked of an agent. Answers are JSON; `/events` is a stream of server-sent events, `/metrics` is Prometheus' text. */
export function routes(ports: Ports, about: () => AboutAgent, metrics: Metrics, orders = new Orders()): Hono {
  const app = new Hono();
  app.get('/healthz', (asked) => asked.json({ status: 'ok', ...about() }));
  app.get('/readyz', async (asked) => {
    await Promise.all([ports.engine.ping(), ports.store.rollouts()]);
    return asked.json({ status: 'ready', ...about() });
  });
  app.get('/status', async (asked) => asked.json(await status(ports, { version: null })));
  app.get('/events', (asked) => {
    const follow = asked.req.query('follow') !== undefined;
    const rollout = asked.req.query('rollout') ?? null;
    return streamSSE(asked, async (stream) => {
      const ended = new AbortController();
      stream.onAbort(() => {
        ended.abort();
      });
      for await (const view of events(ports, { rollout, since: null, follow }, ended.signal))
        await stream.writeSSE({ event: view.kind, data: JSON.stringify(view) });
    });
  });
  app.get('/metrics', async (asked) => {
    const { registry } = metrics;
    return asked.text(await registry.metrics(), 200, { 'content-type': registry.contentType });
  });
  app.post('/:verb', async (asked) => {
    const verb = VERBS.get(asked.req.param('verb'));
    if (verb === undefined) return asked.notFound();
    const text = await asked.req.text();
    const body = text === '' ? {} : jsonOf(text);
    if (body === undefined) throw new DeployError('invalid-usage', { what: 'the body is not JSON' });
    // Who asked may go away: the rollout goes on.
    const outcome = await orders.add(verb(ports, body, new AbortController().signal));
    return asked.json(outcome, outcome.state === 'pending' ? 202 : 200);
  });
  app.notFound((asked) => asked.json({ code: 'unknown', message: `there is no ${asked.req.path} here` }, 404));
  app.onError((error, asked) => {
    const { status, body } = answerOf(error);
    return asked.json(body, status);
  });
  return app;
}

/** Orders under way: an agent that has to go leaves them between two steps, and waits until they have come there. */
export class Orders {
  readonly #running = new Set<Promise<unknown>>();

  async add<T>(order: Promise<T>): Promise<T> {
    this.#running.add(order);
    return order.finally(() => this.#running.delete(order));
  }

  async ended(): Promise<void> {
    await Promise.allSettled(this.#running);
  }
}

/** The agent's ear: a unix socket in the state folder, for its owner alone. */
export class SocketServer {
  readonly #path: string;
  readonly #app: Hono;
  #server: Server | null = null;

  constructor(stateDirectory: string, app: Hono) {
    this.#path = join(stateDirectory, SOCKET_NAME);
    this.#app = app;
  }

  /**
   * Listens, unless it does so already: who removes the state folder removes the socket with it.
   * @throws locked if another agent does
   */
  async listen(): Promise<void> {
    if (this.#server !== null && (await isThere(this.#path))) return;
    await this.close();
    const { path, close } = await socketPath(this.#path);
    try {
      if (await answers(path))
        throw new DeployError('locked', {
          what: 'another agent runs for this project already',
          next: 'stop one of them: docker ps --filter label=deploy-bg.agent',
        });
      await rm(path, { force: true });
      this.#server = await listening(this.#app, path);
    } finally {
      await close();
    }
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Nobody else may connect, not even for a moment. */
async function listening(app: Hono, path: string): Promise<Server> {
  const server = createAdaptorServer({ fetch: app.fetch, createServer }) as Server;
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(path, resolve);
    });
  } finally {
    process.umask(before);
  }
  // A connection that fails before it is accepted is its caller's matter.
  server.on('error', () => undefined);
  return server;
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** One that was killed leaves a socket that refuses. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (answered: boolean) => (): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', end(true)).once('error', end(false));
  });
}
