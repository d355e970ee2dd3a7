import { execa } from 'execa';
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { docker, ok, TestProject, until } from '../support/project.ts';

/** Set by scripts/own-engine --apart: the engine's containers and files are out of reach. */
const APART = process.env['DEPLOY_BG_TEST_APART'];

describe.skipIf(APART === undefined)('an engine on another machine', () => {
  let project: TestProject;

  beforeAll(async () => {
    project = await TestProject.create({ proxy: 'caddy', web: { env_file: 'web.env', environment: ['ALONE'] } });
    await project.write('web.env', 'APP_GREETING=hello\n');
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
  });
  afterAll(() => project.dispose());

  const agent = () => docker.getContainer(`${project.name}-deploy-bg-agent-1`).inspect();

  it('is not touched without an agent there, and says what to do', async () => {
    const run = await project.deploy('v1');
    expect(run).toMatchObject({ exit: 7 });
    expect(run.stderr).toContain('[agent-unreachable]');
    expect(run.stderr).toContain('docker-deploy-bg agent init');
    expect(await project.containers()).toEqual([]);
  });

  it('is deployed to through its agent, without a lost request and without state here', async () => {
    await ok(project.run(['agent', 'init']));
    await project.compose(['up', '-d', 'deploy-bg-agent']);
    await until('the agent to be healthy', async () => (await agent()).State.Health?.Status === 'healthy');
    // The proxy's own configuration is there, as on any machine that serves.
    const { Id } = await agent();
    await execa('tar', ['-C', project.directory, '-c', 'proxy'], { encoding: 'buffer' }).pipe('docker', [
      'exec',
      '-i',
      Id,
      'tar',
      '-C',
      project.directory,
      '-x',
    ]);
    const first = await ok(project.run(['deploy', 'v1'], { env: { ALONE: 'of this shell' } }));
    expect(first.stdout).toContain('v1');
    const [replica] = await project.replicas();
    const { Env } = (await docker.getContainer(replica?.id ?? '').inspect()).Config;
    expect(Env).toEqual(expect.arrayContaining(['APP_GREETING=hello', 'ALONE=of this shell']));

    const load = project.load();
    await load.waitFor(({ byVersion }) => (byVersion['v1'] ?? 0) > 100, 20_000, 'answers of v1');
    const second = await ok(project.run(['deploy', 'v2'], { env: { ALONE: 'of this shell' } }));
    await load.waitFor(({ byVersion }) => (byVersion['v2'] ?? 0) > 100, 20_000, 'answers of v2');
    const report = await load.stop();
    expect(report.failures).toEqual([]);
    expect(report.newRequestsAnsweredBy('v1', { startedAfter: second.endedAt })).toEqual([]);
    expect(await project.status()).toMatchObject({
      live: { version: 'v2' },
      leftovers: [],
      disagreements: [],
      exit: 0,
    });
    expect(await readdir(project.directory)).not.toContain('.deploy-bg');
  });

  it('hears Ctrl-C, and goes back', async () => {
    await project.build('v3', { APP_READY_AFTER_MS: '60000' });
    const deploying = project.spawn(['deploy', 'v3', '--progress', 'plain']);
    const begun = async (): Promise<boolean> => (await project.containers()).some(({ version }) => version === 'v3');
    await until('v3 to start', begun);
    deploying.kill('SIGINT');
    const { exitCode, stderr } = await deploying;
    expect([exitCode, stderr]).toEqual([130, expect.stringContaining('interrupted')]);
    expect(await project.status()).toMatchObject({ live: { version: 'v2' }, leftovers: [], disagreements: [] });
  });

  it('refuses what only this machine has', async () => {
    expect(await project.deploy('v3', '--build')).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('VERSION=v3 docker compose build') as string,
    });
  });

  it('answers about its agent', async () => {
    expect((await ok(project.run(['agent', 'status']))).stdout).toMatch(/^agent/);
    expect((await ok(project.run(['agent', 'logs']))).stdout).toContain('watching over the project');
  });
});
