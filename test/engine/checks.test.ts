import { afterEach, describe, expect, it } from 'vitest';
import { type ProjectOptions, type ProxyKind, TestProject } from '../support/project.ts';
import { expectError, expectServesAlone, LIGHT, unwrapped } from '../support/state.ts';

describe.each<ProxyKind>(['caddy', 'nginx'])('checks behind %s', (proxy) => {
  let project: TestProject;

  afterEach(() => project.dispose());

  async function serving(settings: ProjectOptions['settings']): Promise<readonly string[]> {
    project = await TestProject.create({ proxy, settings: { ...settings } });
    await Promise.all([project.build('v1'), project.build('v2')]);
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    return ids();
  }

  const ids = async (): Promise<readonly string[]> => (await project.replicas()).map((c) => c.id).sort();

  it('A04 B07 B08 before the switch nothing moves, after it the traffic comes back', async () => {
    const stable = await serving({
      checks: {
        smoke: { command: { run: ['true'], in: 'candidate' } },
        probe: { http: { url: 'http://127.0.0.1:1/' }, error_limit: 0 },
      },
      before: ['smoke'],
      after: ['probe'],
    });
    const load = project.load(LIGHT);
    const after = await project.deploy('v2');
    expectError(after, { exit: 1, code: 'rollout-failed' });
    expect(unwrapped(after)).toContain('check probe of web: error');
    expect(await ids()).toEqual(stable);

    await project.edit({
      settings: { checks: { smoke: { command: { run: ['false'], in: 'candidate' } } }, before: ['smoke'] },
    });
    const seen = load.report().byVersion['v2'] ?? 0;
    const before = await project.deploy('v2');
    expectError(before, { exit: 1, code: 'rollout-failed' });
    expect(await ids()).toEqual(stable);
    expect(load.report().byVersion['v2'] ?? 0).toBe(seen);

    await project.edit({
      settings: { checks: { smoke: { command: { run: ['true'], in: 'candidate' } } }, before: ['smoke'] },
    });
    const retried = await project.run(['retry']);
    expect(retried, retried.stderr).toMatchObject({ exit: 0 });
    expect((await load.stop()).failures).toEqual([]);
    await expectServesAlone(project, { version: 'v2', color: 'green', releases: ['v1', 'v2'] });
  });

  it('A01 B09 a watch that fails leads back; a doubt waits for a person', async () => {
    const stable = await serving({
      checks: { errors: { command: { run: ['false'], in: 'candidate' }, interval: '200ms', failure_limit: 1 } },
      watch: ['errors'],
    });
    const load = project.load(LIGHT);
    const watched = await project.deploy('v2');
    expectError(watched, { exit: 1, code: 'rollout-failed' });
    expect(unwrapped(watched)).toContain('(2 failures)');
    expect(await ids()).toEqual(stable);

    await project.edit({
      settings: {
        checks: { doubt: { command: { run: ['echo', '5'], in: 'candidate' }, pass: { max: 1 }, fail: { min: 9 } } },
        before: ['doubt'],
      },
    });
    expect(await project.deploy('v2')).toMatchObject({ exit: 3 });
    expect(await project.status()).toMatchObject({ lastRollout: { state: 'paused', pauseReason: 'inconclusive' } });
    const promoted = await project.run(['promote']);
    expect(promoted, promoted.stderr).toMatchObject({ exit: 0 });
    expect((await load.stop()).failures).toEqual([]);
  });
});
