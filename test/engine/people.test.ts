import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask } from '../support/asking.ts';
import {
  AGENT,
  CALM_HEALTHCHECK,
  DETACHED,
  docker,
  ok,
  type ProxyKind,
  TestProject,
  until,
} from '../support/project.ts';

const LOAD = { kinds: { kept: 4, fresh: 4 } };
/** In no color, and used by both. */
const SHARED = ['db', ...(DETACHED ? [AGENT] : []), 'proxy'];

describe.each<ProxyKind>(['caddy', 'nginx'])('while v2 is live in green behind %s, a person types', (proxy) => {
  let project: TestProject;

  beforeEach(async () => {
    project = await TestProject.create({ proxy });
    await project.edit({
      web: { healthcheck: CALM_HEALTHCHECK },
      services: { db: { image: 'node:24-slim', command: ['node', '-e', 'setInterval(() => {}, 1000)'], init: true } },
    });
    await Promise.all(['v1', 'v2', 'v3'].map((version) => project.build(version)));
    await ok(project.deploy('v1'));
    await ok(project.deploy('v2'));
  });
  afterEach(() => project.dispose());

  it('docker compose up -d: the copies are never routed, status names them, cleanup removes them', async () => {
    const before = await everything(project);
    const load = project.load(LOAD);

    await project.compose(['up', '-d', '--wait']);
    const copies = (await project.containers()).filter((c) => c.color === null && c.service === 'web');
    expect(copies).toHaveLength(2);
    const { live, disagreements, leftovers } = await project.status();
    expect(live).toMatchObject({ version: 'v2', color: 'green' });
    expect(disagreements.map((d) => d.remedy)).toEqual(copies.map(() => 'docker-deploy-bg cleanup'));
    expect(leftovers.map((l) => l.name)).toEqual(copies.map((c) => c.name));

    await ok(project.deploy('v3'));
    await ok(project.run(['rollback']));
    await ok(project.run(['cleanup']));
    const report = await load.stop();
    expect(report.failures).toEqual([]);
    expect(report.byVersion['v1']).toBeUndefined();
    expect(await project.plainIds('web')).toEqual([]);
    expect(await project.plainIds(...SHARED)).toEqual(before.plain);
    expect(await project.status()).toMatchObject({
      live: { version: 'v2', color: 'green' },
      leftovers: [],
      disagreements: [],
    });
  });

  it('docker compose restart: the colors are not touched, and once it is up the proxy serves the live one', async () => {
    const before = await everything(project);
    await project.compose(['restart']);
    await until('the proxy to listen', async () => (await ask(project.url)).status === 200);
    const load = project.load(LOAD);
    await load.waitFor((report) => (report.byVersion['v2'] ?? 0) > 50, 10_000, 'answers of v2');
    const report = await load.stop();
    expect(report.failures).toEqual([]);
    expect(Object.keys(report.byVersion)).toEqual(['v2']);
    expect(await everything(project)).toEqual(before);
    expect(await project.status()).toMatchObject({ leftovers: [], disagreements: [] });
  });

  it('docker compose stop proxy: status names it, reset does not begin, and the next deploy starts it', async () => {
    await project.compose(['stop', 'proxy']);
    const start = 'docker compose up -d --no-deps proxy';
    expect((await project.status()).disagreements.map((d) => d.remedy)).toEqual([start]);
    expect(await project.run(['reset', '--force'])).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining(`start it: ${start}`) as string,
    });
    expect(await project.status()).toMatchObject({
      live: { version: 'v2', color: 'green' },
      lastRollout: { to: 'v2' },
    });

    await ok(project.deploy('v3'));
    await answersOnly(project, 'v3');
  });

  it('docker compose down: status names what is gone, and the next deploy brings it back beside the live color', async () => {
    const before = await everything(project);
    await project.compose(['down']);
    expect(await everything(project)).toEqual({ colors: before.colors, plain: [] });
    const { live, disagreements } = await project.status();
    expect(live).toMatchObject({ version: 'v2', color: 'green' });
    const remedies = SHARED.map((service) => `docker compose up -d --no-deps ${service}`);
    expect(disagreements.map((d) => d.remedy).sort()).toEqual(remedies);

    await ok(project.deploy('v3'));
    await answersOnly(project, 'v3');
    expect(await project.status()).toMatchObject({
      live: { version: 'v3', color: 'blue' },
      leftovers: [],
      disagreements: [],
    });
  });

  it('docker compose down over stopped colors: their network is gone, and a deploy creates them anew', async () => {
    for (const { id } of await project.replicas()) await docker.getContainer(id).stop({ t: 1 });
    await project.compose(['down']);
    expect((await project.status()).disagreements.map((d) => d.what)).toContain('web: 0 of 2 replicas run');

    await ok(project.deploy('v2'));
    await answersOnly(project, 'v2');
    expect(await project.status()).toMatchObject({ live: { version: 'v2' }, leftovers: [], disagreements: [] });
  });
});

/** Ids of the containers in a color, and of those in the person's own project. */
async function everything(project: TestProject) {
  const all = await project.containers();
  const ids = (colored: boolean) =>
    all
      .filter((c) => (c.color !== null) === colored)
      .map((c) => c.id)
      .sort();
  return { colors: ids(true), plain: ids(false) };
}

async function answersOnly(project: TestProject, version: string): Promise<void> {
  const load = project.load(LOAD);
  await until('answers', () => (load.report().byVersion[version] ?? 0) > 50);
  const report = await load.stop();
  expect(report.failures).toEqual([]);
  expect(Object.keys(report.byVersion)).toEqual([version]);
}
