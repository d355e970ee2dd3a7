import { Hono, type MiddlewareHandler } from 'hono';
import { streamSSE } from 'hono/streaming';
import { jsonOf } from '../adapters/http/json.ts';
import { events } from '../app/events.ts';
import type { AboutAgent, Ports } from '../app/ports.ts';
import { status } from '../app/status.ts';
import { DeployError } from '../core/errors.ts';
import { answerOf } from './answers.ts';
import type { AgentLog } from './log.ts';
import type { Metrics } from './metrics.ts';
import { openapi } from './openapi.ts';
import { loggedRequests } from './requests.ts';
import { VERBS } from './verbs.ts';

/** What an agent answers with. */
export interface Answering {
  readonly ports: Ports;
  readonly about: () => AboutAgent;
  readonly metrics: Metrics;
  readonly orders: Orders;
  readonly log: AgentLog;
}

/**
 * What can be asked of an agent. Answers are JSON; `/events` is a stream of server-sent events, `/metrics` is Prometheus' text.
 * @param guard refuses those who may not ask; none where who can ask may
 */
export function routes({ ports, about, metrics, orders, log }: Answering, guard?: MiddlewareHandler): Hono {
  const app = new Hono();
  app.use(loggedRequests(log, ports.clock));
  if (guard !== undefined) app.use(guard);
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
      try {
        for await (const view of events(ports, { rollout, since: null, follow }, ended.signal))
          await stream.writeSSE({ event: view.kind, data: JSON.stringify(view) });
      } catch (error) {
        // The line of the request was written when the stream began.
        const { status: would, body } = answerOf(error);
        if (would >= 500) log.failed(error);
        await stream.writeSSE({ event: 'error', data: JSON.stringify(body) });
      }
    });
  });
  app.get('/metrics', async (asked) => {
    const { registry } = metrics;
    return asked.text(await registry.metrics(), 200, { 'content-type': registry.contentType });
  });
  app.get('/openapi.json', (asked) => asked.json(openapi()));
  app.post('/:verb', async (asked) => {
    const verb = VERBS.get(asked.req.param('verb'));
    if (verb === undefined) return asked.notFound();
    const text = await asked.req.text();
    const body = text === '' ? {} : jsonOf(text);
    if (body === undefined) throw new DeployError('invalid-usage', { what: 'the body is not JSON' });
    // Who asked may go away: the rollout goes on.
    const outcome = await orders.add(verb.run(ports, body, new AbortController().signal));
    return asked.json(outcome, outcome.state === 'pending' ? 202 : 200);
  });
  app.notFound((asked) => {
    const what = `there is no ${asked.req.method} ${asked.req.path} here`;
    return asked.json(answerOf(new DeployError('invalid-usage', { what, next: 'see /openapi.json' })).body, 404);
  });
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
