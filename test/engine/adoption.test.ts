import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mixed, startAsking } from '../support/asking.ts';
import { CALM_HEALTHCHECK, engine, ok, type ProxyKind, TestProject, webService } from '../support/project.ts';

/** Requests on fresh and on kept connections, and slow ones that are in flight at every switch. */
const LOAD = { kinds: { kept: 6, fresh: 4, post: 2, slow: 2 } };

const CALM = { web: { healthcheck: CALM_HEALTHCHECK } };

/** What a person wrote before they knew of us. */
const BY_HAND: Readonly<Record<ProxyKind, readonly [string, string]>> = {
  caddy: ['proxy/Caddyfile', ':80 {\n\treverse_proxy web:3000\n}\n'],
  nginx: [
    'proxy/nginx.conf',
    'events {}\nhttp {\n  server {\n    listen 80;\n    location / {\n      proxy_pass http://web:3000;\n    }\n  }\n}\n',
  ],
};

describe.each<ProxyKind>(['caddy', 'nginx'])('a project that runs without colors behind %s', (proxy) => {
  let project: TestProject;

  beforeEach(async () => {
    project = await TestProject.create({ proxy });
    await project.edit(CALM);
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    await project.build('v3', { APP_EXIT_AFTER_MS: '100' });
  });
  afterEach(() => project.dispose());

  it('is taken over from the proxy configuration that a person wrote, and its callers are not mixed', async () => {
    await project.edit({
      ...CALM,
      services: { api: webService(project, { 'x-deploy-bg': {}, healthcheck: CALM_HEALTHCHECK }) },
    });
    const [file] = BY_HAND[proxy];
    const imports = await project.read(file);
    await project.write(...BY_HAND[proxy]);
    await project.compose(['up', '-d', '--wait', 'web', 'api']);
    await project.compose(['up', '-d', '--wait']);
    const uncolored = await project.plainIds('web', 'api');
    // The person now follows our README: x-deploy-bg and the mount stand in the compose file, the import line follows.
    await project.write(file, imports);

    // The first deploy makes the proxy load that line. A reload is the proxy's own and loses what it loses (Caddy two
    // of a thousand new connections), whoever asks for it; from here on no switch needs one that is not prepared.
    const failed = await project.deploy('v3');
    expect(failed.exit, failed.stderr).toBe(1);
    expect(await project.plainIds('web', 'api')).toEqual(uncolored);
    expect(await project.status()).toMatchObject({ live: { color: null }, leftovers: [], disagreements: [] });

    const load = project.load(LOAD);
    const asking = startAsking(`${project.url}/upstream?service=api`);
    await ok(project.deploy('v2'));
    const report = await load.stop();
    expect(report.failures).toEqual([]);
    expect(Object.keys(report.byVersion).sort()).toEqual(['v1', 'v2']);
    expect(mixed(await asking.stop())).toEqual([]);
    expect(await project.plainIds('web', 'api')).toEqual([]);
    expect(await project.status()).toMatchObject({
      live: { version: 'v2', color: 'blue' },
      leftovers: [],
      disagreements: [],
    });
  });

  it('is given back by reset and taken over again, under load and without a trace', async () => {
    await ok(project.deploy('v1'));
    await ok(project.deploy('v2'));
    const load = project.load(LOAD);

    await ok(project.run(['reset', '--yes']));
    expect(await project.compose(['up', '-d', '--dry-run'], 'v2')).not.toMatch(/Creat|Recreat|Start|Stop|Remov/);
    expect((await project.containers()).filter((c) => c.color !== null)).toEqual([]);
    expect(await engine.pinnedTags(project.name)).toEqual([]);
    expect(await readdir(project.directory)).toEqual(['compose.yml', 'proxy']);
    expect(await engine.composeProjectsWithNetworks(places(project))).toEqual([project.name]);
    expect(await project.status()).toMatchObject({ live: { color: null }, leftovers: [], disagreements: [] });
    await project.proxyAccepts();

    await ok(project.deploy('v1'));
    expect((await load.stop()).failures).toEqual([]);
    expect(await project.plainIds('web')).toEqual([]);
    expect(await project.status()).toMatchObject({ live: { version: 'v1', color: 'blue' }, disagreements: [] });
  });

  it('a change of replicas keeps what there is: 2, 4 and 2 again', async () => {
    await ok(project.deploy('v1'));
    const two = await ids(project);
    const load = project.load(LOAD);

    await project.edit({ web: { ...CALM.web, deploy: { replicas: 4, update_config: { monitor: '1s' } } } });
    await ok(project.deploy('v1'));
    const four = await ids(project);
    expect(four.slice(0, 2)).toEqual(two);
    expect(four).toHaveLength(4);
    expect(await project.status()).toMatchObject({ live: { color: 'blue' }, services: [{ ready: 4, weight: 100 }] });

    await project.edit(CALM);
    await ok(project.deploy('v1'));
    expect(await ids(project)).toEqual(two);
    expect((await load.stop()).failures).toEqual([]);
    expect(await project.status()).toMatchObject({ live: { color: 'blue' }, leftovers: [], disagreements: [] });
  });
});

describe('what has not changed', () => {
  let project: TestProject;

  beforeEach(async () => {
    project = await TestProject.create({ proxy: 'caddy' });
  });
  afterEach(() => project.dispose());

  it('is left alone: the version that serves, and a tag that did not move; a tag that moved is a change', async () => {
    await project.build('latest', { APP_VERSION: 'monday' });
    await ok(project.deploy('latest'));
    const before = await ids(project);
    expect(await ok(project.deploy('latest'))).toMatchObject({ exit: 0 });
    expect(await ids(project)).toEqual(before);

    await project.build('latest', { APP_VERSION: 'tuesday' });
    const load = project.load({ kinds: { kept: 4, fresh: 4 } });
    await ok(project.deploy('latest'));
    const report = await load.waitFor((r) => (r.byVersion['tuesday'] ?? 0) > 20, 10_000, 'answers of tuesday');
    await load.stop();
    expect(report.failures).toEqual([]);
    const after = await ids(project);
    expect(after).toHaveLength(2);
    expect(after.filter((id) => before.includes(id))).toEqual([]);
  });

  it('cannot be deployed under another version: nothing depends on it', async () => {
    await project.build('fixed');
    await project.edit({ web: { image: project.image('fixed') } });
    await ok(project.deploy('v1'));
    const before = await ids(project);
    expect(await project.deploy('v2')).toMatchObject({ exit: 2 });
    expect(await ids(project)).toEqual(before);
    expect(await project.status()).toMatchObject({ live: { version: 'v1' }, lastRollout: { to: 'v1' } });
  });
});

/** Ids of the replicas of web in the order of their slots. */
async function ids(project: TestProject): Promise<readonly string[]> {
  return [...(await project.replicas())].sort((a, b) => a.number - b.number).map((c) => c.id);
}

function places(project: TestProject): readonly string[] {
  return [project.name, `${project.name}-blue`, `${project.name}-green`];
}
