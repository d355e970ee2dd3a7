import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Result } from '../../demo/load/types.ts';
import { CALM_HEALTHCHECK, TestProject } from '../support/project.ts';
import { expectServesAlone, LIGHT } from '../support/state.ts';

/** Two versions must never run side by side. */
const WEB = {
  healthcheck: CALM_HEALTHCHECK,
  'x-deploy-bg': { strategy: 'recreate', route: { port: 3000, probe: { path: '/health' } } },
};

/** So long nobody served for certain: from an answer that said so to a question that was told so. */
function refused(results: readonly Result[]): number {
  const failed = results.filter(({ outcome }) => outcome !== 'ok');
  return Math.max(...failed.map(({ startedAt }) => startedAt)) - Math.min(...failed.map(({ endedAt }) => endedAt));
}

/** At most so long: from the last answer of v1 to the first question that v2 answered, as clients came. */
function unserved(results: readonly Result[]): number {
  const answers = (version: string): readonly Result[] =>
    results.filter((result) => result.outcome === 'ok' && result.version === version);
  const last = Math.max(...answers('v1').map(({ endedAt }) => endedAt));
  return Math.min(...answers('v2').map(({ startedAt }) => startedAt)) - last;
}

describe('recreate', () => {
  let project: TestProject;

  beforeEach(async () => {
    project = await TestProject.create({ proxy: 'caddy', web: WEB });
    await project.build('v1');
  });
  afterEach(() => project.dispose());

  it('D07 stops the old version before the new one starts, and removes it only when all is well', async () => {
    await project.build('v2');
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    const load = project.load(LIGHT);
    const deployed = await project.deploy('v2');
    expect(deployed, deployed.stderr).toMatchObject({ exit: 0 });
    const report = await load.stop();
    expect(report.failures.every((failure) => failure.status === 503)).toBe(true);
    const said = Number(/nothing served for (\d+) ms/.exec(deployed.stdout)?.[1]);
    expect(said, deployed.stdout).toBeGreaterThanOrEqual(refused(report.results()));
    expect(said).toBeLessThan(unserved(report.results()) + 3000);
    expect((await project.status()).lastRollout?.downMs).toBe(said);
    await expectServesAlone(project, { version: 'v2', color: 'green', releases: ['v1', 'v2'] });
  });

  it('D08 starts the same containers again when the new version does not come up', async () => {
    await project.build('v2', { APP_EXIT_AFTER_MS: '100' });
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    const before = (await project.replicas()).map((c) => c.id);
    expect(await project.deploy('v2')).toMatchObject({ exit: 1 });
    expect((await project.replicas()).map((c) => c.id)).toEqual(before);
    await expectServesAlone(project, { version: 'v1', color: 'blue', releases: ['v1'] });
  });
});
