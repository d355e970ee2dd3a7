import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Relay, startRelay } from '../../demo/load/relay.ts';
import { ok, type ProxyKind, TestProject } from '../support/project.ts';

const ROUNDS = 10;
/** Twenty rollouts: a minute where nothing else runs, several on a machine that is busy. */
const TIMEOUT_MS = 900_000;

describe.each<ProxyKind>(['caddy', 'nginx'])('20 switches back and forth behind %s', (proxy) => {
  let project: TestProject;
  let relay: Relay;

  beforeEach(async () => {
    project = await TestProject.create({ proxy });
    await project.edit({
      web: { healthcheck: { disable: true }, deploy: { replicas: 2, update_config: { monitor: '0s' } } },
      settings: { retire_after: '10m' },
    });
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    relay = await startRelay({ target: { port: project.port }, roundTripMs: 50 });
  });
  afterEach(async () => {
    await project.dispose();
    await relay.close();
  });

  it(
    'lose nothing, neither near by nor over 90 kept connections at 50 ms round trip',
    async () => {
      await ok(project.deploy('v1'));
      const near = project.load({ kinds: { kept: 6, fresh: 4, post: 2, slow: 2 } });
      const far = project.load({
        url: `http://127.0.0.1:${String(relay.port)}`,
        kinds: { kept: { concurrency: 90, everyMs: 600 } },
      });
      for (let round = 0; round < ROUNDS; round += 1) {
        await ok(project.deploy('v2'));
        const back = await ok(project.run(['rollback']));
        await near.waitFor((report) => (report.byVersion['v1'] ?? 0) > 0, 10_000, 'answers of v1');
        expect(near.report().newRequestsAnsweredBy('v2', { startedAfter: back.endedAt })).toEqual([]);
      }
      const reports = [await near.stop(), await far.stop()];
      expect(reports.flatMap((report) => report.failures)).toEqual([]);
      for (const { byVersion } of reports) expect(Object.keys(byVersion).sort()).toEqual(['v1', 'v2']);
      expect(await project.status()).toMatchObject({ live: { version: 'v1', color: 'blue' }, disagreements: [] });
    },
    TIMEOUT_MS,
  );
});
