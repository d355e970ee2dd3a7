import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nothingToDo } from '../../../src/app/outcome.ts';
import { tend } from '../../../src/app/tend.ts';
import { AgentClient } from '../../../src/adapters/agent-socket/client.ts';
import { Metrics } from '../../../src/agent/metrics.ts';
import { routes } from '../../../src/agent/routes.ts';
import { SocketServer } from '../../../src/agent/server.ts';
import { ABOUT, answering } from '../../support/agent-api.ts';
import { ERRORS } from '../../../src/core/errors.ts';
import { Host } from '../../support/host.ts';
import { service } from '../../support/specs.ts';

let host: Host;
let state: string;
let server: SocketServer;
let metrics: Metrics;
beforeEach(async () => {
  host = await Host.create(() => [service('web')], {});
  state = join(host.folder, '.deploy-bg');
  await host.store().prepare();
  metrics = new Metrics();
  server = new SocketServer(state, routes(answering(host, { metrics })));
});
afterEach(async () => {
  await server.close();
  await host.dispose();
});

describe("the agent's socket", () => {
  it('is for its owner alone, and says who is there', async () => {
    await server.listen();
    expect((await stat(join(state, 'agent.sock'))).mode & 0o777).toBe(0o600);
    expect(await new AgentClient(state).about()).toEqual(ABOUT);
    await new AgentClient(state).ping();
  });

  it('takes the place of one that was killed, and not of one that lives', async () => {
    await writeFile(join(state, 'agent.sock'), '');
    await server.listen();
    const second = new SocketServer(state, routes(answering(host)));
    await expect(second.listen()).rejects.toMatchObject({ code: 'locked' });
    await new AgentClient(state).ping();
  });

  it('comes back after the state was erased', async () => {
    await server.listen();
    await rm(state, { recursive: true });
    await expect(new AgentClient(state).ping()).rejects.toMatchObject({ code: 'agent-unreachable' });
    await host.store().prepare();
    await server.listen();
    await new AgentClient(state).ping();
  });

  it('works where the path is longer than a socket may have', async () => {
    const deep = join(await mkdtemp(join(tmpdir(), 'deploy-bg-deep-')), 'x'.repeat(120));
    await host.store().prepare();
    const far = new SocketServer(deep, routes(answering(host)));
    await (await import('node:fs/promises')).mkdir(deep);
    try {
      await far.listen();
      expect(await new AgentClient(deep).about()).toEqual(ABOUT);
    } finally {
      await far.close();
      await rm(join(deep, '..'), { recursive: true });
    }
  });

  it('is not ready while the state cannot be read, and says so in words', async () => {
    await writeFile(join(state, 'journal.ndjson'), 'nonsense\n');
    await server.listen();
    await expect(new AgentClient(state).ping()).rejects.toMatchObject({
      code: 'agent-unreachable',
      message: expect.stringMatching(
        /^the agent is not ready: .*journal\.ndjson cannot be read: line 1 is damaged$/,
      ) as string,
      next: ERRORS['state-unreadable'].next,
    });
  });

  it('tells status and what happened', async () => {
    await host.deploy('v1');
    await server.listen();
    const client = new AgentClient(state);
    expect(JSON.parse((await client.get('/status')).text)).toMatchObject({ live: { version: 'v1' } });
    const { text } = await client.get('/events');
    expect(text).toContain('event: accepted');
    expect((await client.get('/nonsense')).status).toBe(404);
  });
});

describe('what the agent is told', () => {
  const post = async (path: string, body?: unknown): Promise<{ status: number; json: unknown }> => {
    const { status, text } = await new AgentClient(state).post(path, body);
    return { status, json: JSON.parse(text) };
  };

  it('is accepted as deploy --detach does, and ends as the command of that name', async () => {
    await host.deploy('v1');
    await server.listen();
    host.hasAgent = true;
    host.services = () => [service('web', { promote: 'manual' })];
    const tending = host.run('agent', (ports, signal) =>
      tend(ports, SILENT, signal).then(() => nothingToDo(null, null, 'gone')),
    );
    expect(await post('/deploy', { version: 'v2' })).toMatchObject({ status: 202, json: { version: 'v2' } });
    await host.untilState('paused');
    expect(await post('/promote')).toMatchObject({ status: 200, json: { state: 'completed' } });
    expect(await post('/abort')).toMatchObject({ status: 409, json: { code: 'not-possible', exit: 5 } });
    tending.interrupt();
    await tending.ended;
  });

  it('is refused where only the host can do it', async () => {
    host.hooks = { post_deploy: [{ kind: 'host', command: ['true'], timeoutMs: 1000 }] };
    host.services = (version) => [service('web', { promote: version === 'v1' ? 'auto' : 'manual' })];
    await host.deploy('v1');
    await host.deploy('v2');
    await server.listen();
    const refused = {
      status: 400,
      json: { code: 'invalid-usage', message: expect.stringContaining('runs on the host') as string },
    };
    for (const verb of ['/promote', '/abort', '/rollback']) expect(await post(verb)).toMatchObject(refused);
    expect(await host.lastRollout()).toMatchObject({ state: 'paused' });
  });

  it('is refused if it is nonsense, with what is wrong', async () => {
    await server.listen();
    expect(await post('/deploy', { version: '; rm -rf /' })).toMatchObject({
      status: 400,
      json: { code: 'invalid-version' },
    });
    for (const body of [{}, { version: 1 }, { version: 'v1', unknown: true }])
      expect(await post('/deploy', body)).toMatchObject({ status: 400, json: { code: 'invalid-usage' } });
    expect((await post('/constructor')).status).toBe(404);
    expect(await post('/rollback', { to: 5 })).toMatchObject({ status: 400 });
    expect(await host.store().rollouts()).toEqual([]);
  });
});

const nothing = (): void => undefined;
const SILENT = {
  ...{ looked: nothing, took: nothing, left: nothing, rests: nothing, followed: nothing },
  ...{ restarted: nothing, failed: nothing },
};

describe("the agent's metrics", () => {
  it('count what ends while it is there, whoever ran it', async () => {
    await host.deploy('v1');
    await server.listen();
    const ended = new AbortController();
    const following = metrics.follow(host.run('m', () => new Promise(() => undefined)).ports, ended.signal);
    await host.until('it to have read the journal', async () => (await text()).includes('state="completed"'));
    expect(await text()).toContain('rollouts_total{verb="deploy",state="completed"} 0');
    await host.deploy('v2');
    await host.until('it to count', async () =>
      (await text()).includes('rollouts_total{verb="deploy",state="completed"} 1'),
    );
    expect(await text()).toContain('deploy_bg_candidate_weight_percent 100');
    expect(await text()).toContain('deploy_bg_rollout_duration_seconds_count{verb="deploy"} 1');
    ended.abort();
    await following;
  });

  const text = async (): Promise<string> => (await new AgentClient(state).get('/metrics')).text;
});
