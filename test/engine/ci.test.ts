import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACTION_FOLDER, type Action, readAction, variables } from '../support/action.ts';
import { CALM_HEALTHCHECK, ok, type TestProject, until, withProject } from '../support/project.ts';
import { storeOf } from '../support/state.ts';
import { TestSshd } from '../support/sshd.ts';

/** Time to do something while it is deployed. */
const SLOW = { APP_READY_AFTER_MS: '4000' };
const PATIENT = { proxy: 'caddy', web: { healthcheck: CALM_HEALTHCHECK } } as const;

let sshd: TestSshd;
let action: Action;
beforeAll(async () => {
  [sshd, action] = await Promise.all([TestSshd.create(), readAction()]);
});
afterAll(() => sshd.dispose());

type Inputs = Readonly<Record<string, string>>;

/** The step of the action, as GitHub runs it on its own machine. */
async function pipeline(project: TestProject, inputs: Inputs, signal?: AbortSignal) {
  const [step] = action.runs.steps;
  const given = {
    host: sshd.host,
    port: String(sshd.port),
    user: sshd.user,
    directory: project.directory,
    'ssh-key': sshd.key,
    'known-hosts': sshd.knownHosts,
    ...inputs,
  };
  const runner = join(sshd.folder, `runner-${String(Math.random()).slice(2)}`);
  await execa('mkdir', ['-p', join(runner, 'tmp')]);
  const outputs = join(runner, 'output');
  await writeFile(outputs, '');
  const shell = ['--noprofile', '--norc', '-eo', 'pipefail', '-c', step?.run ?? ''];
  const { exitCode, all } = await execa('bash', shell, {
    cwd: runner,
    env: {
      ...variables(action, step ?? {}, given),
      GITHUB_ACTION_PATH: ACTION_FOLDER,
      GITHUB_OUTPUT: outputs,
      HOME: runner,
      TMPDIR: join(runner, 'tmp'),
    },
    all: true,
    reject: false,
    stdin: 'ignore',
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  const left = [...(await readdir(runner)), ...(await readdir(join(runner, 'tmp')))];
  return { exit: exitCode, all, outputs: await readFile(outputs, 'utf8'), left };
}

const ends = (outcome: string, exit: number): object => ({
  exit,
  outputs: `outcome=${outcome}\nexit-code=${String(exit)}\n`,
});

describe('a pipeline', () => {
  it('deploys over ssh under load, ends as the deploy ends, and leaves no key behind', async () => {
    await withProject({ proxy: 'nginx' }, async (project) => {
      await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
      await project.build('v3', { APP_EXIT_AFTER_MS: '500' });
      expect(await pipeline(project, { version: 'v1' })).toMatchObject(ends('completed', 0));
      const load = project.load();
      await load.waitFor(({ ok: answers }) => answers > 50, 10_000, 'answers');
      const second = await pipeline(project, { version: 'v2' });
      expect(second, second.all).toMatchObject({ ...ends('completed', 0), left: ['output', 'tmp'] });
      const failed = await pipeline(project, { version: 'v3', arguments: '--timeout 1m  --no-pull' });
      expect(failed, failed.all).toMatchObject(ends('rolled-back', 1));
      expect((await load.stop()).failures).toEqual([]);
      expect(await project.status()).toMatchObject({ live: { version: 'v2' } });
    });
  });

  it('queues behind another deploy with --wait, and is refused without', async () => {
    await withProject(PATIENT, async (project) => {
      await Promise.all([project.build('v1'), project.build('v2', SLOW), project.build('v3')]);
      await ok(project.deploy('v1'));
      const first = pipeline(project, { version: 'v2' });
      await until('v2 to be under way', async () => (await storeOf(project).rollouts()).length === 2);
      const second = pipeline(project, { version: 'v3', arguments: '' });
      expect(await second).toMatchObject(ends('refused', 5));
      const third = pipeline(project, { version: 'v3' });
      expect(await first).toMatchObject(ends('completed', 0));
      expect(await third).toMatchObject(ends('completed', 0));
      expect(await project.status()).toMatchObject({ live: { version: 'v3' }, leftovers: [], disagreements: [] });
    });
  });

  it('is told if the connection breaks; the deploy goes on, and the same again ends with it', async () => {
    await withProject(PATIENT, async (project) => {
      await Promise.all([project.build('v1'), project.build('v2', SLOW)]);
      await ok(project.deploy('v1'));
      const broken = pipeline(project, { version: 'v2' });
      await until('v2 to be under way', async () => (await storeOf(project).rollouts()).length === 2);
      await sshd.breakConnections();
      expect(await broken).toMatchObject(ends('no-connection', 255));
      const again = await pipeline(project, { version: 'v2' });
      expect(again, again.all).toMatchObject(ends('completed', 0));
      expect(await project.status()).toMatchObject({ live: { version: 'v2' }, leftovers: [], disagreements: [] });
      expect(await storeOf(project).rollouts()).toHaveLength(2);
    });
  });

  it('that is cancelled leaves the deploy alone, and no key behind', async () => {
    await withProject(PATIENT, async (project) => {
      await Promise.all([project.build('v1'), project.build('v2', SLOW)]);
      await ok(project.deploy('v1'));
      const cancel = new AbortController();
      const cancelled = pipeline(project, { version: 'v2' }, cancel.signal);
      await until('v2 to be under way', async () => (await storeOf(project).rollouts()).length === 2);
      cancel.abort();
      expect((await cancelled).left).toEqual(['output', 'tmp']);
      const last = async (): Promise<string | undefined> => (await storeOf(project).rollouts()).at(-1)?.state;
      await until('v2 to be deployed', async () => (await last()) === 'completed');
      expect(await project.status()).toMatchObject({ live: { version: 'v2' } });
    });
  });

  it('takes no value for code, here or there', async () => {
    await withProject({ proxy: 'caddy' }, async (project) => {
      await project.build('v1');
      const folder = join(sshd.folder, `it's "here" $(touch pwned); touch pwned`);
      await symlink(project.directory, folder);
      const first = await pipeline(project, { version: 'v1', directory: folder });
      expect(first, first.all).toMatchObject(ends('completed', 0));
      const evil = '; touch pwned; $(touch pwned) `touch pwned` \' "';
      const bad: readonly Inputs[] = [
        { version: `v1${evil}` },
        { version: '--force' },
        { version: 'v1', arguments: evil },
        { version: 'v1', directory: `/nowhere${evil}` },
        { version: 'v1', host: '-oProxyCommand=touch pwned' },
        { version: 'v1', user: `-oProxyCommand=touch pwned` },
        { version: 'v1', port: `22${evil}` },
        { version: 'v1', 'known-hosts': `$(touch pwned)` },
      ];
      const runs = await Promise.all(bad.map((inputs) => pipeline(project, inputs)));
      expect(runs.filter(({ exit }) => exit === 0)).toEqual([]);
      const { stdout } = await execa('find', [sshd.folder, project.directory, '-name', 'pwned']);
      expect(stdout).toBe('');
      expect(await storeOf(project).rollouts()).toHaveLength(1);
    });
  });

  it('goes to no server that it does not know', async () => {
    await withProject({ proxy: 'caddy' }, async (project) => {
      const other = await keyOfAnother();
      expect(await pipeline(project, { version: 'v1', 'known-hosts': other })).toMatchObject(
        ends('no-connection', 255),
      );
      const unknown = await pipeline(project, { version: 'v1', 'known-hosts': '' });
      expect(unknown).toMatchObject({
        ...ends('invalid', 2),
        all: expect.stringContaining('DEPLOY_KNOWN_HOSTS') as string,
      });
      expect(await project.containers()).toEqual([]);
    });
  });
});

/** Somebody else's key under the name of the server. */
async function keyOfAnother(): Promise<string> {
  const { stdout } = await execa('cut', ['-d', ' ', '-f', '1,2', join(sshd.folder, 'user.pub')]);
  return `[127.0.0.1]:${String(sshd.port)} ${stdout}`;
}
