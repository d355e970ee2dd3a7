import { afterEach, describe, expect, it } from 'vitest';
import { currentStep } from '../../src/core/record.ts';
import { counts, lastRollout, order } from '../support/in-place.ts';
import { extremes, type Happened, Lives, only } from '../support/lives.ts';
import { CALM_HEALTHCHECK, ok, TestProject, until } from '../support/project.ts';
import { script, SCRIPTED } from '../support/slots.ts';
import { containerIds, expectError, LIGHT, unwrapped } from '../support/state.ts';

let project: TestProject;
let lives: Lives;

afterEach(async () => {
  lives.close();
  await project.dispose();
});

type Keys = Readonly<Record<string, unknown>>;

describe('a rolling deploy of a service with a route', () => {
  const STUBBORN = { APP_ON_SIGTERM: 'ignore' };

  /** A version whose file is there is unhealthy. */
  const HEALTH = `test ! -e /slots/broken-$$APP_VERSION && ${CALM_HEALTHCHECK.test[3]}`;

  function web(update: Keys): Keys {
    const [command, shell, flag] = CALM_HEALTHCHECK.test;
    return {
      ...SCRIPTED,
      healthcheck: { ...CALM_HEALTHCHECK, test: [command, shell, flag, HEALTH], interval: '1s', retries: 1 },
      stop_grace_period: '1s',
      deploy: { replicas: 2, update_config: { monitor: '500ms', ...update }, rollback_config: { parallelism: 0 } },
      'x-deploy-bg': { strategy: 'rolling', route: { port: 3000, probe: { path: '/health' } } },
    };
  }

  it('U06 U05 U31 X08 U34 U27 is done slot by slot, forward, back, and over what does not work', async () => {
    project = await TestProject.create({ proxy: 'caddy' });
    await project.edit({ web: web({}) });
    await Promise.all(['v1', 'v2', 'v3'].map((version) => project.build(version)));
    await script(project, 'v1', STUBBORN, STUBBORN);
    await script(project, 'v2', STUBBORN, STUBBORN);
    await ok(project.deploy('v1'));
    lives = await Lives.of(project);
    const load = project.load(LIGHT);
    await stopFirst();
    await startFirst();
    await walkBack();
    await overBroken();
    await overOneInFlight();
    expect((await load.stop()).failures).toEqual([]);
  });

  /** The first time that somebody sent it a signal, until it died of another one. */
  function graces(happened: readonly Happened[]): readonly number[] {
    return only(happened, 'die').map(({ id, at, exitCode }) => {
      const told = only(happened, 'kill').find((each) => each.id === id);
      return exitCode === 137 ? at - (told?.at ?? at) : 0;
    });
  }

  /** U06: v1 ignores SIGTERM, and nothing of v2 is made before it is gone. */
  async function stopFirst(): Promise<void> {
    await project.edit({ web: web({ order: 'stop-first' }) });
    const since = lives.fromNow();
    await ok(project.deploy('v2'));
    const slot = ['die v1', 'create v2', 'healthy v2'];
    expect(order(since(), 'die', 'create', 'healthy')).toEqual([...slot, ...slot]);
    expect(graces(since()).every((ms) => ms > 900)).toBe(true);
  }

  /** U05: v2 needs its time to stop, and the next of v3 waits for that. */
  async function startFirst(): Promise<void> {
    await project.edit({ web: web({ order: 'start-first' }) });
    const since = lives.fromNow();
    await ok(project.deploy('v3'));
    const slot = ['create v3', 'healthy v3', 'die v2', 'destroy v2'];
    expect(order(since(), 'create', 'healthy', 'die', 'destroy')).toEqual([...slot, ...slot]);
    expect(graces(since()).every((ms) => ms > 900)).toBe(true);
    expect(extremes(since(), 2, { more: 'create', fewer: 'destroy' })).toEqual({ least: 2, most: 3 });
  }

  /** U31, X08: not back and forth, and no further than to the first. */
  async function walkBack(): Promise<void> {
    for (const version of ['v2', 'v1']) {
      await ok(project.run(['rollback']));
      expect(await counts(project, 'web')).toEqual({ [version]: 2 });
      expect(await lastRollout(project)).toMatchObject({ verb: 'rollback', state: 'completed' });
    }
    const before = await containerIds(project);
    const already = await project.run(['rollback', '--to', 'v1']);
    expect(already, already.stderr).toMatchObject({ exit: 0 });
    expect(`${already.stdout}${already.stderr}`).toContain('already there');
    expectError(await project.run(['rollback', '--to', 'v9']), { exit: 5, code: 'unknown-release' });
    expectError(await project.run(['rollback']), { exit: 5, code: 'nothing-to-go-back-to' });
    expect(await containerIds(project)).toEqual(before);
  }

  /** U34 */
  async function overBroken(): Promise<void> {
    await project.write('slots/broken-v1', '');
    const broken = async (): Promise<boolean> =>
      (await project.replicas()).every(({ health }) => health === 'unhealthy');
    await until('v1 to be broken', broken);
    await ok(project.deploy('v2'));
    expect(await counts(project, 'web')).toEqual({ v2: 2 });
  }

  /** U27: v3 is superseded by v1 when one slot of v2 is replaced; what completed last is v2. */
  async function overOneInFlight(): Promise<void> {
    await project.remove('slots/broken-v1');
    await project.edit({ web: web({ delay: '60s' }) });
    const first = project.deploy('v3');
    await until('one slot to be done', async () => currentStep(await lastRollout(project))?.kind === 'delay');
    expect(await counts(project, 'web')).toEqual({ v2: 1, v3: 1 });
    await project.edit({ web: web({}) });
    const since = lives.fromNow();
    await ok(project.deploy('v1', '--supersede'));
    expect(await first).toMatchObject({ exit: 6 });
    expect(order(since(), 'create')).toEqual(['create v1', 'create v1']);
    expect(await counts(project, 'web')).toEqual({ v1: 2 });
    expect(await lastRollout(project)).toMatchObject({ state: 'completed', stable: { version: 'v2' } });
  }
});

describe('a rolling deploy of a service without a route', () => {
  /** Beside a service that gets requests and is not asked for. */
  async function worker(update: Keys, replicas: number, over: Keys = {}): Promise<void> {
    const keys = {
      ...SCRIPTED,
      image: `${project.name}/app:\${VERSION:-v1}`,
      healthcheck: CALM_HEALTHCHECK,
      deploy: { replicas, update_config: { monitor: '1s', parallelism: 0, ...update } },
      'x-deploy-bg': { strategy: 'rolling' },
      ...over,
    };
    const web = { healthcheck: CALM_HEALTHCHECK, deploy: { replicas: 1, update_config: { monitor: '0s' } } };
    await project.edit({ web, services: { worker: keys } });
  }

  const deploy = (version: string) => project.deploy(version, '--services', 'worker');

  it('U30 U25 U02 U22 U16 U18 U20 begins, grows, is replaced at once, and counts each slot that dies once', async () => {
    project = await TestProject.create({ proxy: 'nginx' });
    lives = await Lives.of(project);
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    await firstFails();
    const load = project.load(LIGHT);
    await grows();
    await allAtOnce();
    await withoutHealthCheck();
    await exitsWithZero();
    await diesInItsWindow();
    await crashLoop();
    expect((await load.stop()).failures).toEqual([]);
  });

  /** U30: there is nothing to go back to. */
  async function firstFails(): Promise<void> {
    await worker({}, 2);
    await script(project, 'v1', { APP_EXIT_AFTER_MS: 100 });
    const deployed = await project.deploy('v1');
    expectError(deployed, { exit: 3, code: 'rollout-paused' });
    expect(unwrapped(deployed)).toContain('there is no previous release');
    const kept = (await project.containers()).filter(({ service }) => service === 'worker');
    expect(kept.map(({ state }) => state).sort()).toEqual(['exited', 'running']);
    await ok(project.run(['retry']));
    expect(await counts(project, 'worker')).toEqual({ v1: 2 });
  }

  /** U25 */
  async function grows(): Promise<void> {
    await worker({}, 4);
    const [before, since] = [await containerIds(project), lives.fromNow()];
    await ok(project.deploy('v1'));
    expect(order(since(), 'create', 'kill', 'die')).toEqual(['create v1', 'create v1']);
    expect(await containerIds(project)).toEqual(expect.arrayContaining([...before]));
    expect(await counts(project, 'worker')).toEqual({ v1: 4 });
    expect(await lastRollout(project)).toMatchObject({ state: 'completed', scale: true });
  }

  /** U02 */
  async function allAtOnce(): Promise<void> {
    await worker({ order: 'stop-first' }, 4);
    await script(project, 'v2', ...Array.from({ length: 4 }, () => ({ APP_READY_AFTER_MS: 2000 })));
    const since = lives.fromNow();
    await ok(deploy('v2'));
    const four = (what: string): string[] => Array.from({ length: 4 }, () => what);
    expect(order(since(), 'destroy', 'create')).toEqual([...four('destroy v1'), ...four('create v2')]);
    const firstReady = only(since(), 'healthy')[0]?.at ?? 0;
    expect(only(since(), 'start').filter(({ at }) => at < firstReady)).toHaveLength(4);
    expect(await counts(project, 'worker')).toEqual({ v2: 4 });
  }

  /** U22 */
  async function withoutHealthCheck(): Promise<void> {
    await worker({ monitor: '0s' }, 2, { healthcheck: { test: ['NONE'] } });
    const since = lives.fromNow();
    await ok(deploy('v1'));
    expect(only(since(), 'healthy', 'v1')).toEqual([]);
    expect(await counts(project, 'worker')).toEqual({ v1: 2 });
    expect(Object.keys((await lastRollout(project)).ready)).toHaveLength(2);
  }

  /** U16 */
  async function exitsWithZero(): Promise<void> {
    await worker({ monitor: '5s', failure_action: 'pause' }, 2);
    await script(project, 'v2', { APP_DIES_AFTER_READY_MS: 2000, APP_EXIT_CODE: 0 });
    const deployed = await deploy('v2');
    expectError(deployed, { exit: 3, code: 'rollout-paused' });
    expect(unwrapped(deployed)).toContain('was ready, then exited with code 0');
    expect(await project.run(['abort'])).toMatchObject({ exit: 1 });
    expect(await counts(project, 'worker')).toEqual({ v1: 2 });
  }

  /** U18: longer than its window is the delay before it. */
  async function diesInItsWindow(): Promise<void> {
    await worker({ parallelism: 1, delay: '3s', monitor: '2s' }, 2);
    await script(project, 'v2', {}, { APP_DIES_AFTER_READY_MS: 2000 });
    const since = lives.fromNow();
    const deployed = await deploy('v2');
    expectError(deployed, { exit: 1, code: 'rollout-failed' });
    expect(unwrapped(deployed)).toContain('was ready, then exited with code 1');
    expect(order(since(), 'create')).toEqual(['create v2', 'create v2', 'create v1', 'create v1']);
    expect(await counts(project, 'worker')).toEqual({ v1: 2 });
    expect(await lastRollout(project)).toMatchObject({ state: 'rollback_completed', failures: [{}] });
  }

  /** U20 */
  async function crashLoop(): Promise<void> {
    await worker({ monitor: '5s', max_failure_ratio: 0.4 }, 3, { restart: 'always' });
    await script(project, 'v2', { APP_DIES_AFTER_READY_MS: 1500 });
    const since = lives.fromNow();
    await ok(deploy('v2'));
    const loops = new Set(only(since(), 'die', 'v2').map(({ id }) => id));
    expect(loops.size).toBe(1);
    expect(only(since(), 'die', 'v2').length).toBeGreaterThan(1);
    const record = await lastRollout(project);
    expect(record).toMatchObject({ state: 'completed', message: 'worker: 1 of 3 replicas failed', failures: [{}] });
  }
});
