import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask } from '../support/asking.ts';
import { CALM_HEALTHCHECK, ok, type ProxyKind, TestProject, until } from '../support/project.ts';

/** Ends and starts the engine of these tests; set by scripts/own-engine, so that nobody else's engine is killed. */
const OWN_ENGINE = process.env['DEPLOY_BG_TEST_DOCKERD'];
const RESTART = { restart: 'always' };

describe.skipIf(OWN_ENGINE === undefined).each<ProxyKind>(['caddy', 'nginx'])(
  'when the engine is restarted while v2 serves behind %s',
  (proxy) => {
    let project: TestProject;

    beforeEach(async () => {
      project = await TestProject.create({ proxy });
      await project.edit({
        web: { ...RESTART, healthcheck: CALM_HEALTHCHECK },
        services: { other: { image: `${project.name}/other:1`, deploy: { replicas: 2 }, ...RESTART } },
        proxyService: RESTART,
      });
      await project.build('1', { APP_VERSION: 'other' }, 'other');
      await Promise.all(['v1', 'v2', 'v3'].map((version) => project.build(version)));
      await ok(project.deploy('v1'));
      await ok(project.deploy('v2'));
    });
    afterEach(() => project.dispose());

    it.each(['TERM', 'KILL'])('by SIG%s, v2 answers once it is up, status agrees and deploys go on', async (signal) => {
      await execa(OWN_ENGINE ?? '', ['restart', signal]);
      await until('v2 to answer', async () => (await ask(project.url)).status === 200);
      const load = project.load({ kinds: { kept: 4, fresh: 4 } });
      await load.waitFor((report) => (report.byVersion['v2'] ?? 0) > 100, 10_000, 'answers of v2');
      expect(Object.keys(load.report().byVersion)).toEqual(['v2']);
      expect(await project.status()).toMatchObject({ live: { version: 'v2' }, leftovers: [], disagreements: [] });

      await ok(project.deploy('v3'));
      expect((await load.stop()).failures).toEqual([]);
      expect(await project.status()).toMatchObject({ live: { version: 'v3' }, leftovers: [], disagreements: [] });
    });
  },
);
