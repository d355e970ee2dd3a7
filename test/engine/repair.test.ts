import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { docker, engine, ok, type ProxyKind, TestProject } from '../support/project.ts';
import { expectServesAlone, LIGHT } from '../support/state.ts';

let project: TestProject;
afterEach(() => project.dispose());

/** A file that the proxy reads. */
const GENERATED: Readonly<Record<ProxyKind, string>> = { caddy: 'routes.caddy', nginx: 'http.conf' };

it.each<ProxyKind>(['caddy', 'nginx'])(
  'behind %s: what people and crashes left is named, shown, and settled by cleanup without one lost request',
  async (proxy) => {
    project = await TestProject.create({ proxy });
    await Promise.all([project.build('v1'), project.build('v2')]);
    await ok(project.deploy('v1'));
    await ok(project.deploy('v2'));
    const live = (await project.replicas()).map(({ id }) => id).sort();
    const load = project.load(LIGHT);
    await load.waitFor((report) => (report.byVersion['v2'] ?? 0) > 20, 10_000, 'answers of v2');

    await writeFile(join(project.directory, '.deployment-color'), 'blue\n');
    await appendFile(join(project.directory, 'proxy', 'deploy-bg', GENERATED[proxy]), '# by hand\n');
    await project.compose(['up', '-d', '--no-deps', '--scale', 'web=1', 'web']);
    await docker.createNetwork({
      Name: `${project.name}-blue_x`,
      Labels: { 'com.docker.compose.project': `${project.name}-blue` },
    });
    await engine.tag(project.image('v1'), `deploy-bg/${project.name}/web:forgotten`);

    const { disagreements, leftovers } = await project.status();
    expect(disagreements.map(({ what }) => what)).toEqual([
      '.deployment-color says blue, but green serves',
      'the proxy’s generated files were changed by hand',
      `${project.name}-web-1 runs beside the colors: other services find it as web`,
    ]);
    const left = [
      `container ${project.name}-web-1`,
      `network ${project.name}-blue`,
      `image tag deploy-bg/${project.name}/web:forgotten`,
    ];
    expect(leftovers.map(({ kind, name }) => `${kind} ${name}`)).toEqual(left);

    const { stdout } = await ok(project.run(['cleanup', '--dry-run']));
    const { stdout: done } = await ok(project.run(['cleanup']));
    for (const each of ['file .deployment-color', 'proxy proxy', ...left]) {
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain(each);
      expect(done.replaceAll(/\s+/g, ' ')).toContain(each);
    }
    await expectServesAlone(project, { version: 'v2', color: 'green', releases: ['v1', 'v2'] });
    expect((await project.replicas()).map(({ id }) => id).sort()).toEqual(live);
    await project.proxyAccepts();
    expect((await load.stop()).failures).toEqual([]);
  },
);
