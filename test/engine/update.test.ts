import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DETACHED, docker, ok, type Run, TEST_LABEL, TestProject, until, withProject } from '../support/project.ts';
import { LIGHT, storeOf } from '../support/state.ts';
import { TestRegistry } from '../support/real-registry.ts';

let registry: TestRegistry;
beforeAll(async () => {
  registry = await TestRegistry.create();
});
afterAll(() => registry.dispose());

/** A project whose image comes from the registry. */
async function withImages(
  settings: Record<string, unknown>,
  versions: readonly string[],
  test: (project: TestProject, update: (...args: string[]) => Promise<Run>) => Promise<void>,
): Promise<void> {
  await withProject({ proxy: 'caddy' }, async (project) => {
    const image = registry.image(project, '${VERSION:-none}');
    await project.edit({ settings, web: { image } });
    await Promise.all(versions.map((version) => project.build(version)));
    const env = { DOCKER_CONFIG: registry.login };
    await test(project, (...args) => project.run(args, { env }));
  });
}

const rollouts = async (project: TestProject): Promise<number> => {
  const { stdout } = await ok(project.run(['history', '--json']));
  return (JSON.parse(stdout) as { rollouts: unknown[] }[]).flatMap((entry) => entry.rollouts).length;
};

const lastRollout = async (project: TestProject): Promise<string | undefined> =>
  (await storeOf(project).rollouts()).at(-1)?.id;

/** What `scripts/test --long` adds. */
const LONG = process.env['DEPLOY_BG_TEST_LONG'] === '1';
const HOUR = 3_600_000;
const UPDATES = 100;
/** So large may the journal become before it is folded (src/adapters/store/journal.ts). */
const JOURNAL_BYTES = 1_000_000;

/** What a heap may differ by from one moment to another. */
const GROWTH = 1.3;

interface Footprint {
  readonly images: number;
  readonly containers: number;
  readonly networks: number;
  readonly stateBytes: number;
  /** Memory of the agent that deployed; 0 where there was none. */
  readonly agentBytes: number;
}

/** What there is of a project on this machine. */
async function footprint(project: TestProject): Promise<Footprint> {
  const { stdout: bytes } = await execa('du', ['-sb', join(project.directory, '.deploy-bg')]);
  const networks = await docker.listNetworks();
  return {
    images: (await docker.listImages({ all: true, filters: { label: [`${TEST_LABEL}=${project.name}`] } })).length,
    containers: (await project.containers()).length,
    networks: networks.filter(({ Name }) => Name.startsWith(project.name)).length,
    stateBytes: Number.parseInt(bytes, 10),
    agentBytes: DETACHED ? await agentBytes(project) : 0,
  };
}

/** Its own, without the files that it has read: those the kernel gives away as soon as others need the memory. */
async function agentBytes(project: TestProject): Promise<number> {
  const container = docker.getContainer(`${project.name}-deploy-bg-agent-1`);
  const { memory_stats: memory } = await container.stats({ stream: false });
  // By the first and the second version of cgroups.
  const stats: Readonly<Record<string, number | undefined>> = { ...memory.stats };
  return stats['rss'] ?? stats['anon'] ?? Number.NaN;
}

describe('update', () => {
  it('deploys a tag that moved under load, and nothing while it has not', async () => {
    await withImages({}, ['v1', 'v2'], async (project, run) => {
      await registry.push(project, 'v1', 'latest');
      await ok(run('update', 'latest'));
      expect(await run('update')).toMatchObject({
        exit: 0,
        stdout: expect.stringContaining('nothing to do') as string,
      });
      expect(await rollouts(project)).toBe(1);

      await registry.push(project, 'v2', 'latest');
      const load = project.load();
      await load.waitFor(({ ok: answers }) => answers > 50, 10_000, 'answers');
      expect((await run('update', '--dry-run')).stdout).toContain('would bring in latest');
      expect(await rollouts(project)).toBe(1);
      await ok(run('update'));
      const report = await load.stop();
      expect(report.failures).toEqual([]);
      expect(report.byVersion).toHaveProperty('v2');
      expect(await rollouts(project)).toBe(2);
      expect(await project.status()).toMatchObject({ live: { version: 'latest' }, leftovers: [], disagreements: [] });

      await ok(run('rollback'));
      expect((await ok(run('update'))).stdout).toContain('somebody went back from latest');
      expect(await rollouts(project)).toBe(3);
    });
  });

  it.runIf(LONG)(
    'a hundred times in a row loses nothing, and leaves no more behind than the first ones',
    { timeout: HOUR },
    async () => {
      await withImages({}, ['v1', 'v2'], async (project, run) => {
        const image = registry.image(project, '${VERSION:-none}');
        await project.edit({ settings: { history: 2 }, web: { image, pull_policy: 'always' } });
        // An agent is given deploys, and updates at the minute.
        const verb = DETACHED ? 'deploy' : 'update';
        const next = (n: number): string => (n % 2 === 0 ? 'v1' : 'v2');
        const one = async (n: number): Promise<void> => {
          await registry.push(project, next(n), 'latest');
          const before = await lastRollout(project);
          await ok(run(verb, 'latest'));
          expect(await lastRollout(project)).not.toBe(before);
        };
        await one(0);
        const load = project.load(LIGHT);
        let early: Footprint | null = null;
        for (let n = 1; n <= UPDATES; n += 1) {
          await one(n);
          if (n === UPDATES / 5) early = await footprint(project);
        }
        const report = await load.stop();
        const late = await footprint(project);
        console.log(UPDATES, 'updates', report.requests, 'requests', { early, late });
        expect(report.failures).toEqual([]);
        expect(late).toMatchObject({ images: early?.images, containers: early?.containers, networks: early?.networks });
        expect(late.stateBytes).toBeLessThan(JOURNAL_BYTES + 100_000);
        expect(late.agentBytes).toBeLessThanOrEqual((early?.agentBytes ?? 0) * GROWTH);
        expect(await project.status()).toMatchObject({ live: { version: 'latest' }, leftovers: [], disagreements: [] });
      });
    },
  );

  it('leaves no images of releases that no way back leads to', async () => {
    await withImages({ history: 1 }, ['v1', 'v2', 'v3'], async (project, run) => {
      const ids: string[] = [];
      for (const version of ['v1', 'v2', 'v3']) {
        ids.push((await docker.getImage(project.image(version)).inspect()).Id);
        await registry.push(project, version, 'latest');
        await docker.getImage(project.image(version)).remove();
        await ok(run('update', 'latest'));
      }
      const isThere = (id: string): Promise<boolean> =>
        docker
          .getImage(id)
          .inspect()
          .then(
            () => true,
            () => false,
          );
      expect(await Promise.all(ids.map(isThere))).toEqual([false, false, true]);
    });
  });

  it('deploys the newest version in a range, and not twice', async () => {
    const update = { image: 'web', range: '^1.2' };
    await withImages({ update }, ['v1', 'v2'], async (project, run) => {
      await registry.push(project, 'v1', '1.2.0');
      await ok(run('deploy', '1.2.0'));
      for (const tag of ['1.9.1', '1.10.0', '2.0.0', 'latest']) await registry.push(project, 'v2', tag);
      await ok(run('update'));
      expect(await project.status()).toMatchObject({ live: { version: '1.10.0' } });
      expect((await ok(run('update'))).stdout).toContain('1.10.0 is what the registry has');
      expect(await rollouts(project)).toBe(2);
    });
  });

  it('is run by the agent at its schedule, with the logins of whoever has set it up', async () => {
    await withImages({ update: { schedule: '* * * * *' } }, ['v1', 'v2'], async (project, run) => {
      await execa('scripts/images', ['--agent']);
      await registry.push(project, 'v1', 'latest');
      await ok(run('agent', 'init'));
      await ok(run('update', 'latest'));
      await registry.push(project, 'v2', 'latest');
      const states = async (): Promise<readonly string[]> =>
        (await storeOf(project).rollouts()).map(({ state }) => state);
      await until(
        'the agent to have deployed it',
        async () => (await states()).join() === 'completed,completed',
        90_000,
      );
      await until('it to be done', async () => (await storeOf(project).holder()) === null);
      expect(await project.status()).toMatchObject({ live: { version: 'latest' }, leftovers: [], disagreements: [] });
      const { Id: wanted } = await docker.getImage(project.image('v2')).inspect();
      expect((await project.replicas()).map(({ imageId }) => imageId)).toEqual([wanted, wanted]);
      expect((await run('agent', 'status')).stdout).toMatch(/next at \d{4}-/);
    });
  });

  it('changes nothing where the registry is down, and says so where nobody has logged in', async () => {
    await withImages({}, ['v1'], async (project, run) => {
      await registry.push(project, 'v1', 'latest');
      await ok(run('deploy', 'latest'));
      const before = (await project.replicas()).map(({ id }) => id);
      expect(await project.run(['update'], { env: { DOCKER_CONFIG: project.directory } })).toMatchObject({
        exit: 1,
        stderr: expect.stringContaining(`docker login ${registry.domain}`) as string,
      });
      await registry.stop();
      try {
        expect(await run('update')).toMatchObject({
          exit: 7,
          stderr: expect.stringContaining('see that the registry can be reached') as string,
        });
      } finally {
        await registry.start();
      }
      expect((await project.replicas()).map(({ id }) => id)).toEqual(before);
      expect(await rollouts(project)).toBe(1);
    });
  });

  it('twice at once deploys once', async () => {
    await withImages({}, ['v1', 'v2'], async (project, run) => {
      await registry.push(project, 'v1', 'latest');
      await ok(run('deploy', 'latest'));
      await registry.push(project, 'v2', 'latest');
      const ends = (await Promise.all([run('update'), run('update')])).map(({ exit }) => exit);
      expect(ends).toContain(0);
      expect([0, 5]).toEqual(expect.arrayContaining(ends));
      expect(await rollouts(project)).toBe(2);
      expect(await project.status()).toMatchObject({ live: { version: 'latest' }, leftovers: [], disagreements: [] });
    });
  });
});

describe('systemd', () => {
  it('writes units that systemd takes, and that run in the project with what this shell has', async () => {
    const update = { schedule: '30 4 13 * 5' };
    await withProject({ proxy: 'caddy', settings: { update } }, async (project) => {
      const env = { DEPLOY_BG_STATE_DIR: join(project.directory, 'my "state" 100%') };
      expect((await project.run(['systemd', '--dir', 'none'], { env })).exit).toBe(5);
      const { stdout } = await ok(project.run(['systemd', '--dir', '.', '-f', 'compose.yml'], { env }));
      const [service = '', timer = ''] = ['service', 'timer'].map((kind) => `deploy-bg-${project.name}.${kind}`);
      expect(stdout).toContain(`systemctl enable --now ${timer}`);
      expect(await project.read(timer)).toContain('OnCalendar=*-*-13 4:30:00\nOnCalendar=Fri *-*-* 4:30:00\n');
      expect(await project.read(service)).toContain('my \\"state\\" 100%%"');
      if (!existsSync('/usr/bin/systemd-analyze')) return;
      const files = [service, timer].map((name) => join(project.directory, name));
      const { all } = await execa('systemd-analyze', ['verify', '--man=no', ...files], { all: true, reject: false });
      expect(all.split('\n').filter((line) => line.includes(project.name))).toEqual([]);
    });
  });

  it('asks for a schedule where there is none, and takes no nonsense for one', async () => {
    await withProject({ proxy: 'caddy' }, async (project) => {
      expect(await project.run(['systemd'])).toMatchObject({ exit: 2 });
      expect(await project.run(['systemd', '--schedule', 'daily'])).toMatchObject({ exit: 2 });
      expect((await ok(project.run(['systemd', '--schedule', '0 4 * * *']))).stdout).toContain(
        'OnCalendar=*-*-* 4:0:00',
      );
    });
  });
});
