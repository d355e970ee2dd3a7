import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { docker, ok, type Run, TestProject, until } from '../support/project.ts';
import { TestSshd } from '../support/sshd.ts';

/** The engine is this machine's; who comes by ssh takes it for another one's. */
describe('an engine behind ssh', () => {
  let project: TestProject;
  let sshd: TestSshd;
  let env: Readonly<Record<string, string>>;

  beforeAll(async () => {
    project = await TestProject.create({ proxy: 'caddy' });
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    sshd = await TestSshd.create();
    env = { DOCKER_HOST: `ssh://${sshd.user}@${sshd.host}:${String(sshd.port)}`, PATH: await withKey(sshd) };
  });
  afterAll(async () => {
    await project.dispose();
    await sshd.dispose();
  });

  const there = (...args: readonly string[]): Promise<Run> => project.run(args, { env });

  it('is not touched without an agent there', async () => {
    const run = await there('deploy', 'v1');
    expect(run).toMatchObject({ exit: 7, stderr: expect.stringContaining('[agent-unreachable]') as string });
    expect(await project.containers()).toEqual([]);
  });

  it('is deployed to through its agent, without a lost request', async () => {
    await ok(there('agent', 'init'));
    await project.compose(['up', '-d', 'deploy-bg-agent']);
    const agent = docker.getContainer(`${project.name}-deploy-bg-agent-1`);
    await until('the agent to be healthy', async () => (await agent.inspect()).State.Health?.Status === 'healthy');
    await ok(there('deploy', 'v1'));
    const load = project.load();
    await load.waitFor(({ byVersion }) => (byVersion['v1'] ?? 0) > 50, 20_000, 'answers of v1');
    await ok(there('deploy', 'v2'));
    await load.waitFor(({ byVersion }) => (byVersion['v2'] ?? 0) > 50, 20_000, 'answers of v2');
    expect((await load.stop()).failures).toEqual([]);
    const { stdout } = await ok(there('status', '--json'));
    expect(JSON.parse(stdout)).toMatchObject({ live: { version: 'v2' }, leftovers: [], disagreements: [] });
  });
});

/** A PATH whose ssh has the key: docker's own call of it says nothing of one. */
async function withKey({ folder }: TestSshd): Promise<string> {
  const path = join(folder, 'bin');
  const options = `-i ${join(folder, 'user')} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR`;
  await writeFile(join(path, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh ${options} "$@"\n`, { mode: 0o755 });
  return `${path}:${process.env['PATH'] ?? ''}`;
}
