import { afterEach, describe, expect, it } from 'vitest';
import { counts, lastRollout } from '../support/in-place.ts';
import { type Happened, Lives, only } from '../support/lives.ts';
import { CALM_HEALTHCHECK, ok, TestProject } from '../support/project.ts';
import { script, SCRIPTED } from '../support/slots.ts';
import { containerIds, expectError, LIGHT, unwrapped } from '../support/state.ts';

describe('services in place that need each other', () => {
  let project: TestProject;
  let lives: Lives;

  afterEach(async () => {
    lives.close();
    await project.dispose();
  });

  /** Web needs api healthy, api needs the migration done. */
  async function write(): Promise<void> {
    const image = `${project.name}/app:\${VERSION:-v1}`;
    const healthcheck = CALM_HEALTHCHECK;
    const rolling = { deploy: { replicas: 2, update_config: { monitor: '500ms' } } };
    const migration = 'echo $$APP_VERSION >> /notes/log; test ! -e /notes/full';
    await project.edit({
      web: {
        ...{ ...SCRIPTED, ...rolling, image, healthcheck },
        depends_on: { api: { condition: 'service_healthy' } },
        'x-deploy-bg': { strategy: 'rolling', route: { port: 3000, probe: { path: '/health' } } },
      },
      services: {
        api: {
          ...{ ...rolling, image, healthcheck },
          deploy: { ...rolling.deploy, replicas: 1 },
          depends_on: { migrate: { condition: 'service_completed_successfully' } },
          'x-deploy-bg': { strategy: 'rolling' },
        },
        migrate: { image, user: '0:0', volumes: ['./notes:/notes'], command: ['sh', '-c', migration] },
      },
    });
  }

  it('D01 D05 D03 goes in their order, back in reverse, and nowhere after a migration that failed', async () => {
    project = await TestProject.create({ proxy: 'caddy' });
    await project.write('notes/.keep', '');
    await write();
    await Promise.all(['v1', 'v2', 'v3'].map((version) => project.build(version)));
    await script(project, 'v1');
    await ok(project.deploy('v1'));
    lives = await Lives.of(project);
    const load = project.load(LIGHT);
    await inOrder();
    await backInReverse();
    await migrationFails();
    expect((await load.stop()).failures).toEqual([]);
  });

  function of(service: string, happened: readonly Happened[]): readonly Happened[] {
    return happened.filter((each) => each.service === service);
  }

  /** D01, D05 */
  async function inOrder(): Promise<void> {
    const since = lives.fromNow();
    await ok(project.deploy('v2'));
    const apiReady = only(of('api', since()), 'healthy', 'v2')[0]?.at ?? Infinity;
    expect(Math.min(...of('web', since()).map(({ at }) => at))).toBeGreaterThan(apiReady);
    const migrated = only(of('migrate', since()), 'die')[0]?.at ?? Infinity;
    expect(only(of('api', since()), 'create')[0]?.at).toBeGreaterThan(migrated);
    expect(await project.read('notes/log')).toBe('v1\nv2\n');
  }

  /** D03: api is done when the second replica of web fails. */
  async function backInReverse(): Promise<void> {
    await script(project, 'v3', {}, { APP_EXIT_AFTER_MS: 100 });
    const since = lives.fromNow();
    expect(await project.deploy('v3')).toMatchObject({ exit: 1 });
    const [web, api] = ['web', 'api'].map((service) => only(of(service, since()), 'create', 'v2'));
    expect([web?.length, api?.length]).toEqual([1, 1]);
    expect(api?.[0]?.at).toBeGreaterThan(web?.[0]?.at ?? Infinity);
    expect([await counts(project, 'web'), await counts(project, 'api')]).toEqual([{ v2: 2 }, { v2: 1 }]);
    expect(await lastRollout(project)).toMatchObject({ state: 'rollback_completed', failures: [{ service: 'web' }] });
  }

  /** D05: run once, and not on the way back. */
  async function migrationFails(): Promise<void> {
    await project.write('notes/full', '');
    const [before, since] = [await containerIds(project), lives.fromNow()];
    const failed = await project.deploy('v3');
    expectError(failed, { exit: 1, code: 'rollout-failed' });
    expect(unwrapped(failed)).toContain('migrate');
    expect(since().filter(({ service }) => service !== 'migrate')).toEqual([]);
    expect(await containerIds(project)).toEqual(before);
    expect(await project.read('notes/log')).toBe('v1\nv2\nv3\nv3\n');
  }
});
