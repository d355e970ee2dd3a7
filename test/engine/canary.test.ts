import { afterEach, describe, expect, it } from 'vitest';
import { CALM_HEALTHCHECK, type ProxyKind, TestProject } from '../support/project.ts';
import { expectServesAlone, LIGHT, storeOf, versionsFor } from '../support/state.ts';

let project: TestProject;
afterEach(() => project.dispose());

function canary(steps: readonly unknown[], replicas = 2): Record<string, unknown> {
  return {
    healthcheck: CALM_HEALTHCHECK,
    deploy: { replicas, update_config: { monitor: '1s' } },
    'x-deploy-bg': { strategy: 'canary', steps, route: { port: 3000, probe: { path: '/health' } } },
  };
}

/** The candidate's replicas, and the share of the traffic that the proxy confirmed for it. */
async function shape(version: string): Promise<{ readonly replicas: number; readonly weight: number | null }> {
  const replicas = (await project.replicas()).filter((c) => c.version === version).length;
  const record = (await storeOf(project).rollouts()).at(-1);
  return { replicas, weight: record?.weight ?? null };
}

describe.each<ProxyKind>(['caddy', 'nginx'])('a canary behind %s', (proxy) => {
  it('C01 C07 goes step by step: replicas and weight follow, pauses wait for a person, nothing is lost', async () => {
    project = await TestProject.create({ proxy, web: canary([25, { pause: {} }, 75, { pause: {} }], 4) });
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    const load = project.load(LIGHT);
    expect(await project.deploy('v2')).toMatchObject({ exit: 3 });
    expect(await shape('v2')).toEqual({ replicas: 1, weight: 25 });
    expect(await project.run(['promote'])).toMatchObject({ exit: 3 });
    expect(await shape('v2')).toEqual({ replicas: 3, weight: 75 });
    const promoted = await project.run(['promote']);
    expect(promoted, promoted.stderr).toMatchObject({ exit: 0 });
    expect((await load.stop()).failures).toEqual([]);
    expect((await project.replicas()).map((c) => c.version)).toEqual(['v2', 'v2', 'v2', 'v2']);
    expect(await project.status()).toMatchObject({ live: { version: 'v2' }, leftovers: [], disagreements: [] });
  });

  it('C09 abort at a weight sends everything back, and retry begins again', async () => {
    project = await TestProject.create({ proxy, web: canary([50, { pause: {} }]) });
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    const stable = (await project.replicas()).map((c) => c.id);
    const load = project.load(LIGHT);
    expect(await project.deploy('v2')).toMatchObject({ exit: 3 });
    expect(await project.run(['abort'])).toMatchObject({ exit: 1 });
    expect((await project.replicas()).map((c) => c.id)).toEqual(stable);
    expect(await project.run(['retry'])).toMatchObject({ exit: 3 });
    expect(await shape('v2')).toEqual({ replicas: 1, weight: 50 });
    const promoted = await project.run(['promote']);
    expect(promoted, promoted.stderr).toMatchObject({ exit: 0 });
    expect((await load.stop()).failures).toEqual([]);
    await expectServesAlone(project, { version: 'v2', color: 'green', releases: ['v1', 'v2'] });
  });

  it('C21 C24 only requests that match reach the candidate, and then a share of the clients, which keep it', async () => {
    const match = { headers: { 'x-canary': 'insider' } };
    const web = canary([{ match }, { pause: {} }, { match: null }, 50, { pause: {} }]);
    const settings = { ...(web['x-deploy-bg'] as object), sticky: { cookie: 'side', max_age: '1h' } };
    project = await TestProject.create({ proxy, web: { ...web, 'x-deploy-bg': settings } });
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    const deployed = await project.deploy('v2');
    expect(deployed, deployed.stderr).toMatchObject({ exit: 3 });
    expect(await versionsFor(project, { 'x-canary': 'insider' })).toEqual(['v2']);
    expect(await versionsFor(project, {})).toEqual(['v1']);

    const promoted = await project.run(['promote']);
    expect(promoted, promoted.stderr).toMatchObject({ exit: 3 });
    expect(await versionsFor(project, {})).toEqual(['v1', 'v2']);
    const first = await fetch(`${project.url}/`);
    const { version } = (await first.json()) as { version: string };
    const cookie = first.headers
      .getSetCookie()
      .map((each) => each.split(';')[0])
      .join('; ');
    expect(await versionsFor(project, { cookie })).toEqual([version]);
    expect(await project.run(['promote'])).toMatchObject({ exit: 0 });
    expect(await versionsFor(project, { cookie })).toEqual(['v2']);
  });

  it('C25 a candidate that dies at a timed pause is taken back by itself', async () => {
    project = await TestProject.create({ proxy, web: canary([10, { pause: '20s' }]) });
    await project.build('v1');
    await project.build('v2', { APP_DIES_AFTER_READY_MS: '3000' });
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    const stable = (await project.replicas()).map((c) => c.id);
    expect(await project.deploy('v2')).toMatchObject({ exit: 1 });
    expect((await project.replicas()).map((c) => c.id)).toEqual(stable);
    expect(await project.status()).toMatchObject({ live: { version: 'v1' }, leftovers: [], disagreements: [] });
  });
});

describe('a canary behind nginx, which alone can mirror', () => {
  const CANDIDATE_MS = 2000;

  it('C20 copies requests to the candidate, whose answers nobody sees or waits for', async () => {
    const steps = [{ mirror: 100 }, { pause: {} }, { mirror: 0 }, 10, { pause: {} }];
    project = await TestProject.create({ proxy: 'nginx', web: canary(steps) });
    await project.build('v1');
    await project.build('v2', { APP_ANSWERS_AFTER_MS: String(CANDIDATE_MS) });
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    const load = project.load(LIGHT);
    const deployed = await project.deploy('v2');
    expect(deployed, deployed.stderr).toMatchObject({ exit: 3 });
    for (let asked = 0; asked < 20; asked += 1) {
      const began = performance.now();
      const answer = await fetch(`${project.url}/`, { headers: { connection: 'close' } });
      expect(await answer.json()).toMatchObject({ version: 'v1' });
      expect(performance.now() - began).toBeLessThan(CANDIDATE_MS);
    }
    expect(await copies('v2')).toBeGreaterThanOrEqual(20);
    expect(load.report().byVersion).not.toHaveProperty('v2');

    expect(await project.run(['promote'])).toMatchObject({ exit: 3 });
    expect(await shape('v2')).toEqual({ replicas: 1, weight: 10 });
    expect(await project.run(['abort'])).toMatchObject({ exit: 1 });
    expect((await load.stop()).failures).toEqual([]);
    expect(await project.status()).toMatchObject({ live: { version: 'v1' }, leftovers: [], disagreements: [] });
  });

  /** Requests that the replicas of a version have had, answered or not. */
  async function copies(version: string): Promise<number> {
    const replicas = (await project.replicas()).filter((c) => c.version === version);
    const counts = replicas.map(async ({ addresses }) => {
      const answer = await fetch(`http://${Object.values(addresses)[0] ?? ''}:3000/inflight`);
      const { finished, inFlight, cut } = (await answer.json()) as Record<'finished' | 'inFlight' | 'cut', number>;
      return finished + inFlight + cut;
    });
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }
});

describe('a canary without a route', () => {
  it('C03 is a share of the replicas, and ends with all of them', async () => {
    project = await TestProject.create({ proxy: 'caddy' });
    const worker = {
      image: `${project.name}/app:\${VERSION:-v1}`,
      healthcheck: CALM_HEALTHCHECK,
      deploy: { replicas: 3, update_config: { monitor: '1s' } },
      'x-deploy-bg': { strategy: 'canary', steps: [10, { pause: {} }] },
    };
    await project.edit({ services: { worker } });
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    expect(await project.deploy('v2', '--services', 'worker')).toMatchObject({ exit: 3 });
    const tags = async (): Promise<readonly string[]> =>
      (await project.replicas('worker')).map((c) => c.image.split(':').at(-1) ?? '').sort();
    expect(await tags()).toEqual(['v1', 'v1', 'v1', 'v2']);
    const promoted = await project.run(['promote']);
    expect(promoted, promoted.stderr).toMatchObject({ exit: 0 });
    expect(await tags()).toEqual(['v2', 'v2', 'v2']);
  });
});
