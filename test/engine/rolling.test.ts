import { afterEach, describe, expect, it } from 'vitest';
import type { ObservedContainer } from '../../src/core/observed.ts';
import { CALM_HEALTHCHECK, docker, type ProxyKind, TestProject } from '../support/project.ts';
import { LIGHT } from '../support/state.ts';

let project: TestProject;
afterEach(() => project.dispose());

/** A routed service that is replaced in place, a replica at a time. */
function rolling(update: Readonly<Record<string, unknown>> = {}, replicas = 3): Record<string, unknown> {
  return {
    healthcheck: CALM_HEALTHCHECK,
    deploy: { replicas, update_config: { monitor: '1s', ...update } },
    'x-deploy-bg': { strategy: 'rolling', route: { port: 3000, probe: { path: '/health' } } },
  };
}

function images(replicas: readonly ObservedContainer[]): readonly string[] {
  return replicas.map((c) => c.image.split(':').at(-1) ?? '').sort();
}

describe.each<ProxyKind>(['caddy', 'nginx'])('a rolling deploy behind %s', (proxy) => {
  it('replaces replicas in place without one failed request, and Compose then finds nothing to do', async () => {
    project = await TestProject.create({ proxy, web: rolling() });
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    const load = project.load(LIGHT);
    const deployed = await project.deploy('v2');
    expect(deployed, deployed.stderr).toMatchObject({ exit: 0 });
    const rolledBack = await project.run(['rollback']);
    expect(rolledBack, rolledBack.stderr).toMatchObject({ exit: 0 });
    expect((await load.stop()).failures).toEqual([]);

    const before = (await project.replicas()).map((c) => c.id).sort();
    expect(images(await project.replicas())).toEqual(['v1', 'v1', 'v1']);
    await project.compose(['up', '-d', '--no-build'], 'v1');
    expect((await project.replicas()).map((c) => c.id).sort()).toEqual(before);
    expect(await project.status()).toMatchObject({ leftovers: [], disagreements: [] });
  });
});

describe('a rolling deploy', () => {
  it('U29 all of v2 exiting at once keeps the three containers of v1, never stopped', async () => {
    project = await TestProject.create({ proxy: 'caddy', web: rolling({ parallelism: 0 }) });
    await project.build('v1');
    await project.build('v2', { APP_EXIT_AFTER_MS: '100' });
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    const load = project.load(LIGHT);
    const before = await project.replicas();
    expect(await project.deploy('v2')).toMatchObject({ exit: 1 });
    expect((await load.stop()).failures).toEqual([]);
    const after = await project.replicas();
    expect(after.map(({ id, startedAt }) => [id, startedAt])).toEqual(
      before.map(({ id, startedAt }) => [id, startedAt]),
    );
    expect((await project.containers()).filter((c) => c.service === 'web')).toHaveLength(3);
  });

  it('takes over what docker compose up left, also where a replica is doubled or has exited', async () => {
    project = await TestProject.create({ proxy: 'caddy', web: rolling({}, 2) });
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    await project.compose(['up', '-d', '--scale', 'web=3']);
    const [first] = await project.replicas();
    await docker.getContainer(first?.id ?? '').kill();
    const load = project.load(LIGHT);
    const deployed = await project.deploy('v2');
    expect(deployed, deployed.stderr).toMatchObject({ exit: 0 });
    expect((await load.stop()).byVersion['v2'] ?? 0).toBeGreaterThan(0);
    expect(images(await project.replicas())).toEqual(['v2', 'v2']);
    expect((await project.containers()).filter((c) => c.service === 'web')).toHaveLength(2);
  });

  it('U01 of a service without a route, stop-first, is done replica by replica', async () => {
    const worker = {
      healthcheck: CALM_HEALTHCHECK,
      deploy: { replicas: 2, update_config: { monitor: '1s', order: 'stop-first' } },
      'x-deploy-bg': { strategy: 'rolling' },
    };
    project = await TestProject.create({ proxy: 'caddy' });
    await project.edit({ services: { worker: { ...worker, image: `${project.name}/app:\${VERSION:-v1}` } } });
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    const load = project.load(LIGHT);
    const deployed = await project.deploy('v2');
    expect(deployed, deployed.stderr).toMatchObject({ exit: 0 });
    expect((await load.stop()).failures).toEqual([]);
    expect(images(await project.replicas('worker'))).toEqual(['v2', 'v2']);
    expect(images(await project.replicas('web'))).toHaveLength(2);
  });
});
