import { execa } from 'execa';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LEASE_MS } from '../../src/app/ports.ts';
import { docker, ok, type ProjectOptions, TestProject, until } from '../support/project.ts';
import { expectServesAlone, LIGHT, storeOf } from '../support/state.ts';
import { lastRollout } from '../support/in-place.ts';

const AGENT = 'deploy-bg-agent';

let project: TestProject;
afterEach(() => project.dispose());

// As scripts/test has done it already; layers that are there cost nothing.
beforeAll(() => execa('scripts/images', ['--agent']));

/** v1 serves, and an agent watches over it. */
async function watchedOver(options: ProjectOptions): Promise<void> {
  project = await TestProject.create(options);
  await Promise.all([project.build('v1'), project.build('v2')]);
  await ok(project.run(['agent', 'init']));
  await ok(project.deploy('v1'));
  await until('the agent to be healthy', async () => (await agent()).State.Health?.Status === 'healthy');
}

const agent = () => docker.getContainer(`${project.name}-${AGENT}-1`).inspect();
const ended = async (): Promise<boolean> => (await lastRollout(project)).state === 'completed' && (await isFree());
const isFree = async (): Promise<boolean> => (await storeOf(project).holder()) === null;
const logOf = async (): Promise<string> => (await project.run(['agent', 'logs'])).stdout;

describe('deploy --detach', () => {
  it('returns when it is accepted, and the agent brings the version in', async () => {
    await watchedOver({ proxy: 'caddy' });
    const load = project.load(LIGHT);
    const run = await ok(project.deploy('v2', '--detach'));
    expect(run.stdout).toContain('v2 (green) is on its way');
    expect(await lastRollout(project)).not.toMatchObject({ state: 'completed' });
    await until('v2 to serve', ended);
    expect((await load.stop()).failures).toEqual([]);
    await expectServesAlone(project, { version: 'v2', color: 'green', releases: ['v1', 'v2'] });
  });

  it('is refused where nobody is there to do it, and where only the host can do it', async () => {
    project = await TestProject.create({ proxy: 'caddy', settings: { hooks: { pre_deploy: [{ run: 'true' }] } } });
    await project.build('v1');
    expect(await project.deploy('v1', '--detach')).toMatchObject({ exit: 2 });
    await project.edit({});
    expect(await project.deploy('v1', '--detach')).toMatchObject({ exit: 7 });
    expect(await storeOf(project).rollouts()).toEqual([]);
  });
});

describe('a command that is killed', () => {
  it('is gone on with by the agent within five seconds of the end of its lease, behind nginx', async () => {
    await watchedOver({ proxy: 'nginx', settings: { promote: '3s' } });
    const load = project.load(LIGHT);
    const deploying = project.spawn(['deploy', 'v2']);
    await until('v2 to stand at its gate', async () => (await storeOf(project).rollouts()).at(-1)?.state === 'paused');
    deploying.kill('SIGKILL');
    const killed = performance.now();
    await until('the agent to go on', async () => (await storeOf(project).holder())?.who.startsWith(AGENT) === true);
    expect(performance.now() - killed).toBeLessThan(LEASE_MS + 5000);
    await until('v2 to serve', ended);
    expect((await load.stop()).failures).toEqual([]);
    await expectServesAlone(project, { version: 'v2', color: 'green', releases: ['v1', 'v2'] });
    expect(await logOf()).toContain('goes on here');
  });
});
