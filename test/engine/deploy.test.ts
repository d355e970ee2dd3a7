import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Load } from '../../demo/load/load.ts';
import { docker, type ProjectOptions, type ProxyKind, TestProject } from '../support/project.ts';
import { beginUpload } from '../support/upload.ts';

/** Everything but websockets, which people keep open: those hold a drain until its time is over. */
const WITHOUT_WEBSOCKETS = { kept: 4, fresh: 2, post: 2, slow: 2, stream: 2 };

describe.each<ProxyKind>(['caddy', 'nginx'])('deploys behind %s', (proxy) => {
  let project: TestProject;

  afterEach(() => project.dispose());

  async function given(options: Partial<ProjectOptions>, behaviour: Record<string, string> = {}): Promise<void> {
    project = await TestProject.create({ proxy, ...options });
    await Promise.all(['v1', 'v2', 'v3'].map((version) => project.build(version, behaviour)));
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
  }

  /** Deploys a version over another one while requests run, and holds the report to its word. */
  async function switchesCleanly(load: Load, old: string, version: string): Promise<void> {
    await load.waitFor((report) => (report.byVersion[old] ?? 0) > 100, 10_000, `answers of ${old}`);
    const deployed = await project.deploy(version);
    expect(deployed, deployed.stderr).toMatchObject({ exit: 0 });
    await load.waitFor((report) => (report.byVersion[version] ?? 0) > 100, 10_000, `answers of ${version}`);
    expect(load.report().newRequestsAnsweredBy(old, { startedAfter: deployed.endedAt })).toEqual([]);
    expect((await project.replicas()).map((c) => c.version)).toEqual([version, version]);
  }

  it('v1, v2 and v3 under every kind of load lose nothing, and nothing new reaches the old version after the report', async () => {
    await given({});
    const load = project.load();
    await switchesCleanly(load, 'v1', 'v2');
    await switchesCleanly(load, 'v2', 'v3');
    const report = await load.stop();
    expect(report.failures).toEqual([]);
    for (const kind of ['kept', 'fresh', 'post', 'slow', 'stream', 'websocket'] as const) {
      expect(report.byKind[kind]?.ok, kind).toBeGreaterThan(0);
    }
    expect(await project.status()).toMatchObject({
      live: { version: 'v3', color: 'blue' },
      leftovers: [],
      disagreements: [],
      exit: 0,
    });
  });

  it('over TLS, with HTTP/2 beside HTTP/1.1, lose nothing', async () => {
    await given({ tls: true });
    const url = `https://127.0.0.1:${String(project.tlsPort)}`;
    const load = project.load({ url, host: 'localhost', kinds: { ...WITHOUT_WEBSOCKETS, 'kept-h2': 4 } });
    await switchesCleanly(load, 'v1', 'v2');
    const report = await load.stop();
    expect(report.failures).toEqual([]);
    expect(report.byKind['kept-h2']?.ok).toBeGreaterThan(0);
  });

  it('of an application that exits at once on SIGTERM lose nothing, because it is stopped only when it is idle', async () => {
    await given({}, { APP_ON_SIGTERM: 'exit' });
    const load = project.load({ kinds: WITHOUT_WEBSOCKETS });
    await switchesCleanly(load, 'v1', 'v2');
    expect((await load.stop()).failures).toEqual([]);
  });

  it('answer requests whose body takes longer than they do', async () => {
    await given({});
    const upload = await beginUpload(project.url);
    const deployed = project.deploy('v2');
    const answers = async (): Promise<string | null> => (await fetch(project.url)).headers.get('x-version');
    await expect.poll(answers, { timeout: 30_000 }).toBe('v2');
    // Caddy passes bodies on as they come, so that the old version has a part of it and stays; nginx keeps them until they are whole.
    if (proxy === 'nginx') expect(await deployed).toMatchObject({ exit: 0 });
    expect(await upload.finish()).toBe(200);
    expect(await deployed).toMatchObject({ exit: 0 });
  });
});

describe('the end of an old replica', () => {
  let project: TestProject;

  afterEach(() => project.dispose());

  it('begins with its pre_stop hooks, while it still runs', async () => {
    const command = ['node', '-e', 'require("fs").appendFileSync("/out/stopped", process.env.APP_VERSION + "\\n")'];
    project = await TestProject.create({ proxy: 'caddy', web: { volumes: ['./out:/out'], pre_stop: [{ command }] } });
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    expect(await project.deploy('v2')).toMatchObject({ exit: 0 });
    expect(await readFile(join(project.directory, 'out', 'stopped'), 'utf8')).toBe('v1\nv1\n');
  });
});

describe('a tag that moves', () => {
  let project: TestProject;

  beforeEach(async () => {
    project = await TestProject.create({ proxy: 'caddy' });
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    await docker.getImage(project.image('v1')).tag({ repo: `${project.name}/app`, tag: 'latest' });
  });
  afterEach(() => project.dispose());

  it('is a change when its image changed, and nothing to do when it did not', async () => {
    expect(await project.deploy('latest')).toMatchObject({ exit: 0 });
    const before = (await project.replicas()).map((c) => c.id);
    expect(await project.deploy('latest')).toMatchObject({ exit: 0 });
    expect((await project.replicas()).map((c) => c.id)).toEqual(before);

    await docker.getImage(project.image('v2')).tag({ repo: `${project.name}/app`, tag: 'latest' });
    const load = project.load({ kinds: { kept: 4, fresh: 2, post: 2 } });
    expect(await project.deploy('latest')).toMatchObject({ exit: 0 });
    const v2 = await docker.getImage(project.image('v2')).inspect();
    expect((await project.replicas()).map((c) => c.imageId)).toEqual([v2.Id, v2.Id]);
    expect((await load.stop()).failures).toEqual([]);
  });
});
