import { chmod, stat } from 'node:fs/promises';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HostNginx } from '../support/host-nginx.ts';
import { expectError, measurements } from '../support/state.ts';
import { docker, freePort, ok, type ProjectOptions, TestProject, until } from '../support/project.ts';

/** An old nginx resets idle connections (W06): each request has one of its own. */
const KINDS = { fresh: 6 };

let nginx: HostNginx;
let project: TestProject;

beforeEach(async () => {
  nginx = await HostNginx.create();
  await nginx.start();
});

afterEach(async () => {
  await project.dispose();
  await nginx.remove();
});

async function create(options: Partial<ProjectOptions> = {}): Promise<void> {
  project = await TestProject.create({ proxy: 'nginx', host: nginx, ...options });
  for (const version of ['v1', 'v2']) await project.build(version);
}

/** One replica, at a port of the machine for each color. */
async function createOnTwoPorts(web = {}): Promise<readonly [blue: number, green: number]> {
  await create({ web: { deploy: { replicas: 1, update_config: { monitor: '1s' } }, ...web } });
  const ports = [await freePort(), await freePort()] as const;
  const overlay = (port: number) => `services: {web: {ports: ["127.0.0.1:${String(port)}:3000"]}}\n`;
  await project.write('compose.blue.yml', overlay(ports[0]));
  await project.write('compose.green.yml', overlay(ports[1]));
  return ports;
}

async function servers(): Promise<readonly string[]> {
  const http = await project.read('proxy/deploy-bg/http.conf');
  return [...http.matchAll(/^ {4}server (\S+) /gm)].map(([, address = '']) => address);
}

async function answeredBy(): Promise<string> {
  return (await fetch(project.url)).headers.get('x-version') ?? '';
}

describe('behind the nginx of the machine', () => {
  it('a deploy and a rollback under load lose no request, and a stream that began before survives them', async () => {
    await create();
    await ok(project.deploy('v1'));
    const load = project.load({ kinds: KINDS });
    const stream = fetch(`${project.url}/stream?ms=8000&every=200`).then((answer) => answer.text());
    const deploy = await ok(project.deploy('v2'));
    expect(await stream).toMatch(/^version=v1[^]*end\n$/);
    expect(load.report().newRequestsAnsweredBy('v1', { startedAfter: deploy.endedAt })).toEqual([]);
    expect((await project.replicas()).map(({ version, color }) => [version, color])).toEqual([
      ['v2', 'green'],
      ['v2', 'green'],
    ]);
    await ok(project.run(['rollback']));
    const { failures, byVersion } = await load.stop();
    expect(failures).toEqual([]);
    expect(Object.keys(byVersion).toSorted()).toEqual(['v1', 'v2']);
    expect(await answeredBy()).toBe('v1');
    expect(deploy.stderr).toContain('W06');
    const doctor = await project.run(['doctor']);
    expect(doctor.stdout).toContain('works by our files, and answers for itself');
  });

  it('two ports of the machine take turns, and are the same after a restart', async () => {
    const [blue, green] = await createOnTwoPorts();
    const deploy = await ok(project.deploy('v1'));
    expect(deploy.stderr).not.toContain('follows no restart');
    expect(await servers()).toEqual([`127.0.0.1:${String(blue)}`]);
    const load = project.load({ kinds: KINDS });
    await ok(project.deploy('v2'));
    expect(await servers()).toEqual([`127.0.0.1:${String(green)}`]);
    await ok(project.run(['rollback']));
    expect(await servers()).toEqual([`127.0.0.1:${String(blue)}`]);
    const { failures, byVersion } = await load.stop();
    expect(failures).toEqual([]);
    expect(Object.keys(byVersion).toSorted()).toEqual(['v1', 'v2']);
    const [web] = await project.replicas();
    await docker.getContainer(web?.id ?? '').restart({ t: 0 });
    await until('v1 to answer again', async () => (await answeredBy().catch(() => '')) === 'v1');
    expect((await project.status()).disagreements).toEqual([]);
  });

  it('whose errors are whose nginx’s log tells by the ports, so that a canary with errors is led back', async () => {
    const errors = { builtin: 'error_rate', pass: { max: 0.05 }, initial_delay: '2s' };
    const canary = { strategy: 'canary', steps: [50, { check: ['errors'] }], checks: { errors } };
    await createOnTwoPorts({ 'x-deploy-bg': { ...canary, route: { port: 3000 } } });
    // Its workers have to come in, to see that somebody reads their log.
    await chmod(project.directory, 0o755);
    await project.build('v2', { APP_FAIL_PERCENT: '20' });
    await ok(project.deploy('v1'));
    const load = project.load({ kinds: { fresh: { concurrency: 4, everyMs: 20 } } });
    const deploy = await project.deploy('v2', '--progress', 'json');
    const { failures } = await load.stop();
    expect(deploy.exit, deploy.stderr).toBe(1);
    // Of the candidate alone: of both together it would be half as many.
    expect(measurements(deploy, 'errors')[0]?.text).toMatch(
      /^0\.(1[5-9]|2)\d*, wanted at most 0\.05: of \d+ requests$/,
    );
    expect(failures.filter(({ status, version }) => status !== 500 || version !== 'v2')).toEqual([]);
    expect(await answeredBy()).toBe('v1');
  });

  it('a configuration of the user’s that is broken ends a deploy in nginx’s words, and the old version serves', async () => {
    await create();
    await ok(project.deploy('v1'));
    await nginx.site(project.hostSite('no_such_directive on;\n'));
    const load = project.load({ kinds: KINDS });
    const deploy = await project.deploy('v2');
    expect([deploy.exit, deploy.stderr]).toEqual([2, expect.stringContaining('no_such_directive')]);
    expect(await answeredBy()).toBe('v1');
    const { failures, byVersion } = await load.stop();
    expect([failures, Object.keys(byVersion)]).toEqual([[], ['v1']]);
    await nginx.site(project.hostSite());
    await ok(project.deploy('v2'));
    expect(await answeredBy()).toBe('v2');
  });

  it('nobody is taken away whom nginx may still turn to, as long as it has not loaded what it was told', async () => {
    await create({ settings: { progress_deadline: '5s' } });
    await ok(project.deploy('v1'));
    const load = project.load({ kinds: KINDS });
    const pid = (await nginx.pid()) ?? 0;
    process.kill(pid, 'SIGSTOP');
    const deploy = await project.deploy('v2').finally(() => process.kill(pid, 'SIGCONT'));
    expectError(deploy, { exit: 4, code: 'way-back-paused' });
    expect(new Set((await project.replicas()).map(({ version }) => version))).toEqual(new Set(['v1', 'v2']));
    await ok(project.run(['rollback']));
    expect(new Set((await project.replicas()).map(({ version }) => version))).toEqual(new Set(['v1']));
    expect(await project.status()).toMatchObject({ live: { version: 'v1' }, leftovers: [], disagreements: [] });
    expect((await load.stop()).failures).toEqual([]);
    expect(await answeredBy()).toBe('v1');
  });

  it('containers that came back with other addresses are named by status, and found again by cleanup', async () => {
    await create({ web: { deploy: { replicas: 1, update_config: { monitor: '1s' } } } });
    await ok(project.deploy('v1'));
    const [web] = await project.replicas();
    const { id = '', name = '' } = web ?? {};
    const [before] = await servers();
    await moveAway(id);
    const { disagreements } = await project.status();
    const gone = { what: `the proxy sends traffic to ${name} at ${before ?? ''}, which does not run` };
    expect(disagreements).toContainEqual({ ...gone, remedy: 'docker-deploy-bg cleanup' });
    await ok(project.run(['cleanup']));
    expect(await servers()).not.toEqual([before]);
    expect(await answeredBy()).toBe('v1');
    expect((await project.status()).disagreements).toEqual([]);
  });

  it('the same deploy once more tells nginx of other addresses, too', async () => {
    await create({ web: { deploy: { replicas: 1, update_config: { monitor: '1s' } } } });
    await ok(project.deploy('v1'));
    await moveAway((await project.replicas())[0]?.id ?? '');
    await ok(project.deploy('v1'));
    expect(await answeredBy()).toBe('v1');
    expect((await project.status()).disagreements).toEqual([]);
  });

  it('reset gives the project back to Compose behind the same nginx', async () => {
    await create();
    await ok(project.deploy('v1'));
    const load = project.load({ kinds: KINDS });
    await ok(project.run(['reset', '--force']));
    expect((await load.stop()).failures).toEqual([]);
    expect((await project.replicas()).map(({ color }) => color)).toEqual([null, null]);
    expect(await answeredBy()).toBe('v1');
  });

  it.each([
    ['an agent, which has none', ['--detach'], {}, 2, 'its proxy runs on the host'],
    ['an engine elsewhere', [], { DOCKER_HOST: 'ssh://elsewhere.example' }, 2, 'its proxy runs on the host'],
  ])('a deploy with %s begins nothing', async (_, flags, env, exit, words) => {
    await create();
    const deploy = await project.run(['deploy', 'v1', ...flags], { env });
    expect([deploy.exit, deploy.stderr]).toEqual([exit, expect.stringContaining(words)]);
    expect(await project.containers()).toEqual([]);
  });

  it('a deploy begins nothing while nginx does not run', async () => {
    await create();
    await nginx.stop();
    const deploy = await project.deploy('v1');
    expect([deploy.exit, deploy.stderr]).toEqual([1, expect.stringContaining('nginx does not run on this machine')]);
    expect(await project.containers()).toEqual([]);
  });

  const isRoot = process.getuid?.() === 0;
  it.runIf(isRoot)('whoever may not tell nginx to reload is told who may, before anything begins', async () => {
    await create();
    await execa('chown', ['-R', '12345', project.directory]);
    // Whoever may ask the engine, and is not root.
    const { gid } = await stat('/var/run/docker.sock');
    const as = ['setpriv', '--reuid=12345', `--regid=${String(gid)}`, '--clear-groups'];
    const deploy = await project.run(['deploy', 'v1'], { as, env: { HOME: '/nonexistent' } });
    expect([deploy.exit, deploy.stderr]).toEqual([5, expect.stringContaining('sudo docker-deploy-bg')]);
    expect(await project.containers()).toEqual([]);
  });
});

/** Restarts a container while another one takes its address. */
async function moveAway(id: string): Promise<void> {
  const container = docker.getContainer(id);
  const { NetworkSettings, Image } = await container.inspect();
  const network = `${project.name}_default`;
  const IPAddress = NetworkSettings.Networks[network]?.IPAddress ?? '';
  await container.stop({ t: 0 });
  const Labels = { 'com.docker.compose.project': project.name };
  const other = await docker.createContainer({
    ...{ Image, Labels, Cmd: ['sleep', '600'], HostConfig: { NetworkMode: network, Init: true } },
    NetworkingConfig: { EndpointsConfig: { [network]: {} } },
  });
  await other.start();
  const taken = (await other.inspect()).NetworkSettings.Networks[network]?.IPAddress;
  expect(taken, 'the other one takes the address').toBe(IPAddress);
  await container.start();
  await until('it to be healthy', async () => (await container.inspect()).State.Health?.Status === 'healthy');
}
