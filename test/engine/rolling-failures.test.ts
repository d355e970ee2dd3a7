import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { counts, lastRollout, order, replicaIds } from '../support/in-place.ts';
import { Lives, only } from '../support/lives.ts';
import { CALM_HEALTHCHECK, ok, TestProject, until } from '../support/project.ts';
import { script, SCRIPTED } from '../support/slots.ts';
import { containerIds, expectError, LIGHT, unwrapped } from '../support/state.ts';

const EXITS = { APP_EXIT_AFTER_MS: 100 };

let project: TestProject;
let lives: Lives;

type Keys = Readonly<Record<string, unknown>>;

describe('a rolling deploy whose replicas fail before they are ready', () => {
  /** Replaced in place, one after the other, with requests from people. */
  function web(update: Keys, replicas: number, over: Keys = {}): Keys {
    return {
      ...SCRIPTED,
      healthcheck: CALM_HEALTHCHECK,
      deploy: { replicas, update_config: { monitor: '500ms', order: 'stop-first', ...update } },
      'x-deploy-bg': { strategy: 'rolling', route: { port: 3000, probe: { path: '/health' } }, ...over },
    };
  }

  beforeAll(async () => {
    project = await TestProject.create({ proxy: 'caddy' });
    await project.edit({ web: web({}, 3) });
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    await script(project, 'v1');
    await ok(project.deploy('v1'));
    lives = await Lives.of(project);
  });
  afterAll(async () => {
    lives.close();
    await project.dispose();
  });

  it('U07 U08 U32 pauses before anything else is touched, again too, and resume tries the failed slot first', async () => {
    const load = project.load(LIGHT);
    await script(project, 'v2', EXITS);
    await project.edit({ web: web({ failure_action: 'pause' }, 3) });
    const since = lives.fromNow();
    const deployed = await project.deploy('v2');
    expectError(deployed, { exit: 3, code: 'rollout-paused' });
    expect(unwrapped(deployed)).toContain('exited with code 1');
    expect(only(since(), 'create')).toHaveLength(1);
    expect(await counts(project, 'web')).toEqual({ v1: 2 });
    expect(await lastRollout(project)).toMatchObject({
      state: 'paused',
      pauseReason: 'failure',
      stable: { version: 'v1' },
    });

    const [before, again] = [await containerIds(project), lives.fromNow()];
    expect(await project.deploy('v2')).toMatchObject({ exit: 3 });
    expect(again()).toEqual([]);
    expect(await containerIds(project)).toEqual(before);

    await script(project, 'v2');
    const mended = lives.fromNow();
    await ok(project.run(['resume']));
    expect(order(mended(), 'create', 'healthy', 'destroy')).toEqual([
      ...['destroy v2', 'create v2', 'healthy v2'],
      ...['destroy v1', 'create v2', 'healthy v2'],
      ...['destroy v1', 'create v2', 'healthy v2'],
    ]);
    expect(await lastRollout(project)).toMatchObject({ state: 'completed', failures: [] });
    expect((await load.stop()).failures).toEqual([]);
  });

  it('U09 continue goes through all slots and says what failed', async () => {
    const load = project.load(LIGHT);
    await script(project, 'v1', EXITS);
    await project.edit({ web: web({ failure_action: 'continue' }, 3) });
    const since = lives.fromNow();
    const deployed = await project.deploy('v1');
    expect(deployed, deployed.stderr).toMatchObject({ exit: 0 });
    expect(order(since(), 'create')).toEqual(['create v1', 'create v1', 'create v1']);
    expect(await counts(project, 'web')).toEqual({ v1: 2 });
    expect(await lastRollout(project)).toMatchObject({ state: 'completed', message: 'web: 1 of 3 replicas failed' });
    expect((await load.stop()).failures).toEqual([]);
  });

  it('U13 U35 U23 U33 goes back at once or waits for abort, and leaves alone what was not touched', async () => {
    await project.edit({ web: web({}, 4) });
    await ok(project.deploy('v1'));
    const load = project.load(LIGHT);
    await tooMany();
    await oneOfABatch();
    await neverReady();
    await imageGone();
    expect((await load.stop()).failures).toEqual([]);
  });

  /** U13 */
  async function tooMany(): Promise<void> {
    const tolerant = { max_failure_ratio: 0.4, delay: '100ms', order: 'stop-first', monitor: '500ms' };
    const keys = web(tolerant, 4);
    const deploy = { ...(keys['deploy'] as object), rollback_config: { ...tolerant, failure_action: 'pause' } };
    await script(project, 'v2', EXITS, {}, EXITS);
    await project.edit({ web: { ...keys, deploy } });
    const [before, since] = [await replicaIds(project, 'web'), lives.fromNow()];
    expect(await project.deploy('v2')).toMatchObject({ exit: 1 });
    const three = (what: string): string[] => Array.from({ length: 3 }, () => what);
    expect(order(since(), 'create')).toEqual([...three('create v2'), ...three('create v1')]);
    expect(await counts(project, 'web')).toEqual({ v1: 4 });
    expect((await replicaIds(project, 'web')).filter((id) => before.includes(id))).toHaveLength(1);
    expect(await lastRollout(project)).toMatchObject({ state: 'rollback_completed', failures: [{}, {}] });
  }

  /** U35 */
  async function oneOfABatch(): Promise<void> {
    await script(project, 'v2', EXITS);
    await project.write('slots/v2.2', 'until [ -e /slots/go ]; do sleep 0.1; done\n');
    await project.edit({ web: web({ parallelism: 2, failure_action: 'pause' }, 4) });
    const [before, since] = [await replicaIds(project, 'web'), lives.fromNow()];
    expect(await project.deploy('v2')).toMatchObject({ exit: 3 });
    expect(only(since(), 'healthy', 'v2')).toEqual([]);
    await project.write('slots/go', '');
    await until('the other of the batch to be healthy', () => only(since(), 'healthy', 'v2').length === 1);
    expect(only(since(), 'create', 'v2')).toHaveLength(2);
    expect(await counts(project, 'web')).toEqual({ v1: 2, v2: 1 });
    expect((await replicaIds(project, 'web')).filter((id) => before.includes(id))).toHaveLength(2);
    expect(await project.run(['abort'])).toMatchObject({ exit: 1 });
    expect(await counts(project, 'web')).toEqual({ v1: 4 });
  }

  /** U23 */
  async function neverReady(): Promise<void> {
    await script(project, 'v2', { APP_NEVER_HEALTHY: 1 });
    await project.edit({ web: web({ order: 'start-first' }, 4, { progress_deadline: '2s' }) });
    const [before, since] = [await containerIds(project), lives.fromNow()];
    const deployed = await project.deploy('v2');
    expectError(deployed, { exit: 1, code: 'rollout-failed' });
    expect(unwrapped(deployed)).toContain('not ready after 2 s');
    expect(order(since(), 'create', 'destroy')).toEqual(['create v2', 'destroy v2']);
    expect(await containerIds(project)).toEqual(before);
  }

  /** U33: gone between pull and create. */
  async function imageGone(): Promise<void> {
    const hooks = { pre_deploy: `docker rmi -f $$(docker images -q ${project.image('v2')})` };
    await script(project, 'v2');
    await project.edit({ web: web({ order: 'start-first', failure_action: 'pause' }, 4, { hooks }) });
    const before = await containerIds(project);
    const deployed = await project.deploy('v2');
    expectError(deployed, { exit: 3, code: 'rollout-paused' });
    expect(unwrapped(deployed)).toContain(project.image('v2'));
    expect(await containerIds(project)).toEqual(before);
    expect(await project.run(['abort'])).toMatchObject({ exit: 1 });
    expect(await containerIds(project)).toEqual(before);
  }
});
