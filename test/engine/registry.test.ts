import { afterEach, describe, expect, it } from 'vitest';
import { docker, ok, TestProject } from '../support/project.ts';
import { type Failing, type FailingRegistry, startRegistry } from '../support/registry.ts';
import { expectError, expectServesAlone, LIGHT } from '../support/state.ts';

const V1 = { version: 'v1', color: 'blue', releases: ['v1'] } as const;

let project: TestProject;
let registry: FailingRegistry;

/** v1 serves; its image is here, and that of every other version is asked for. */
async function begin(failing: Failing): Promise<string> {
  project = await TestProject.create({ proxy: 'caddy' });
  registry = await startRegistry(failing);
  const repository = `${registry.host}/${project.name}`;
  await project.edit({ web: { image: `${repository}:\${VERSION:-v1}` } });
  await project.build('v1');
  await docker.getImage(project.image('v1')).tag({ repo: repository, tag: 'v1' });
  await ok(project.deploy('v1'));
  return `${repository}:v1`;
}

afterEach(async () => {
  await project.dispose();
  await registry.close();
});

describe('a registry that stalls', () => {
  it.each<Failing>(['silent', 'stalling'])('%s, ends with --timeout', async (failing) => {
    await begin(failing);
    const load = project.load(LIGHT);
    const run = await project.deploy('v2', '--timeout', '5s');
    expectError(run, { exit: 124, code: 'timeout' });
    expect(run.stderr).toContain(`${registry.host}/${project.name}:v2`);
    await expectServesAlone(project, V1);
    expect((await load.stop()).failures).toEqual([]);
  });

  it('ends with Ctrl-C, which goes to this process alone', async () => {
    await begin('stalling');
    const deploying = project.spawn(['deploy', 'v2']);
    await registry.asked;
    deploying.kill('SIGINT');
    expect((await deploying).exitCode).toBe(130);
    await expectServesAlone(project, V1);
  });
});
