import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { docker, type ProxyKind, TestProject } from '../support/project.ts';
import { containerIds, environments, expectError, expectServesAlone, LIGHT } from '../support/state.ts';

const OPTIONS = {
  web: { deploy: { replicas: 2, update_config: { monitor: '0s' } }, environment: { GREETING: '${GREETING:-}' } },
};

let project: TestProject;

async function deployed(...versions: readonly string[]): Promise<void> {
  await Promise.all(versions.map((version) => project.build(version)));
  for (const version of versions) {
    const run = await project.deploy(version);
    expect(run, run.stderr).toMatchObject({ exit: 0 });
  }
}

async function rolledBack(...args: readonly string[]): Promise<void> {
  const run = await project.run(['rollback', ...args]);
  expect(run, run.stderr).toMatchObject({ exit: 0 });
}

describe.each<ProxyKind>(['caddy', 'nginx'])('rollback behind %s', (proxy) => {
  beforeEach(async () => {
    project = await TestProject.create({ proxy, ...OPTIONS });
  });
  afterEach(() => project.dispose());

  it('walks back v3 → v2 → v1 under load and loses nothing, and then has nothing to go back to', async () => {
    await deployed('v1', 'v2', 'v3');
    const load = project.load(LIGHT);
    await rolledBack();
    await expectServesAlone(project, { version: 'v2', color: 'green', releases: ['v1', 'v2', 'v3'] });
    await rolledBack();
    await expectServesAlone(project, { version: 'v1', color: 'blue', releases: ['v1', 'v2', 'v3'] });
    const before = await containerIds(project);
    expectError(await project.run(['rollback']), { exit: 5, code: 'nothing-to-go-back-to' });
    expect(await containerIds(project)).toEqual(before);
    expect((await load.stop()).failures).toEqual([]);
  });
});

describe('rollback', () => {
  beforeEach(async () => {
    project = await TestProject.create({ proxy: 'caddy', ...OPTIONS });
  });
  afterEach(() => project.dispose());

  it('works after cleanup, and --to goes straight to an older release by its version', async () => {
    await deployed('v1', 'v2', 'v3');
    expect(await project.run(['cleanup'])).toMatchObject({ exit: 0 });
    await rolledBack('--to', 'v1');
    await expectServesAlone(project, { version: 'v1', color: 'green', releases: ['v1', 'v2', 'v3'] });
    expectError(await project.run(['rollback', '--to', 'v9']), { exit: 5, code: 'unknown-release' });
    expect(await project.status()).toMatchObject({ live: { version: 'v1' } });
  });

  it('of the only release is refused', async () => {
    await deployed('v1');
    const before = await containerIds(project);
    expectError(await project.run(['rollback']), { exit: 5, code: 'nothing-to-go-back-to' });
    expect(await containerIds(project)).toEqual(before);
  });

  it('brings back the frozen configuration and image, not today’s, also with a compose.yml that nobody can parse', async () => {
    await project.write('.env', 'GREETING=hello\n');
    await deployed('v1');
    const { Id: imageOfV1 } = await docker.getImage(project.image('v1')).inspect();
    await project.write('.env', 'GREETING=good bye\n');
    await deployed('v2');
    expect((await environments(project)).every((env) => env.includes('GREETING=good bye'))).toBe(true);
    await project.build('v1', { APP_LOG_LINES: '1' });
    await project.write('compose.yml', 'services: [this is { no compose file\n');
    const load = project.load(LIGHT);
    await rolledBack();
    expect((await load.stop()).failures).toEqual([]);
    const replicas = await project.replicas();
    expect(replicas.map((replica) => replica.imageId)).toEqual([imageOfV1, imageOfV1]);
    expect((await environments(project)).every((env) => env.includes('GREETING=hello'))).toBe(true);
    await expectServesAlone(project, { version: 'v1', color: 'blue', releases: ['v1', 'v2'] });
  });
});
