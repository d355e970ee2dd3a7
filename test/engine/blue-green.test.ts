import { afterEach, describe, expect, it } from 'vitest';
import type { Load } from '../../demo/load/load.ts';
import { lastRollout, replicaIds } from '../support/in-place.ts';
import { Lives } from '../support/lives.ts';
import { CALM_HEALTHCHECK, ok, type ProxyKind, TestProject } from '../support/project.ts';
import { containerIds, expectError, LIGHT } from '../support/state.ts';
import { story } from '../support/story.ts';

type Keys = Readonly<Record<string, unknown>>;

/** nginx has switched, and its clients that were idle then may still ask the old one: only after that it is said. */
const UNREPORTED_MS: Readonly<Record<ProxyKind, number>> = { caddy: 0, nginx: 2000 };

describe.each<ProxyKind>(['caddy', 'nginx'])('a blue-green deploy behind %s', (proxy) => {
  let project: TestProject;
  let lives: Lives;

  afterEach(async () => {
    lives.close();
    await project.dispose();
  });

  async function settings(keys: Keys): Promise<void> {
    const deploy = { replicas: 2, update_config: { monitor: '0s' } };
    const route = { port: 3000, probe: { path: '/health' } };
    const web = { healthcheck: CALM_HEALTHCHECK, deploy, 'x-deploy-bg': { route, ...keys } };
    await project.edit({ web });
  }

  async function versions(): Promise<readonly (string | null)[]> {
    return (await project.replicas()).map(({ version }) => version).sort();
  }

  it('B06 B13 B16 B20 B09 previews small, goes back by weight alone, and obeys its checks', async () => {
    project = await TestProject.create({ proxy });
    await settings({});
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    await ok(project.deploy('v1'));
    lives = await Lives.of(project);
    const load = project.load(LIGHT);
    await previews();
    expect(load.report().byVersion['v2'] ?? 0).toBe(0);
    await grows();
    await goesBackByWeight(load);
    await withoutImage();
    await afterFails();
    await doubted();
    expect((await load.stop()).failures).toEqual([]);
  });

  /** B06 */
  async function previews(): Promise<void> {
    await settings({ promote: 'manual', preview_replicas: 1, retire_after: '30s' });
    expectError(await project.deploy('v2'), { exit: 3, code: 'rollout-paused' });
    expect(await versions()).toEqual(['v1', 'v1', 'v2']);
    expect(await lastRollout(project)).toMatchObject({ state: 'paused', pauseReason: 'step', weight: 0 });
  }

  /** B06: full size before any traffic, and the old ones stay for a while. */
  async function grows(): Promise<void> {
    await ok(project.run(['promote']));
    const switched = ['gate over', 'ready web', 'weight 100', 'complete'];
    expect((await story(project)).slice(-switched.length)).toEqual(switched);
    expect(await versions()).toEqual(['v1', 'v1', 'v2', 'v2']);
  }

  /** B13 */
  async function goesBackByWeight(load: Load): Promise<void> {
    const [before, since] = [await containerIds(project), lives.fromNow()];
    await ok(project.run(['rollback']));
    expect(since().filter(({ service }) => service === 'web')).toEqual([]);
    expect(await containerIds(project)).toEqual(before);
    const { acceptedAt, endedAt, ...record } = await lastRollout(project);
    expect(record).toMatchObject({ verb: 'rollback', state: 'completed', candidate: { version: 'v1' } });
    const moved = load
      .report()
      .results()
      .find(({ startedAt, version }) => startedAt > acceptedAt && version === 'v1');
    expect((moved?.startedAt ?? Infinity) - acceptedAt).toBeLessThan(2000);
    expect((endedAt ?? Infinity) - acceptedAt).toBeLessThan(2000 + UNREPORTED_MS[proxy]);
    expect(await project.status()).toMatchObject({ live: { version: 'v1' } });
  }

  /** B16 */
  async function withoutImage(): Promise<void> {
    const since = lives.fromNow();
    expectError(await project.deploy('v9', '--no-pull'), { exit: 1, code: 'image-missing' });
    expect(since().filter(({ color }) => color !== 'green')).toEqual([]);
    expect(await project.status()).toMatchObject({ live: { version: 'v1' } });
  }

  /** B20 */
  async function afterFails(): Promise<void> {
    await settings({
      ...{ promote: '1s', preview_replicas: 1, before: ['smoke'], after: ['probe'] },
      checks: {
        smoke: { command: { run: ['true'], in: 'candidate' } },
        probe: { command: { run: ['false'], in: 'candidate' } },
      },
    });
    const stable = (await project.replicas()).filter(({ version }) => version === 'v1').map(({ id }) => id);
    expectError(await project.deploy('v2'), { exit: 1, code: 'rollout-failed' });
    expect(await story(project)).toEqual([
      ...['start', 'weight 0', 'ready web', 'check smoke: pass', 'gate', 'gate over', 'ready web'],
      ...['weight 100', 'check probe: fail', 'back', 'weight 0', 'back-done'],
    ]);
    expect(await replicaIds(project, 'web')).toEqual([...stable].sort());
  }

  /** B09; its promotion is shown with the checks. */
  async function doubted(): Promise<void> {
    const value = { command: { run: ['echo', '5'], in: 'candidate' }, pass: { max: 1 }, fail: { min: 9 } };
    await settings({ checks: { value }, before: ['value'] });
    const stable = await replicaIds(project, 'web');
    expectError(await project.deploy('v2'), { exit: 3, code: 'rollout-paused' });
    expect(await lastRollout(project)).toMatchObject({ pauseReason: 'inconclusive', weight: 0 });
    expect(await project.run(['abort'])).toMatchObject({ exit: 1 });
    expect(await replicaIds(project, 'web')).toEqual(stable);
  }
});
