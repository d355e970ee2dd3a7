import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Plan } from '../../src/app/plan-view.ts';
import { stepText } from '../../src/core/plan.ts';
import { lastRollout } from '../support/in-place.ts';
import { CALM_HEALTHCHECK, DETACHED, ok, type ProxyKind, TestProject } from '../support/project.ts';

/** Each replica may take 128 MiB. */
const LIMITED = {
  deploy: { replicas: 2, update_config: { monitor: '1s' }, resources: { limits: { memory: '128M' } } },
};

/** One that is replaced in place, and one that is shared. */
const besides = (name: string) => ({
  jobs: {
    image: `${name}/app:\${VERSION:-v1}`,
    healthcheck: CALM_HEALTHCHECK,
    deploy: { replicas: 2, update_config: { monitor: '1s', order: 'stop-first' } },
    'x-deploy-bg': { strategy: 'rolling' },
  },
  db: { image: `${name}/app:v1`, healthcheck: CALM_HEALTHCHECK },
});

describe.each<ProxyKind>(['caddy', 'nginx'])('plan behind %s', (proxy) => {
  let project: TestProject;

  afterEach(() => project.dispose());

  async function given(): Promise<void> {
    project = await TestProject.create({ proxy });
    await project.edit({ web: LIMITED, services: besides(project.name) });
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    if (DETACHED) await project.hasAgent();
  }

  async function planOf(version: string): Promise<Plan> {
    const { stdout } = await ok(project.run(['plan', version, '--json']));
    return JSON.parse(stdout) as Plan;
  }

  it('shows what the deploy then does, and changes nothing itself', async () => {
    await given();
    for (const version of ['v1', 'v2']) {
      const before = await everything();
      const plan = await planOf(version);
      expect(await everything()).toEqual(before);
      const deployed = await ok(project.deploy(version, '--progress', 'json'));
      const started = startedSteps(deployed.stderr);
      // Who watches an agent comes after its first steps.
      expect(started).toEqual(texts(plan).slice(DETACHED ? -started.length : 0));
      expect((await lastRollout(project)).steps.map(stepText)).toEqual(texts(plan));
      expect(await planOf(version)).toMatchObject({
        state: 'nothing-to-do',
        steps: [],
        proxy: { before: plan.proxy.after },
      });
      const foreseen = plan.proxy.after.flatMap(({ backends }) => backends.map(({ container }) => container));
      expect((await project.replicas()).map(({ name }) => name).toSorted()).toEqual(foreseen.toSorted());
    }
  });

  it('says what it takes, and the same to people as to programs', async () => {
    await given();
    await ok(project.deploy('v1'));
    const plan = await planOf('v2');
    expect(plan).toMatchObject({
      services: [
        { service: 'jobs', fate: 'replace', strategy: 'rolling', from: { version: 'v1', color: null, replicas: 2 } },
        { service: 'web', fate: 'switch', strategy: 'blue-green', to: { version: 'v2', color: 'green', replicas: 2 } },
      ],
      twice: [{ service: 'web', old: 2, new: 2 }],
      memory: { neededBytes: 256 * 1024 ** 2, notKnown: [] },
      disk: { neededBytes: 0 },
      proxy: { driver: proxy, reload: proxy === 'nginx' },
      shortages: [],
    });
    expect(plan.memory.availableBytes).toBeGreaterThan(0);
    expect(plan.disk.freeBytes).toBeGreaterThan(0);
    const [json, people] = [
      await ok(project.deploy('v2', '--dry-run', '--progress', 'json')),
      await ok(project.run(['plan', 'v2'], { env: { LANG: 'C.UTF-8' } })),
    ];
    expect(steady((JSON.parse(json.stdout) as { readonly plan: Plan }).plan)).toEqual(steady(plan));
    for (const text of texts(plan)) expect(people.stdout).toContain(`. ${text}`);
    for (const line of people.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  /** Containers, and every file of the project with its content. */
  async function everything(): Promise<unknown> {
    const containers = (await project.containers()).map(({ id, state }) => `${id} ${state}`).toSorted();
    const entries = await readdir(project.directory, { recursive: true, withFileTypes: true });
    const files = entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      return [
        path,
        entry.isFile()
          ? createHash('sha256')
              .update(await readFile(path))
              .digest('hex')
          : 'no file',
      ];
    });
    return { containers, files: (await Promise.all(files)).toSorted() };
  }
});

function texts({ steps }: Plan): readonly string[] {
  return steps.map(({ text }) => text);
}

/** What progress says that it is going to do, and then does. */
function startedSteps(stderr: string): readonly string[] {
  const events = stderr.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Event] : []));
  return events.flatMap((event) => (event.kind === 'step-started' ? [event.text ?? ''] : []));
}

interface Event {
  readonly kind: string;
  readonly text?: string;
}

/** Without what another process may change meanwhile. */
function steady({ memory, disk, ...rest }: Plan): unknown {
  return { ...rest, memory: { ...memory, availableBytes: null }, disk: { ...disk, freeBytes: null } };
}
