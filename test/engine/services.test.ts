import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { execa } from 'execa';
import { mixed, startAsking } from '../support/asking.ts';
import {
  CALM_HEALTHCHECK,
  docker,
  type ProjectOptions,
  ok,
  TestProject,
  until,
  webService,
} from '../support/project.ts';

/** Web calls api, api needs worker; the database and the cache are nobody's to replace. */
function threeServices(project: TestProject): Omit<ProjectOptions, 'proxy'> {
  const healthy = (...names: string[]) => ({
    depends_on: Object.fromEntries(names.map((name) => [name, { condition: 'service_healthy' }])),
  });
  const member = (name: string, over: object) =>
    webService(project, {
      image: `${project.name}/${name}:\${VERSION:-v1}`,
      healthcheck: CALM_HEALTHCHECK,
      'x-deploy-bg': {},
      ...over,
    });
  return {
    web: {
      healthcheck: CALM_HEALTHCHECK,
      depends_on: { ...healthy('api').depends_on, db: { condition: 'service_started' } },
    },
    services: {
      api: member('api', healthy('worker', 'cache')),
      worker: member('worker', { environment: { APP_READY_AFTER_MS: '1500' } }),
      db: { image: 'node:24-slim', command: FOREVER, volumes: ['data:/data'], stop_grace_period: '0s' },
      cache: { image: `${project.name}/cache:1`, healthcheck: CALM_HEALTHCHECK, deploy: { replicas: 2 } },
    },
    top: { volumes: { data: {} } },
  };
}

const FOREVER = ['node', '-e', 'setInterval(() => {}, 1000)'];
const SERVICES = ['app', 'api', 'worker'] as const;

describe('a project of several services', () => {
  let project: TestProject;
  let beside: TestProject;

  beforeEach(async () => {
    project = await TestProject.create({ proxy: 'caddy' });
    beside = await TestProject.create({ proxy: 'caddy' });
    await project.edit(threeServices(project));
    await project.build('1', {}, 'cache');
    for (const service of SERVICES) for (const version of ['v1', 'v2']) await project.build(version, {}, service);
  });
  afterEach(async () => {
    await project.dispose();
    await beside.dispose();
  });

  it('switches as one: whoever calls a service only ever finds the one of its own version and color', async () => {
    await ok(project.deploy('v1'));
    const asking = startAsking(`${project.url}/upstream?service=api`);
    for (const version of ['v2', 'v1', 'v2']) await ok(project.deploy(version));
    const answers = await asking.stop();
    expect(answers.length).toBeGreaterThan(500);
    expect(mixed(answers)).toEqual([]);
    expect(new Set(answers.map((a) => a.who?.color))).toEqual(new Set(['blue', 'green']));
  });

  it('keeps shared services, their volumes, scaled dependencies and other projects as they are', async () => {
    await beside.write('compose.yml', `name: ${beside.name}\nservices:\n  web:\n    image: caddy:2\n`);
    await beside.compose(['up', '-d']);
    await ok(project.deploy('v1'));
    await inDb(project, 'require("fs").writeFileSync("/data/kept", "yes")');
    const volume = `${project.name}_data`;
    const look = async () => ({
      shared: await project.plainIds('db', 'cache', 'proxy'),
      volume: await docker.getVolume(volume).inspect(),
      beside: await beside.plainIds('web'),
      kept: await inDb(project, 'process.stdout.write(require("fs").readFileSync("/data/kept"))'),
    });
    const before = await look();
    expect(before.shared).toHaveLength(4);
    await ok(project.deploy('v2'));
    await ok(project.run(['rollback']));
    await ok(project.run(['cleanup']));
    expect(await look()).toEqual(before);
  });

  it('is all or nothing: one service of a release that fails keeps all of it out', async () => {
    await project.build('v3');
    await project.build('v3', {}, 'worker');
    await project.build('v3', { APP_EXIT_AFTER_MS: '100', APP_EXIT_CODE: '7' }, 'api');
    await ok(project.deploy('v1'));
    const before = await runningIds(project);
    const load = project.load({ kinds: { kept: 6, fresh: 4, post: 2 } });
    const failed = await project.deploy('v3');
    expect(failed.exit).toBe(1);
    expect(failed.stderr).toContain('exited with code 7');
    const report = await load.stop();
    expect(report.failures).toEqual([]);
    expect(Object.keys(report.byVersion)).toEqual(['v1']);
    expect(await runningIds(project)).toEqual(before);
    expect(await project.status()).toMatchObject({ live: { version: 'v1' }, leftovers: [], disagreements: [] });
  });

  it('creates in the order of depends_on: nobody is created before those are healthy that it needs', async () => {
    await ok(project.deploy('v1'));
    const of = async (service: string) => (await project.replicas(service)).map((c) => c);
    const [web, api, worker, cache] = await Promise.all(['web', 'api', 'worker', 'cache'].map(of));
    const readyAt = Math.max(...(worker ?? []).map((c) => (c.startedAt ?? Infinity) + 1500));
    expect(Math.min(...(api ?? []).map((c) => c.createdAt))).toBeGreaterThanOrEqual(readyAt);
    expect(first(web)).toBeGreaterThan(last(api));
    expect(first(worker)).toBeGreaterThan(last(cache));
  });

  it('--services replaces what is asked for; the rest of the color is created anew as it was', async () => {
    await ok(project.deploy('v1'));
    const before = await definitions(project, 'api');
    // What today's file says of a service that was not asked for must not get in.
    const { web, services, top } = threeServices(project);
    const edited = { ...services, api: { ...services?.['api'], environment: { EDITED: 'yes' } } };
    await project.edit({ ...(web && { web }), services: edited, ...(top && { top }) });
    await ok(project.deploy('v2', '--services', 'web'));
    expect(await definitions(project, 'api')).toEqual(before);
    const asking = startAsking(`${project.url}/upstream?service=api`);
    await until('some answers', () => asking.answers().length > 20);
    const answers = await asking.stop();
    expect(new Set(answers.map((a) => a.who?.version))).toEqual(new Set(['v2']));
    expect(new Set(answers.map((a) => a.who?.upstream?.version))).toEqual(new Set(['v1']));
    expect(new Set(answers.map((a) => a.who?.upstream?.color))).toEqual(new Set(['green']));
    const { services: rows } = await project.status();
    expect(rows.map(({ name, version }) => [name, version])).toEqual([
      ['api', 'v1'],
      ['web', 'v2'],
      ['worker', 'v1'],
    ]);
  });
});

describe('a one-shot service', () => {
  let project: TestProject;

  beforeEach(async () => {
    project = await TestProject.create({ proxy: 'caddy' });
    const script = 'fs.appendFileSync("/data/runs", process.env.APP_VERSION + "\\n"); process.exit(+process.env.FAIL)';
    await project.edit({
      web: { healthcheck: CALM_HEALTHCHECK, depends_on: { migrate: { condition: 'service_completed_successfully' } } },
      services: {
        migrate: {
          image: `${project.name}/app:\${VERSION:-v1}`,
          command: ['node', '-e', `console.log("migrating"); ${script}`],
          volumes: ['data:/data'],
        },
        db: { image: 'node:24-slim', command: FOREVER, volumes: ['data:/data'], stop_grace_period: '0s' },
      },
      top: { volumes: { data: {} } },
    });
    await project.build('v1', { FAIL: '0' });
    await project.build('v2', { FAIL: '0' });
    await project.build('v3', { FAIL: '3' });
  });
  afterEach(() => project.dispose());

  it('runs once per release before its dependents, and its failure leaves everything untouched', async () => {
    await ok(project.deploy('v1'));
    await ok(project.deploy('v2'));
    const runs = () => inDb(project, 'process.stdout.write(require("fs").readFileSync("/data/runs"))');
    expect(await runs()).toBe('v1\nv2\n');
    const before = await runningIds(project);
    const load = project.load({ kinds: { kept: 6, fresh: 4 } });
    const failed = await project.deploy('v3');
    expect(failed.exit).toBe(1);
    expect(failed.stderr).toContain('migrate ended with exit code 3');
    expect(failed.stderr).toContain('migrating');
    expect((await load.stop()).failures).toEqual([]);
    expect(await runs()).toBe('v1\nv2\nv3\n');
    expect(await runningIds(project)).toEqual(before);
    expect(await project.status()).toMatchObject({ live: { version: 'v2' }, leftovers: [], disagreements: [] });
  });
});

function first(containers: Awaited<ReturnType<TestProject['replicas']>> = []): number {
  return Math.min(...containers.map((c) => c.createdAt));
}

function last(containers: Awaited<ReturnType<TestProject['replicas']>> = []): number {
  return Math.max(...containers.map((c) => c.createdAt));
}

async function runningIds(project: TestProject): Promise<readonly string[]> {
  return (await project.containers()).map((c) => c.id).sort();
}

/** Image and environment of a service's replicas, but for what names the color. */
async function definitions(project: TestProject, service: string) {
  const replicas = await project.replicas(service);
  const inspected = await Promise.all(replicas.map((c) => docker.getContainer(c.id).inspect()));
  return inspected.map((info) => ({
    image: info.Image,
    environment: info.Config.Env.filter((pair) => !pair.startsWith('DEPLOY_COLOR=')).sort(),
  }));
}

async function inDb(project: TestProject, script: string): Promise<string> {
  const { stdout } = await execa('docker', ['exec', `${project.name}-db-1`, 'node', '-e', script], {
    stripFinalNewline: false,
  });
  return stdout;
}
