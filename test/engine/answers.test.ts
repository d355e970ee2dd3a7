import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listen } from '../support/checks.ts';
import { lastRollout, replicaIds } from '../support/in-place.ts';
import { CALM_HEALTHCHECK, ok, TestProject, until } from '../support/project.ts';
import { expectError, LIGHT, unwrapped } from '../support/state.ts';
import { story } from '../support/story.ts';

type Keys = Readonly<Record<string, unknown>>;

describe('what is asked during a rollout', () => {
  let project: TestProject;
  let server: Awaited<ReturnType<typeof listen>>;
  /** When `/gate` was asked. */
  let asked: number[];

  beforeEach(async () => {
    asked = [];
    server = await listen(({ request }, response) => {
      answer(request.url ?? '', response);
    });
    project = await TestProject.create({ proxy: 'caddy' });
  });
  afterEach(async () => {
    server.close();
    await project.dispose();
  });

  /** `/gate` says no, then nothing at all, then yes; `/silent` says nothing for long. */
  function answer(path: string, response: ServerResponse): void {
    if (path === '/silent') return;
    if (path === '/broken') response.writeHead(500).end('out of order');
    else if (path === '/empty') response.writeHead(204).end();
    else if (asked.push(Date.now()) === 2) response.destroy();
    else response.writeHead(asked.length === 1 ? 403 : 200).end();
  }

  async function settings(keys: Keys, monitor = '0s'): Promise<void> {
    const deploy = { replicas: 1, update_config: { monitor } };
    const route = { port: 3000, probe: { path: '/health' } };
    const notes = { user: '0:0', volumes: ['./notes:/notes'] };
    await project.edit({ web: { ...notes, healthcheck: CALM_HEALTHCHECK, deploy, 'x-deploy-bg': { route, ...keys } } });
  }

  it('A09 A11 A07 A14 is judged by its bounds or its status, ends with its rollout, and may open a gate', async () => {
    await project.write('notes/.keep', '');
    await settings({});
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    await ok(project.deploy('v1'));
    const load = project.load(LIGHT);
    await judged();
    await otherIsStopped();
    await gateOpens();
    expect((await load.stop()).failures).toEqual([]);
  });

  /** A09, A11: what is not good is a dry run, so that all of them are made. */
  async function judged(): Promise<void> {
    const echo = { command: { run: ['echo', '5'], in: 'candidate' } };
    const http = (path: string) => ({ http: { url: server.url + path } });
    const dry = { dry_run: true, error_limit: 0 };
    const checks = {
      ...{ below: { ...echo, pass: { min: 6 }, ...dry }, unhit: { ...echo, fail: { min: 9 } } },
      ...{ least: { ...echo, pass: { min: 5 } }, most: { ...echo, pass: { max: 5 } } },
      ...{ broken: { ...http('/broken'), ...dry }, empty: http('/empty') },
      silent: { ...http('/silent'), timeout: '1s', ...dry },
    };
    await settings({ checks, before: Object.keys(checks) });
    await ok(project.deploy('v2'));
    expect((await story(project)).filter((text) => text.startsWith('check')).sort()).toEqual([
      ...['check below: fail', 'check broken: error', 'check empty: pass', 'check least: pass', 'check most: pass'],
      ...['check silent: error', 'check unhit: pass'],
    ]);
    expect((await lastRollout(project)).message).toMatch(/dry run: .*below.*broken.*silent/);
  }

  /** A07: one watch fails as soon as the other is in the middle of its command. */
  async function otherIsStopped(): Promise<void> {
    const command = (run: string, place: string) => ({ command: { run: ['sh', '-c', run], in: place } });
    const checks = {
      slow: { ...command('touch /notes/begun; sleep 100', 'image'), interval: '1s', timeout: '100s' },
      quick: { ...command('test ! -e /notes/begun', 'candidate'), interval: '300ms' },
    };
    await settings({ checks, watch: ['slow', 'quick'] }, '90s');
    const stable = await replicaIds(project, 'web');
    const failed = await project.deploy('v1');
    expectError(failed, { exit: 1, code: 'rollout-failed' });
    expect(unwrapped(failed)).toContain('check quick');
    const told = await story(project);
    expect(told.filter((text) => text.startsWith('check slow'))).toEqual([]);
    expect(told.filter((text) => text === 'back')).toHaveLength(1);
    expect((await project.containers()).filter(({ oneOff }) => oneOff)).toEqual([]);
    expect(await replicaIds(project, 'web')).toEqual(stable);
  }

  /** A14: each 10 s, whatever comes, until it is a yes. */
  async function gateOpens(): Promise<void> {
    await settings({ strategy: 'canary', steps: [50, { pause: { until: { url: `${server.url}/gate` } } }] });
    const deploying = project.deploy('v1');
    await until('the gate to be asked', () => asked.length > 0);
    await until('the answer', async () => (await story(project)).at(-1) === 'check until: error');
    expect(await lastRollout(project)).toMatchObject({ state: 'paused', weight: 50 });
    await ok(deploying);
    expect(asked).toHaveLength(3);
    for (const index of [1, 2]) expect((asked[index] ?? 0) - (asked[index - 1] ?? 0)).toBeGreaterThan(9000);
    expect((await story(project)).filter((text) => text.startsWith('weight')).slice(-2)).toEqual([
      ...['weight 50', 'weight 100'],
    ]);
  }
});
