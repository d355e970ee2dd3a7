import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ProxyKind, TestProject, until } from '../support/project.ts';
import { expectServesAlone, LIGHT, versionsFor } from '../support/state.ts';

const PREVIEW = { 'x-preview': 'candidate' };
const PREVIEWED = {
  'x-deploy-bg': { route: { port: 3000, probe: { path: '/health' }, preview: { headers: PREVIEW } } },
};

describe.each<ProxyKind>(['caddy', 'nginx'])('a gate before the switch behind %s', (proxy) => {
  let project: TestProject;

  beforeEach(async () => {
    project = await TestProject.create({ proxy, web: PREVIEWED, settings: { promote: 'manual' } });
    await Promise.all(['v1', 'v2', 'v3'].map((version) => project.build(version)));
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
  });
  afterEach(() => project.dispose());

  it('B03 B12 B17 X06 X07 X09 waits for a person, who sees it by the preview: abort takes it back, another deploy replaces it, promote moves the traffic', async () => {
    const load = project.load(LIGHT);
    const stable = (await project.replicas()).map((c) => c.id);
    const exit = async () => (await project.run(['status', '--exit-code'])).exit;
    expect(await exit()).toBe(0);
    expect(await project.deploy('v2')).toMatchObject({ exit: 3 });
    expect(await project.status()).toMatchObject({ lastRollout: { state: 'paused', pauseReason: 'step' }, exit: 3 });
    expect(await exit()).toBe(3);
    expect(await project.run(['status'])).toMatchObject({
      exit: 0,
      stdout: expect.stringMatching(/^rollout .* paused – step \d+\/\d+ .*$/m) as string,
    });
    expect(await versionsFor(project, PREVIEW)).toEqual(['v2']);
    expect(await versionsFor(project, { 'x-preview': 'stable' })).toEqual(['v1']);
    expect(load.report().byVersion['v2'] ?? 0).toBe(0);

    expect(await project.run(['abort'])).toMatchObject({ exit: 1 });
    expect(await exit()).toBe(1);
    expect(await versionsFor(project, PREVIEW)).toEqual(['v1']);
    expect((await project.replicas()).map((c) => c.id)).toEqual(stable);

    expect(await project.deploy('v2')).toMatchObject({ exit: 3 });
    expect(await project.deploy('v3')).toMatchObject({ exit: 3 });
    expect((await project.replicas()).map((c) => c.version).sort()).toEqual(['v1', 'v1', 'v3', 'v3']);
    expect(await versionsFor(project, PREVIEW)).toEqual(['v3']);

    const promoted = await project.run(['promote']);
    expect(promoted, promoted.stderr).toMatchObject({ exit: 0 });
    expect((await load.stop()).failures).toEqual([]);
    await expectServesAlone(project, { version: 'v3', color: 'green', releases: ['v1', 'v3'] });
    expect(await project.run(['promote'])).toMatchObject({ exit: 5 });
    expect(await project.run(['promote', '--full'])).toMatchObject({ exit: 0 });
    expect(await exit()).toBe(0);
  });
});

describe('a rollout that another terminal runs', () => {
  let project: TestProject;

  afterEach(() => project.dispose());

  it('is steered from any terminal: pause, resume, and a deploy that supersedes it', async () => {
    project = await TestProject.create({ proxy: 'caddy', web: webWithPromoteAfter('60s') });
    await Promise.all(['v1', 'v2', 'v3'].map((version) => project.build(version)));
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    const load = project.load(LIGHT);
    const running = project.deploy('v2');
    const atGate = async (): Promise<boolean> => (await project.status()).lastRollout?.state === 'paused';
    await until('v2 to stand at its gate', atGate);
    expect(await project.deploy('v3')).toMatchObject({ exit: 5 });
    expect(await project.run(['promote'])).toMatchObject({ exit: 0 });
    expect(await running).toMatchObject({ exit: 0 });

    const second = project.deploy('v3');
    await until('v3 to stand at its gate', atGate);
    const third = project.deploy('v1', '--supersede');
    expect(await second).toMatchObject({ exit: 6 });
    await until('v1 to stand at its gate', atGate);
    expect(await project.run(['promote'])).toMatchObject({ exit: 0 });
    expect(await third).toMatchObject({ exit: 0 });
    expect((await load.stop()).failures).toEqual([]);
    expect((await project.replicas()).map((c) => c.version)).toEqual(['v1', 'v1']);
  });

  function webWithPromoteAfter(time: string): Record<string, unknown> {
    return { 'x-deploy-bg': { promote: time, route: { port: 3000, probe: { path: '/health' } } } };
  }
});
