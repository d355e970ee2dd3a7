import { afterEach, describe, expect, it } from 'vitest';
import { type ProjectOptions, TestProject } from '../support/project.ts';
import { containerIds, expectError, LIGHT, unwrapped } from '../support/state.ts';

/** A service that deploys do not replace, in which a backup runs. */
const DB = {
  db: {
    image: 'deploy-bg-test-app',
    volumes: ['./backup:/backup'],
    user: '0:0',
    stop_grace_period: '1s',
  },
};

describe('hooks', () => {
  let project: TestProject;

  afterEach(() => project.dispose());

  async function create(settings: ProjectOptions['settings'], web: ProjectOptions['web'] = {}): Promise<void> {
    project = await TestProject.create({ proxy: 'nginx', settings: { ...settings }, services: DB, web: { ...web } });
    await project.write('backup/.keep', '');
    await Promise.all([project.build('v1'), project.build('v2')]);
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
  }

  it('a backup comes before anything is touched, and nothing is if it fails', async () => {
    const backup = 'test ! -e /backup/full && echo from=$$DEPLOY_FROM to=$$DEPLOY_TO > /backup/$$DEPLOY_VERSION';
    await create({ hooks: { pre_deploy: { exec: { service: 'db', command: backup } } } });
    const load = project.load(LIGHT);
    await project.write('backup/full', '');
    const before = await containerIds(project);
    const failed = await project.deploy('v2');
    expectError(failed, { exit: 1, code: 'rollout-failed' });
    expect(unwrapped(failed)).toContain('hook pre_deploy failed');
    expect(await containerIds(project)).toEqual(before);
    expect(load.report().byVersion['v2'] ?? 0).toBe(0);

    await project.remove('backup/full');
    expect(await project.run(['retry'])).toMatchObject({ exit: 0 });
    expect(await project.read('backup/v2')).toBe('from=v1 to=v2\n');
    expect((await load.stop()).failures).toEqual([]);
    expect(await project.status()).toMatchObject({ live: { version: 'v2', color: 'green' }, leftovers: [] });
  });

  it('a migration in the new image is taken back by pre_rollback of the release that is left', async () => {
    const note = (word: string) => `echo ${word} $$DEPLOY_FROM $$DEPLOY_TO by $$APP_VERSION >> /notes/log`;
    const run = (word: string) => ({ run: { service: 'web', command: ['sh', '-c', note(word)] } });
    const hooks = { pre_deploy: run('up'), pre_rollback: run('down'), on_failure: 'echo sorry >> told' };
    await create({ hooks }, { volumes: ['./notes:/notes'], user: '0:0' });
    await project.build('v2', { APP_EXIT_AFTER_MS: '100' });
    const load = project.load(LIGHT);
    const stable = (await project.replicas()).map((c) => c.id);
    expect(await project.deploy('v2')).toMatchObject({ exit: 1 });
    expect((await project.replicas()).map((c) => c.id)).toEqual(stable);
    expect(await project.read('notes/log')).toBe('up v1 by v1\nup v1 v2 by v2\ndown v2 v1 by v2\n');
    expect(await project.read('told')).toBe('sorry\n');
    expect((await load.stop()).failures).toEqual([]);
  });
});
