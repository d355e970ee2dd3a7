import type { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Metrics } from '../../../src/agent/metrics.ts';
import { routes } from '../../../src/agent/routes.ts';
import { tenderOf } from '../../../src/agent/tender.ts';
import { Updates } from '../../../src/agent/updates.ts';
import { nothingToDo } from '../../../src/app/outcome.ts';
import { tend } from '../../../src/app/tend.ts';
import { answering, keptLog } from '../../support/agent-api.ts';
import { Host, type Terminal } from '../../support/host.ts';
import { service } from '../../support/specs.ts';

let host: Host;
let agent: Terminal | null;
beforeEach(async () => {
  host = await Host.create(() => [service('web')], {});
  agent = null;
});
afterEach(async () => {
  agent?.interrupt();
  await agent?.ended;
  await host.dispose();
});

const { log, lines } = keptLog();
beforeEach(() => {
  lines.length = 0;
});

function api(): Hono {
  const { ports, ...parts } = answering(host, { log });
  return routes({ ...parts, ports: { ...ports, emit: log.emit } });
}

const post = (path: string, request: string, body: object = {}) =>
  api().request(path, { method: 'POST', body: JSON.stringify(body), headers: { 'X-Request-Id': request } });

describe('a request', () => {
  it('is a line, with what was asked and how it was answered', async () => {
    await host.deploy('v1');
    await api().request('/status?x=y');
    expect(lines).toMatchObject([{ level: 'info', method: 'GET', path: '/status', status: 200, msg: 'GET /status' }]);
    expect(Object.keys(lines[0] ?? {}).toSorted()).toEqual(
      ['level', 'method', 'ms', 'msg', 'path', 'request', 'status', 'time'].toSorted(),
    );
  });

  it('is a warning with the reason if it is refused', async () => {
    await post('/promote', 'r-1');
    expect(lines).toMatchObject([{ level: 'warn', status: 409, request: 'r-1', code: 'not-possible' }]);
    expect(lines[0]?.['msg']).toMatch(/there is no rollout/);
  });

  it.each(['/healthz', '/readyz', '/metrics'])('is only of interest for %s while something is wrong', async (path) => {
    await api().request(path);
    expect(lines).toEqual([]);
    const all = keptLog('debug');
    await routes(answering(host, { log: all.log })).request(path);
    expect(all.lines).toMatchObject([{ level: 'debug', path }]);
  });

  it('for events has a second line if they cannot be read to the end', async () => {
    await host.store().prepare();
    const { ports, ...parts } = answering(host, { log });
    const store = { entries: () => Promise.reject(new Error('gone')), watchJournal: () => undefined };
    const broken = routes({ ...parts, ports: { ...ports, store: store as unknown as typeof ports.store } });
    const answer = await broken.request('/events', { headers: { 'X-Request-Id': 'r-2' } });
    expect(await answer.text()).toContain('event: error\ndata: {"code":"internal"');
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'info', path: '/events', status: 200, request: 'r-2' }),
    );
    expect(lines).toContainEqual(expect.objectContaining({ level: 'error', msg: 'gone', request: 'r-2' }));
  });

  it.each(['trace-1', 'A.b_c-9', 'x'.repeat(64)])('has the id that its caller gave it: %s', async (id) => {
    const { headers } = await api().request('/status', { headers: { 'X-Request-Id': id } });
    expect(headers.get('X-Request-Id')).toBe(id);
    expect(lines).toMatchObject([{ request: id }]);
  });

  it.each(['', 'a b', '{"a":1}', 'x'.repeat(65)])('has a new id where that one is none: %j', async (id) => {
    const { headers } = await api().request('/nonsense', { headers: { 'X-Request-Id': id } });
    expect(headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(lines).toMatchObject([{ request: headers.get('X-Request-Id'), status: 404 }]);
  });
});

describe('the lines of an order', () => {
  beforeEach(async () => {
    await host.deploy('v1');
    host.hasAgent = true;
    agent = host.run('agent', async (ports, signal) => {
      const own = { ...ports, emit: log.emit };
      const metrics = new Metrics();
      const updates = new Updates(own, log, metrics, signal);
      const tender = tenderOf({ log, metrics, updates, signs: { at: 0 } });
      await log.during(null, () => tend(own, tender, signal));
      return nothingToDo(null, null, 'gone');
    });
  });

  it('have its id and the rollout, to the last one, also where the agent runs it', async () => {
    await post('/deploy', 'order-1', { version: 'v2' });
    await untilWhole();
    const { id: rollout } = await host.lastRollout();
    const began = lines.findIndex(({ msg }) => msg === 'goes on here');
    const ended = lines.findLastIndex(({ kind }) => kind === 'step-finished');
    const ran = lines
      .slice(began, ended + 1)
      .filter(({ path, schedule }) => path === undefined && schedule === undefined);
    expect(lines.findIndex(({ kind }) => kind === 'finished')).toBeLessThan(ended);
    for (const line of ran) expect(line).toMatchObject({ request: 'order-1', rollout });
    expect(lines.find(({ kind }) => kind === 'phase')).toMatchObject({ request: 'order-1' });
  });

  it('have the id of whoever asked last', async () => {
    host.services = () => [service('web', { promote: 120_000 })];
    await post('/deploy', 'order-1', { version: 'v2' });
    await host.untilState('paused');
    await post('/promote', 'order-2');
    await untilWhole();
    const line = (kind: string) => lines.findLast((each) => each['kind'] === kind);
    expect(line('paused')).toMatchObject({ request: 'order-1' });
    expect(line('finished')).toMatchObject({ request: 'order-2' });
  });

  it('are no other request’s', async () => {
    await post('/deploy', 'order-1', { version: 'v2' });
    await untilWhole();
    await api().request('/status', { headers: { 'X-Request-Id': 'question-1' } });
    const asked = lines.find(({ path }) => path === '/status');
    expect(asked).toMatchObject({ request: 'question-1' });
    expect(asked).not.toHaveProperty('rollout');
  });
});

function untilWhole(): Promise<void> {
  return host.until('v2 to be whole', async () => {
    const { state, cursor, steps } = await host.lastRollout();
    return state === 'completed' && cursor >= steps.length && (await host.store().holder()) === null;
  });
}
