import { cp, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, mixed, startAsking } from '../support/asking.ts';
import { CALM_HEALTHCHECK, docker, ok, type ProxyKind, TestProject, until, webService } from '../support/project.ts';

const CALM = { web: { healthcheck: CALM_HEALTHCHECK } };
const LOAD = { kinds: { kept: 4, fresh: 4 } };

describe.each<ProxyKind>(['caddy', 'nginx'])('after a restart of every container behind %s', (proxy) => {
  let project: TestProject;

  beforeEach(async () => {
    project = await TestProject.create({ proxy });
    // Another application beside: the proxy would find it where addresses have been swapped.
    await project.edit({ ...CALM, services: { other: { image: `${project.name}/other:1`, deploy: { replicas: 2 } } } });
    await project.build('1', { APP_VERSION: 'other' }, 'other');
    await Promise.all(['v1', 'v2', 'v3'].map((version) => project.build(version)));
  });
  afterEach(() => project.dispose());

  it('in another order, the proxy first, the right service answers in the right version, and status agrees', async () => {
    await ok(project.deploy('v1'));
    await ok(project.deploy('v2'));
    const before = await addresses(project);
    const [first, ...rest] = await proxyFirst(project);
    await Promise.all([first, ...rest].map((id) => docker.getContainer(id ?? '').stop({ t: 1 })));
    for (const id of [first, ...rest]) await docker.getContainer(id ?? '').start();

    await until('the proxy to answer', async () => (await ask(project.url)).status === 200);
    expect(await addresses(project)).not.toEqual(before);
    const load = project.load(LOAD);
    await load.waitFor((report) => (report.byVersion['v2'] ?? 0) > 100, 10_000, 'answers of v2');
    const report = await load.stop();
    expect(report.failures).toEqual([]);
    expect(Object.keys(report.byVersion)).toEqual(['v2']);
    expect(await project.status()).toMatchObject({ live: { version: 'v2' }, leftovers: [], disagreements: [] });

    await ok(project.deploy('v3'));
    expect(await project.status()).toMatchObject({ live: { version: 'v3' }, leftovers: [], disagreements: [] });
  });
});

describe('without its state', () => {
  let project: TestProject;

  beforeEach(async () => {
    project = await TestProject.create({ proxy: 'caddy' });
    await project.edit(CALM);
    await Promise.all(['v1', 'v2', 'v3'].map((version) => project.build(version)));
    await ok(project.deploy('v1'));
    await ok(project.deploy('v2'));
  });
  afterEach(() => project.dispose());

  it('a deploy finds by labels and proxy that green lives, and goes to blue without a loss', async () => {
    await project.remove('.deploy-bg');
    await project.remove('.deployment-color');
    expect(await project.status()).toMatchObject({ live: { version: 'v2', color: 'green' }, leftovers: [] });
    const load = project.load(LOAD);

    await ok(project.deploy('v3'));
    const report = await load.stop();
    expect(report.failures).toEqual([]);
    expect(report.byVersion['v1']).toBeUndefined();
    expect(await project.read('.deployment-color')).toBe('blue\n');
    expect((await project.replicas()).map((c) => c.color)).toEqual(['blue', 'blue']);
    expect(await project.status()).toMatchObject({
      live: { version: 'v3', color: 'blue' },
      leftovers: [],
      disagreements: [],
    });
  });

  it('a second checkout is refused, and owns the colors once it takes them over', async () => {
    const other = await realpath(await mkdtemp(join(tmpdir(), 'dbg-checkout-')));
    try {
      // Where two checkouts deploy one project, the proxy's folder is in neither of them: by its full path in both.
      const compose = (await project.read('compose.yml')).replace('./proxy:', `${project.directory}/proxy:`);
      await project.write('compose.yml', compose);
      await cp(join(project.directory, 'compose.yml'), join(other, 'compose.yml'));
      const before = (await project.containers()).map((c) => c.id).sort();
      const load = project.load(LOAD);
      for (const args of [['deploy', 'v3'], ['rollback'], ['cleanup'], ['reset', '--yes']])
        expect(await project.run(args, { cwd: other })).toMatchObject({ exit: 5 });
      expect((await project.containers()).map((c) => c.id).sort()).toEqual(before);

      await ok(project.run(['deploy', 'v3', '--take-over'], { cwd: other }));
      expect((await load.stop()).failures).toEqual([]);
      expect(await project.deploy('v1')).toMatchObject({ exit: 5 });
      const { stdout } = await project.run(['status', '--json'], { cwd: other });
      expect(JSON.parse(stdout)).toMatchObject({
        live: { version: 'v3', color: 'blue' },
        leftovers: [],
        disagreements: [],
      });
    } finally {
      await rm(other, { recursive: true, force: true });
    }
  });

  it('what calls a service of its color still does while state, proxy and colors come back', async () => {
    await project.edit({
      ...CALM,
      services: { api: webService(project, { 'x-deploy-bg': {}, healthcheck: CALM_HEALTHCHECK }) },
    });
    await ok(project.deploy('v3'));
    const [proxy = '', ...rest] = await proxyFirst(project);
    await Promise.all([proxy, ...rest].map((id) => docker.getContainer(id).stop({ t: 1 })));
    await project.remove('.deploy-bg');
    for (const id of [proxy, ...rest]) await docker.getContainer(id).start();
    await until('web to answer', async () => (await ask(project.url)).status === 200);
    await until('api to answer', async () => (await ask(`${project.url}/upstream?service=api`)).status === 200);
    const asking = startAsking(`${project.url}/upstream?service=api`);
    await ok(project.deploy('v1'));
    expect(mixed(await asking.stop())).toEqual([]);
    expect(await project.status()).toMatchObject({ live: { version: 'v1' }, leftovers: [], disagreements: [] });
  });
});

/** Ids of all containers: the proxy's first, then the others, those started last before those started first. */
async function proxyFirst(project: TestProject): Promise<readonly string[]> {
  const all = await project.containers();
  const youngest = [...all].sort((a, b) => b.createdAt - a.createdAt);
  const [proxy] = youngest.filter((c) => c.service === 'proxy');
  return [...(proxy === undefined ? [] : [proxy.id]), ...youngest.filter((c) => c !== proxy).map((c) => c.id)];
}

/** Who is where on the project's own network. */
async function addresses(project: TestProject): Promise<Readonly<Record<string, string | undefined>>> {
  const network = `${project.name}_default`;
  return Object.fromEntries((await project.containers()).map((c) => [c.name, c.addresses[network]]));
}
