import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { Load, Result } from '../../demo/load/load.ts';
import { docker, type ProxyKind, type Run, TEST_LABEL, TestProject } from '../support/project.ts';
import { containerIds, expectError, expectServesAlone, LIGHT, unwrapped } from '../support/state.ts';

/** What a broken template says in the words of the proxy. */
const BROKEN_DIRECTIVE: Readonly<Record<ProxyKind, { readonly template: string; readonly words: string }>> = {
  caddy: {
    template:
      '{{#each routes}}(deploy-bg-{{service}}) {\n\treverse_prxy x\n}\n{{/each}}(deploy-bg) {\n\treverse_prxy x\n}\n',
    words: 'reverse_prxy',
  },
  nginx: { template: 'proxy_pas http://nowhere;\n', words: 'proxy_pas' },
};

const WATCHED = { env: { MONITOR: '4s' } };

describe.each<ProxyKind>(['caddy', 'nginx'])('behind %s, while v1 serves all along', (proxy) => {
  let project: TestProject;
  let load: Load;
  let before: readonly string[];

  beforeEach(async () => {
    project = await TestProject.create({
      proxy,
      web: { deploy: { replicas: 2, update_config: { monitor: '${MONITOR:-0s}' } } },
    });
    await project.build('v1');
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    before = await containerIds(project);
    load = project.load(LIGHT);
    await load.waitFor((report) => (report.byVersion['v1'] ?? 0) > 20, 10_000, 'answers of v1');
  });
  afterEach(() => project.dispose());

  /** v1 answers after it as before, its containers were not touched, and nothing is there that was not before. */
  async function expectOnlyV1(): Promise<void> {
    const answered = load.report().byVersion['v1'] ?? 0;
    await load.waitFor((report) => (report.byVersion['v1'] ?? 0) > answered + 20, 10_000, 'answers of v1 after it');
    expect(await containerIds(project)).toEqual(before);
    await expectServesAlone(project, { version: 'v1', color: 'blue', releases: ['v1'] });
  }

  async function expectNothingLost(): Promise<void> {
    expect((await load.stop()).failures).toEqual([]);
  }

  it.runIf(proxy === 'caddy')(
    'a v2 that exits at its start is refused with its exit code and last log lines',
    async () => {
      await project.build('v2', { APP_EXIT_AFTER_MS: '100', APP_EXIT_CODE: '42', APP_LOG_LINES: '3' });
      const run = await project.deploy('v2');
      expectError(run, { exit: 1, code: 'rollout-failed' });
      expect(unwrapped(run)).toContain('exited with code 42');
      expect(run.stderr).toContain('log: line 3 of 3');
      await expectOnlyV1();
      await expectNothingLost();
      expect(load.report().byVersion).not.toHaveProperty('v2');
    },
  );

  it.runIf(proxy === 'caddy')(
    'a v2 that never becomes healthy is refused after HEALTH_CHECK_TIMEOUT with its health log',
    async () => {
      await project.build('v2', { APP_NEVER_HEALTHY: '1' });
      await project.write('compose.yml', await withSlowVerdict(project));
      const run = await project.run(['deploy', 'v2'], { env: { HEALTH_CHECK_TIMEOUT: '5' } });
      expectError(run, { exit: 1, code: 'rollout-failed' });
      expect(unwrapped(run)).toContain('not ready after 5 s');
      expect(run.stderr).toMatch(/health check: exit 1/);
      await expectOnlyV1();
      await expectNothingLost();
      expect(load.report().byVersion).not.toHaveProperty('v2');
    },
  );

  it('a v2 whose health check fails after the switch is taken back without one failed request', async () => {
    await project.build('v2', { APP_UNHEALTHY_AFTER_MS: '2500' });
    const run = await project.run(['deploy', 'v2'], WATCHED);
    expectError(run, { exit: 1, code: 'rollout-failed' });
    expect(unwrapped(run)).toContain('was ready, then its health check says unhealthy');
    await expectOnlyV1();
    await expectNothingLost();
    expect(load.report().byVersion['v2']).toBeGreaterThan(0);
  });

  it('B22 a v2 that dies 2 s after the switch is taken back with its exit code and last log lines', async () => {
    await project.build('v2', { APP_DIES_AFTER_READY_MS: '3000', APP_EXIT_CODE: '7' });
    const run = await project.run(['deploy', 'v2'], WATCHED);
    expectError(run, { exit: 1, code: 'rollout-failed' });
    expect(unwrapped(run)).toContain('was ready, then exited with code 7');
    expect(run.stderr).toContain('log: APP_DIES_AFTER_READY_MS: exit 7');
    await expectOnlyV1();
    const { failures, byVersion } = await load.stop();
    expect(failures.filter((failure) => isLossWithoutReason(failure, run))).toEqual([]);
    expect(byVersion['v2']).toBeGreaterThan(0);
  });

  /**
   * Both replicas dead at once: what v2 had accepted dies with it, and nobody may send a POST twice. Caddy holds
   * everything else until v1 has the traffic back; nginx cannot wait, and refuses until then.
   */
  function isLossWithoutReason({ kind, startedAt }: Result, run: Run): boolean {
    return proxy === 'caddy' ? kind !== 'post' : startedAt > run.endedAt;
  }

  it.runIf(proxy === 'caddy')('B16 a v2 whose image is missing is refused before anything starts', async () => {
    const run = await project.deploy('v2', '--no-pull');
    expectError(run, { exit: 1, code: 'image-missing' });
    expect(unwrapped(run)).toContain(project.image('v2'));
    await expectOnlyV1();
    await expectNothingLost();
  });

  it.each([
    ['the proxy does not know', () => BROKEN_DIRECTIVE[proxy]],
    ['Handlebars cannot read', () => ({ template: '{{#each routes}}', words: 'Parse error' })],
  ])('a proxy.template that %s is refused in the words of who refused it', async (_what, broken) => {
    const { template, words } = broken();
    await project.build('v2');
    await project.write('routes.hbs', template);
    await project.write('compose.yml', await withTemplate(project, 'routes.hbs'));
    const run = await project.deploy('v2');
    expectError(run, { exit: 2, code: 'proxy-rejected' });
    expect(run.stderr).toContain(words);
    await expectOnlyV1();
    await expectNothingLost();
    expect(load.report().byVersion).not.toHaveProperty('v2');
  });
});

describe('the port of the proxy', () => {
  it('that another container has ends the first deploy, which names how to find that one', async () => {
    const project = await TestProject.create({ proxy: 'caddy' });
    try {
      await project.build('v1');
      const port = new URL(project.url).port;
      const holder = await docker.createContainer({
        ...{ Image: 'caddy:2', name: `${project.name}-holder`, Labels: { [TEST_LABEL]: project.name } },
        ...{ ExposedPorts: { '80/tcp': {} }, HostConfig: { PortBindings: { '80/tcp': [{ HostPort: port }] } } },
      });
      try {
        await holder.start();
        const run = await project.deploy('v1');
        expectError(run, { exit: 1, code: 'shared-failed' });
        expect(unwrapped(run)).toContain(`docker ps --filter publish=${port}`);
      } finally {
        await holder.remove({ force: true });
      }
      expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
    } finally {
      await project.dispose();
    }
  });
});

describe('a port that is taken', () => {
  let project: TestProject;
  let holder: Server;

  beforeEach(async () => {
    project = await TestProject.create({ proxy: 'caddy', web: { deploy: { replicas: 1 } } });
    await project.build('v1');
    await project.build('v2');
    const [blue, green] = [await held(0), await held(0)];
    await closed(blue.server);
    holder = green.server;
    await project.write('compose.blue.yml', overlay(blue.port));
    await project.write('compose.green.yml', overlay(green.port));
    expect(await project.deploy('v1')).toMatchObject({ exit: 0 });
  });
  afterEach(async () => {
    await closed(holder);
    await project.dispose();
  });

  it('of the color that comes next fails the deploy and names the port; freed, the same deploy succeeds', async () => {
    const before = await containerIds(project);
    const load = project.load(LIGHT);
    const { port } = holder.address() as { port: number };
    const run = await project.deploy('v2');
    expectError(run, { exit: 1, code: 'rollout-failed' });
    expect(unwrapped(run)).toContain(String(port));
    expect(await containerIds(project)).toEqual(before);
    expect(await project.status()).toMatchObject({ live: { version: 'v1' }, leftovers: [], disagreements: [] });
    await closed(holder);
    expect(await project.deploy('v2')).toMatchObject({ exit: 0 });
    expect((await load.stop()).failures).toEqual([]);
  });
});

/** The compose file with a health check that says nothing for longer than the test waits. */
function withSlowVerdict(project: TestProject): Promise<string> {
  return edited(project, (model) => {
    model.services.web.healthcheck.retries = 100;
  });
}

function withTemplate(project: TestProject, template: string): Promise<string> {
  return edited(project, (model) => {
    model['x-deploy-bg'].proxy = { service: 'proxy', template };
  });
}

interface ComposeFile {
  readonly 'x-deploy-bg': Record<string, unknown>;
  readonly services: { readonly web: { readonly healthcheck: Record<string, unknown> } };
}

async function edited(project: TestProject, edit: (model: ComposeFile) => void): Promise<string> {
  const model = parse(await readFile(join(project.directory, 'compose.yml'), 'utf8')) as ComposeFile;
  edit(model);
  return stringify(model);
}

function overlay(port: number): string {
  return stringify({ services: { web: { ports: [`127.0.0.1:${String(port)}:3000`] } } });
}

async function held(port: number): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { server, port: (server.address() as { port: number }).port };
}

async function closed(server: Server): Promise<void> {
  if (server.listening) await new Promise((resolve) => server.close(resolve));
}
