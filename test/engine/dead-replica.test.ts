import { expect, it } from 'vitest';
import { CALM_HEALTHCHECK, docker, ok, type ProxyKind, TestProject } from '../support/project.ts';

/** For so long a proxy may still ask who is gone: Caddy tries others for 4 s. */
const SETTLED_MS = 5000;
const TIGHT = { concurrency: 4, everyMs: 50 };

it.each<ProxyKind>(['caddy', 'nginx'])(
  'behind %s, a replica that dies while nobody deploys costs what it holds, and nothing that comes later',
  async (proxy) => {
    const project = await TestProject.create({ proxy });
    try {
      await project.edit({ web: { healthcheck: CALM_HEALTHCHECK, deploy: { replicas: 2 } } });
      await project.build('v1');
      await ok(project.deploy('v1'));
      const load = project.load({ kinds: { kept: TIGHT, fresh: TIGHT, post: TIGHT } });
      await load.waitFor((report) => report.ok > 200, 10_000, 'answers');
      const [replica] = await project.replicas();
      const dying = now();
      await docker.getContainer(replica?.id ?? '').kill();
      const dead = now();
      await load.waitFor(() => now() > dead + SETTLED_MS, 2 * SETTLED_MS, 'requests after it');

      const { failures } = await load.stop();
      // Only what must not be sent twice may be lost with who had it.
      const excused = (kind: string, startedAt: number): boolean => startedAt < (kind === 'post' ? dead : dying);
      expect(failures.filter(({ kind, startedAt }) => !excused(kind, startedAt))).toEqual([]);
    } finally {
      await project.dispose();
    }
  },
);

function now(): number {
  return performance.timeOrigin + performance.now();
}
