import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ProxyKind, TestProject } from '../support/project.ts';

describe.each<ProxyKind>(['caddy'])('deploys behind %s', (proxy) => {
  let project: TestProject;

  beforeEach(async () => {
    project = await TestProject.create({ proxy });
    await Promise.all(['v1', 'v2', 'v3'].map((version) => project.build(version)));
  });
  afterEach(() => project.dispose());

  it('v1, v2 and v3 under every kind of load lose nothing, and nothing new reaches the old version after the report', async () => {
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    const load = project.load();
    await load.waitFor((report) => (report.byVersion['v1'] ?? 0) > 100, 10_000, 'answers of v1');
    for (const [version, old] of [
      ['v2', 'v1'],
      ['v3', 'v2'],
    ] as const) {
      const deployed = await project.deploy(version);
      expect(deployed, deployed.stderr).toMatchObject({ exit: 0 });
      await load.waitFor((report) => (report.byVersion[version] ?? 0) > 100, 10_000, `answers of ${version}`);
      expect(load.report().newRequestsAnsweredBy(old, { startedAfter: deployed.endedAt })).toEqual([]);
      expect((await project.replicas()).map((c) => c.version)).toEqual([version, version]);
    }
    const report = await load.stop();
    expect(report.failures).toEqual([]);
    expect(report.byKind.stream?.ok).toBeGreaterThan(0);
    expect(report.byKind.slow?.ok).toBeGreaterThan(0);
    expect(await project.status()).toMatchObject({
      live: { version: 'v3', color: 'blue' },
      leftovers: [],
      disagreements: [],
      exit: 0,
    });
  });
});
