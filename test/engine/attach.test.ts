import { afterEach, describe, expect, it } from 'vitest';
import { docker, TestProject, until } from '../support/project.ts';
import { expectServesAlone, LIGHT, storeOf, unwrapped } from '../support/state.ts';

let project: TestProject;
afterEach(() => project.dispose());

async function gated(promote: string): Promise<void> {
  project = await TestProject.create({ proxy: 'caddy', settings: { promote } });
  await Promise.all([project.build('v1'), project.build('v2')]);
  expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
}

const atGate = async (): Promise<boolean> => (await storeOf(project).rollouts()).at(-1)?.state === 'paused';
const ids = async (): Promise<readonly string[]> => (await project.replicas()).map((c) => c.id).sort();

describe('deploy v2 while another terminal deploys v2', () => {
  it('U28 X04 shows that deploy and ends with it; Ctrl-C of one who only watches changes nothing', async () => {
    await gated('10s');
    const load = project.load(LIGHT);
    const first = project.deploy('v2');
    await until('v2 to stand at its gate', atGate);
    const before = await ids();
    const [second, third] = [project.deploy('v2'), project.spawn(['deploy', 'v2'])];
    const following = project.spawn(['events', '--follow', '--json']);
    let said = '';
    third.stderr.on('data', (part: Buffer) => (said += part.toString()));
    await until('the third to follow', () => said.includes('attached to rollout'));
    third.kill('SIGINT');
    expect(await third).toMatchObject({ exitCode: 130 });
    expect(said).toContain('detached from the deploy of v2, which goes on');

    expect(await first).toMatchObject({ exit: 0 });
    const ended = await second;
    expect(ended, ended.stderr).toMatchObject({ exit: 0 });
    expect(unwrapped(ended)).toMatch(/attached to rollout .* 100 % of the traffic to v2/);
    const after = await ids();
    expect(before.filter((id) => after.includes(id))).toEqual(after);
    following.kill('SIGINT');
    const { exitCode, stdout } = await following;
    expect(exitCode).toBe(130);
    const last = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { state: string; to: string });
    expect(last.at(-1)).toMatchObject({ to: 'v2', state: 'completed' });
    expect((await load.stop()).failures).toEqual([]);
    await expectServesAlone(project, { version: 'v2', color: 'green', releases: ['v1', 'v2'] });
  });
});

describe('deploy v2 --attach at a gate for a person', () => {
  it('X05 C25 leaves it as it is at --timeout, and goes back as soon as the candidate dies there', async () => {
    await gated('manual');
    const timedOut = await project.deploy('v2', '--attach', '--timeout', '15s');
    expect(timedOut, timedOut.stderr).toMatchObject({ exit: 124 });
    expect(await project.status()).toMatchObject({ lastRollout: { state: 'paused' }, inFlight: null, exit: 3 });

    const staying = project.deploy('v2', '--attach');
    await until('somebody to stay', async () => (await storeOf(project).holder()) !== null);
    const candidate = (await project.replicas()).find((c) => c.version === 'v2');
    await docker.getContainer(candidate?.id ?? '').kill();
    expect(await staying).toMatchObject({ exit: 1 });
    await expectServesAlone(project, { version: 'v1', color: 'blue', releases: ['v1'] });
  });
});
