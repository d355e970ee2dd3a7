import { rm, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DockerProxyEngine } from '../../src/adapters/docker/proxy-engine.ts';
import { createRouter } from '../../src/adapters/proxy/router.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { LEASE_MS } from '../../src/app/ports.ts';
import { docker, freePort, ok, type ProjectOptions, type ProxyKind, TestProject, until } from '../support/project.ts';
import { expectServesAlone, LIGHT, storeOf } from '../support/state.ts';
import { lastRollout } from '../support/in-place.ts';

const AGENT = 'deploy-bg-agent';

const proxyEngine = new DockerProxyEngine(docker);
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
const state = async (): Promise<string> => (await lastRollout(project)).state;
const ids = async (): Promise<readonly string[]> => (await project.replicas()).map(({ id }) => id).sort();
const versions = async (): Promise<readonly (string | undefined)[]> =>
  (await project.replicas()).map(({ image, version }) => version ?? image.split(':').at(-1));
const now = (): number => performance.timeOrigin + performance.now();
const isRunning = async (id: string): Promise<boolean> => (await docker.getContainer(id).inspect()).State.Running;

/** Healthy unless somebody says otherwise; a restart empties the folder. */
const SICK_FILE = { test: ['CMD', 'test', '!', '-e', '/tmp/sick'], interval: '1s', timeout: '5s', retries: 1 };

/** Who gets requests, by the proxy's own word. */
async function backends(): Promise<string> {
  const spec = (await storeOf(project).releases()).at(-1)?.proxy;
  if (spec === undefined) throw new Error('there is no release');
  const router = createRouter({ spec, project: project.name }, { engine: proxyEngine, clock: systemClock });
  const reading = await router.read();
  if (reading.kind === 'unreadable') throw new Error(reading.reason);
  return reading.routes.flatMap((route) => route.backends.map(({ container }) => container).toSorted()).join(' ');
}
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

  it('needs no other rights than those of whoever deploys: the agent starts what is shared, and reads no secret itself', async () => {
    const secret = `${(project = await TestProject.create({ proxy: 'caddy' })).directory}-secret`;
    await writeFile(secret, 'of root', { mode: 0o400 });
    try {
      await project.edit({ web: { secrets: ['key'] }, top: { secrets: { key: { file: secret } } } });
      await project.build('v1');
      await execa('chown', ['-R', '12345:12345', project.directory]);
      await ok(project.run(['agent', 'init']));
      await project.compose(['up', '-d', '--wait', AGENT]);
      await ok(project.deploy('v1', '--detach'));
      await until('v1 to serve', ended);
      const [replica] = await project.replicas();
      expect(await execa('docker', ['exec', replica?.id ?? '', 'cat', '/run/secrets/key'])).toMatchObject({
        stdout: 'of root',
      });
    } finally {
      await rm(secret);
    }
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

const ROUTED = { route: { port: 3000, probe: { path: '/health' } } };

describe("the agent's log", () => {
  it('has what a failed version said, and no secret in it', async () => {
    const talkative = ['sh', '-c', 'env | grep planted; exec node server.js'];
    const web = { command: talkative, environment: { DB_PASSWORD: 'planted-in-environment' } };
    await watchedOver({ proxy: 'caddy', web });
    await project.build('v3', { APP_EXIT_AFTER_MS: '50' });
    await ok(project.deploy('v3', '--detach'));
    await until('v3 to be taken back', async () => (await state()) === 'rollback_completed' && (await isFree()));
    const log = await logOf();
    expect(log).toContain('DB_PASSWORD=***');
    expect(log).not.toContain('planted-in-environment');
  });
});

/** One of each strategy that comes in, and one that does not. */
describe.each([
  { strategy: 'blue-green', settings: {}, web: {} },
  { strategy: 'rolling', settings: {}, web: {} },
  { strategy: 'canary', settings: {}, web: { 'x-deploy-bg': { ...ROUTED, steps: [50, { pause: '1s' }] } } },
  { strategy: 'recreate', settings: {}, web: {} },
])('--detach by $strategy', ({ strategy, settings, web }) => {
  it('brings a version in, and takes one back that never gets ready', async () => {
    await watchedOver({ proxy: 'caddy', settings: { strategy, progress_deadline: '10s', ...settings }, web });
    const before = await ids();
    await project.build('v3', { APP_EXIT_AFTER_MS: '100' });
    const load = project.load(LIGHT);
    await ok(project.deploy('v3', '--detach'));
    await until('v3 to be taken back', async () => (await state()) === 'rollback_completed' && (await isFree()));
    if (strategy !== 'recreate') expect(await ids()).toEqual(before);
    expect(await versions()).toEqual(['v1', 'v1']);
    await ok(project.deploy('v2', '--detach'));
    await until('v2 to serve', ended);
    expect(await versions()).toEqual(['v2', 'v2']);
    const { failures } = await load.stop();
    if (strategy !== 'recreate') expect(failures).toEqual([]);
    expect(await project.status()).toMatchObject({ leftovers: [], disagreements: [], exit: 0 });
  });
});

describe('an agent of a project that is not root’s', () => {
  it('runs as its owner, and reads and writes what root has deployed, behind nginx', async () => {
    project = await TestProject.create({ proxy: 'nginx' });
    await Promise.all([project.build('v1'), project.build('v2')]);
    await execa('chown', ['-R', '12345:12345', project.directory]);
    await ok(project.run(['agent', 'init']));
    await ok(project.deploy('v1'));
    await until('the agent to be healthy', async () => (await agent()).State.Health?.Status === 'healthy');
    expect((await agent()).Config.User).toBe('12345:12345');
    const load = project.load(LIGHT);
    await ok(project.deploy('v2', '--detach'));
    await until('v2 to serve', ended);
    expect((await load.stop()).failures).toEqual([]);
    const ours = ['(', '-type', 'f', '-o', '-type', 'd', ')', '!', '-name', 'tls'];
    const { stdout: others } = await execa('find', [project.directory, '!', '-user', '12345', ...ours]);
    expect(others).toBe('');
    await expectServesAlone(project, { version: 'v2', color: 'green', releases: ['v1', 'v2'] });
    expect(await logOf()).toMatch(/"cut":0/);
  });
});

describe('an agent that is asked over TCP', () => {
  it('tells those with the token how things are, everybody here what Prometheus reads, and takes no orders', async () => {
    project = await TestProject.create({ proxy: 'caddy' });
    await project.build('v1');
    const token = 'only-those-who-have-this-one-may-ask';
    await project.write('agent-token', token);
    await execa('chown', ['-R', '12345:12345', project.directory]);
    await execa('chmod', ['600', `${project.directory}/agent-token`]);
    const listen = `127.0.0.1:${String(await freePort())}`;
    await ok(project.run(['agent', 'init', '--listen', listen, '--token-file', 'agent-token']));
    await ok(project.deploy('v1'));
    await until('the agent to be healthy', async () => (await agent()).State.Health?.Status === 'healthy');
    const asked = (path: string, init?: RequestInit) => fetch(`http://${listen}${path}`, init);
    const known = { headers: { authorization: `Bearer ${token}` } };
    expect(await (await asked('/metrics')).text()).toContain('deploy_bg_rollouts_total');
    expect((await asked('/status')).status).toBe(401);
    expect(await (await asked('/status', known)).json()).toMatchObject({ live: { version: 'v1' } });
    expect((await asked('/deploy', { ...known, method: 'POST', body: '{"version":"v2"}' })).status).toBe(403);
    expect(await versions()).toEqual(['v1', 'v1']);
    expect(await logOf()).not.toContain(token);
  });
});

describe('an agent that is killed', () => {
  it('goes on when it is started again', async () => {
    await watchedOver({ proxy: 'caddy', settings: { promote: '2s' } });
    const load = project.load(LIGHT);
    await ok(project.deploy('v2', '--detach'));
    await until('v2 to stand at its gate', async () => (await state()) === 'paused');
    await docker.getContainer(`${project.name}-${AGENT}-1`).kill();
    await docker.getContainer(`${project.name}-${AGENT}-1`).start();
    await until('v2 to serve', ended);
    expect((await load.stop()).failures).toEqual([]);
    await expectServesAlone(project, { version: 'v2', color: 'green', releases: ['v1', 'v2'] });
  });

  it('X01 goes on at once with a gate whose time was over meanwhile, and touched nothing in between', async () => {
    await watchedOver({ proxy: 'caddy', settings: { promote: '10s' } });
    const load = project.load(LIGHT);
    await ok(project.deploy('v2', '--detach'));
    await until('v2 to stand at its gate', async () => (await state()) === 'paused');
    const killed = docker.getContainer(`${project.name}-${AGENT}-1`);
    await killed.kill();
    const { gateUntil } = await lastRollout(project);
    const before = await ids();
    await until('the gate to be over', () => Date.now() > (gateUntil ?? Infinity) + LEASE_MS);
    expect(await ids()).toEqual(before);
    expect(await state()).toBe('paused');
    await killed.start();
    const started = now();
    await until('it to go on', async () => (await state()) !== 'paused');
    expect(now() - started).toBeLessThan(5000);
    await until('v2 to serve', ended);
    expect((await load.stop()).failures).toEqual([]);
  });

  it('X03 X10 continues a way back, not forward, and another deploy is refused meanwhile', async () => {
    const slow = { healthcheck: { test: ['CMD', 'true'], interval: '1s' }, stop_grace_period: '8s' };
    await watchedOver({ proxy: 'caddy', settings: { promote: 'manual' }, web: slow });
    await project.build('v3', { APP_ON_SIGTERM: 'ignore' });
    await ok(project.deploy('v3', '--detach'));
    await until('v3 to stand at its gate', async () => (await state()) === 'paused');
    const [candidate] = (await project.replicas()).filter(({ version }) => version === 'v3');
    await docker.getContainer(candidate?.id ?? '').kill();
    await until('the agent to go back', async () => (await state()) === 'rollback_started');
    expect(await project.deploy('v2', '--no-pull')).toMatchObject({ exit: 5 });
    await docker.getContainer(`${project.name}-${AGENT}-1`).kill();
    expect(await state()).toBe('rollback_started');
    await docker.getContainer(`${project.name}-${AGENT}-1`).start();
    await until('v3 to be taken back', async () => (await state()) === 'rollback_completed' && (await isFree()));
    await expectServesAlone(project, { version: 'v1', color: 'blue', releases: ['v1'] });
  });

  it('X11 counts a candidate that died meanwhile once, with the engine’s time, and goes back', async () => {
    await watchedOver({ proxy: 'caddy', settings: { promote: 'manual' } });
    await ok(project.deploy('v2', '--detach'));
    await until('v2 to stand at its gate', async () => (await state()) === 'paused');
    await docker.getContainer(`${project.name}-${AGENT}-1`).kill();
    const candidates = (await project.replicas()).filter(({ version }) => version === 'v2');
    await Promise.all(candidates.map(({ id }) => docker.getContainer(id).kill()));
    const died = Date.now();
    await docker.getContainer(`${project.name}-${AGENT}-1`).start();
    await until('v2 to be taken back', async () => (await state()) === 'rollback_completed' && (await isFree()));
    const { failures } = await lastRollout(project);
    expect(failures.length).toBeGreaterThan(0);
    expect(new Set(failures.map(({ id }) => id)).size).toBe(failures.length);
    for (const { at } of failures) expect(at).toBeLessThanOrEqual(died);
    await expectServesAlone(project, { version: 'v1', color: 'blue', releases: ['v1'] });
  });

  it('stopped as Docker does it gives the rollout back at once: a command goes on with it', async () => {
    await watchedOver({ proxy: 'caddy', settings: { promote: '60s' } });
    await ok(project.deploy('v2', '--detach'));
    await until('v2 to stand at its gate', async () => (await state()) === 'paused');
    await docker.getContainer(`${project.name}-${AGENT}-1`).stop();
    expect(await isFree()).toBe(true);
    expect(await project.run(['promote'])).toMatchObject({ exit: 0 });
    await expectServesAlone(project, { version: 'v2', color: 'green', releases: ['v1', 'v2'] });
  });
});

describe.each<ProxyKind>(['caddy', 'nginx'])('a replica that dies while nobody deploys, behind %s', (proxy) => {
  it('is out of the proxy at once, and back when it is ready again; the last one stays', async () => {
    await watchedOver({ proxy, web: { restart: 'no' } });
    const [first, second] = await project.replicas();
    if (first === undefined || second === undefined) throw new Error('there are no two replicas');
    const load = project.load(LIGHT);
    const killed = now();
    await docker.getContainer(first.id).kill();
    await until('the proxy to have left it out', async () => (await backends()) === second.name, 5000);
    // Half a second on a machine that does nothing else; here other tests run beside this one.
    expect(now() - killed).toBeLessThan(2000);
    // What it held is lost with it, whatever the proxy: docs/guarantees.md.
    const outAt = now();
    await docker.getContainer(first.id).start();
    const both = [first.name, second.name].toSorted().join(' ');
    await until('the proxy to have it back', async () => (await backends()) === both, 15_000);
    expect((await load.stop()).failures.filter(({ startedAt }) => startedAt > outAt)).toEqual([]);

    await docker.getContainer(first.id).kill();
    await until('the proxy to have left it out again', async () => (await backends()) === second.name, 5000);
    await docker.getContainer(second.id).kill();
    await until('the agent to have looked', async () => !(await isRunning(second.id)));
    expect(await backends()).toBe(second.name);
    await until('the agent to rest', isFree);
    expect(await backends()).toBe(second.name);
  });
});

describe('a replica that turns unhealthy', () => {
  it('with liveness: restart is out of the proxy, restarted and back, and nobody notices', async () => {
    await watchedOver({
      proxy: 'caddy',
      settings: { liveness: 'restart' },
      web: { healthcheck: SICK_FILE, tmpfs: ['/tmp'] },
    });
    const [first, second] = await project.replicas();
    if (first === undefined || second === undefined) throw new Error('there are no two replicas');
    const load = project.load(LIGHT);
    const startedAt = async (): Promise<string> => (await docker.getContainer(first.id).inspect()).State.StartedAt;
    const before = await startedAt();
    await execa('docker', ['exec', first.id, 'touch', '/tmp/sick']);
    await until('the proxy to have left it out', async () => (await backends()) === second.name, 15_000);
    await until('it to be restarted', async () => (await startedAt()) !== before, 15_000);
    const both = [first.name, second.name].toSorted().join(' ');
    await until('the proxy to have it back', async () => (await backends()) === both, 20_000);
    expect((await load.stop()).failures).toEqual([]);
  });
});

describe.each<ProxyKind>(['caddy', 'nginx'])(
  'a release that begins to fail while the one before is held, behind %s',
  (proxy) => {
    it('is taken back by the agent', async () => {
      const errors = { builtin: 'error_rate', interval: '1s', no_data: 'pass', pass: { max: 0.1 }, failure_limit: 1 };
      const settings = { retire_after: '10m', checks: { errors }, watch: ['errors'] };
      await watchedOver({ proxy, accessLog: true, settings });
      const load = project.load(LIGHT);
      await ok(project.deploy('v2'));
      expect(await project.status()).toMatchObject({ live: { version: 'v2' }, exit: 0 });
      const passes = async (): Promise<number> => (await lastRollout(project)).runs[0]?.tally.passes ?? 0;
      const before = await passes();
      await until('the agent to watch', async () => (await passes()) > before + 2);
      expect(await state()).toBe('completed');

      // An answer of the application's own: nobody listens there.
      const fails = (): Promise<unknown> =>
        fetch(`${project.url}/upstream?service=127.0.0.1&port=9`).then((it) => it.text());
      const isBack = async (): Promise<boolean> => {
        await Promise.all(Array.from({ length: 10 }, fails));
        return (await state()).startsWith('rollback');
      };
      await until('the agent to go back', isBack, 60_000);
      await until('v1 to serve', async () => (await state()) === 'rollback_completed');
      expect((await load.stop()).failures).toEqual([]);
      expect(await lastRollout(project)).toMatchObject({ message: expect.stringMatching(/^check errors: /) as string });
      await until('the agent to rest', isFree);
      await expectServesAlone(project, { version: 'v1', color: 'blue', releases: ['v1'] });
    });
  },
);

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
