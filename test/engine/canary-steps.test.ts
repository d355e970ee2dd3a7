import { afterEach, describe, expect, it } from 'vitest';
import { lastRollout, replicaIds } from '../support/in-place.ts';
import { extremes, Lives, only } from '../support/lives.ts';
import { CALM_HEALTHCHECK, docker, ok, type ProxyKind, TestProject, until } from '../support/project.ts';
import { script, SCRIPTED } from '../support/slots.ts';
import { LIGHT } from '../support/state.ts';
import { story, told } from '../support/story.ts';

type Keys = Readonly<Record<string, unknown>>;

/** A request that was sent before is still on its way by so much. */
const CONNECT_MS = 500;

/** Says nothing good of a replica while there is a file of its version and number. */
const HEALTH = `test ! -e /slots/starting-$$APP_VERSION-$$(cat /tmp/slot) && ${CALM_HEALTHCHECK.test[3]}`;

/** What happened last when one of the replicas for the next weight is still awaited. */
const READY_OF_TWO = 'gate over,ready web';

let project: TestProject;
let lives: Lives;

afterEach(async () => {
  lives.close();
  await project.dispose();
});

/** Deploys or promotes up to the next pause. */
async function toPause(...args: readonly string[]): Promise<void> {
  const run = await project.run(args);
  expect(run, run.stderr).toMatchObject({ exit: 3 });
}

describe.each<ProxyKind>(['caddy', 'nginx'])('a canary behind %s', (proxy) => {
  async function steps(list: readonly unknown[], replicas: number, keys: Keys = {}): Promise<void> {
    const [command, shell, flag] = CALM_HEALTHCHECK.test;
    const web = {
      ...SCRIPTED,
      healthcheck: { ...CALM_HEALTHCHECK, test: [command, shell, flag, HEALTH] },
      deploy: { replicas, update_config: { monitor: '0s' } },
      'x-deploy-bg': {
        ...{ strategy: 'canary', steps: list, route: { port: 3000, probe: { path: '/health' } } },
        ...keys,
      },
    };
    await project.edit({ web });
  }

  /** Replicas of both sides, and the candidate's share as the proxy itself says it: `1/3 10`. */
  async function shape(): Promise<string> {
    const { stable, candidate } = await lastRollout(project);
    const replicas = await project.replicas();
    const count = (version: string | null | undefined) => replicas.filter((c) => c.version === version).length;
    const { services } = await project.status();
    const share = services.find(({ color }) => color === candidate.color)?.weight ?? 0;
    return `${String(count(candidate.version))}/${String(count(stable?.version))} ${String(share)}`;
  }

  const weights = async () => (await story(project)).filter((text) => text.startsWith('weight') && text !== 'weight 0');

  it('C02 C19 C23 C06 C13 C16 C17 C18 goes as its steps say, and back as its stable side can bear it', async () => {
    project = await TestProject.create({ proxy });
    await steps([], 3, { strategy: 'blue-green', steps: undefined });
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    await script(project, 'v1');
    await ok(project.deploy('v1'));
    lives = await Lives.of(project);
    const load = project.load(LIGHT);
    await everyWeight();
    await readyBeforeWeight();
    const gone = await candidateGone();
    await sizes();
    await stableComesBack();
    const { failures } = await load.stop();
    const until = proxy === 'caddy' ? gone.removed : gone.to;
    expect(failures.filter(({ startedAt }) => startedAt < gone.from || startedAt > until)).toEqual([]);
  });

  /** C02, C19, C23: who edits the steps while it waits edits those of the next deploy. */
  async function everyWeight(): Promise<void> {
    await steps([1, 2, 10, { pause: {} }, 80], 3);
    await toPause('deploy', 'v2');
    expect(await shape()).toBe('1/3 10');
    await steps([50, { pause: {} }], 3);
    expect(await shape()).toBe('1/3 10');
    await ok(project.run(['promote']));
    expect(await weights()).toEqual(['weight 1', 'weight 2', 'weight 10', 'weight 80', 'weight 100']);
  }

  /** C06, C13: after its time it goes on by itself, and the weight stays until there is somebody for the next one. */
  async function readyBeforeWeight(): Promise<void> {
    await script(project, 'v1');
    await project.write('slots/starting-v1-2', '');
    await steps([20, { pause: '1s' }, 60], 4);
    const deploying = project.deploy('v1');
    await until('the first of two to be ready', async () => (await story(project)).slice(-2).join() === READY_OF_TWO);
    expect(await shape()).toBe('3/3 20');
    await project.remove('slots/starting-v1-2');
    await ok(deploying);
    const gated = ['weight 20', 'gate', 'gate over', 'ready web', 'ready web', 'weight 60', 'ready web', 'weight 100'];
    expect((await story(project)).slice(-gated.length - 1)).toEqual([...gated, 'complete']);
    const at = new Map((await told(project)).map((each) => [each.text, each.at]));
    expect((at.get('gate over') ?? 0) - (at.get('gate') ?? 0)).toBeGreaterThanOrEqual(1000);
  }

  /**
   * C16. What a replica holds when it is killed nobody else has. Who dials it while it goes is sent on to the stable side
   * by Caddy; nginx refuses, because the name is gone that it dialled. So it says from when until when that may be.
   */
  async function candidateGone(): Promise<{ readonly from: number; readonly removed: number; readonly to: number }> {
    await steps([20, { pause: '60s' }], 4);
    const stable = await replicaIds(project, 'web');
    const deploying = project.deploy('v2');
    await until('the pause', async () => (await story(project)).at(-1) === 'gate');
    const candidate = (await project.replicas()).find(({ version }) => version === 'v2');
    const from = Date.now() - CONNECT_MS;
    await docker.getContainer(candidate?.id ?? '').remove({ force: true });
    const removed = Date.now();
    const { exit, endedAt } = await deploying;
    expect(exit).toBe(1);
    expect((await story(project)).slice(-5)).toEqual(['gate', 'failed web', 'back', 'weight 0', 'back-done']);
    expect(await replicaIds(project, 'web')).toEqual(stable);
    return { from, removed, to: endedAt };
  }

  /** C17 */
  async function sizes(): Promise<void> {
    const pause = { pause: {} };
    await steps(
      [pause, { replicas: '25%' }, pause, 50, pause, { replicas: 3 }, pause, { replicas: 'match' }, pause],
      4,
    );
    await toPause('deploy', 'v2');
    const seen = [await shape()];
    for (let pauses = 1; pauses < 5; pauses += 1) {
      await toPause('promote');
      seen.push(await shape());
    }
    expect(seen).toEqual(['0/4 0', '1/4 0', '1/4 50', '3/4 50', '2/4 50']);
    await ok(project.run(['promote']));
    expect(await shape()).toBe('4/0 100');
  }

  /** C18 */
  async function stableComesBack(): Promise<void> {
    await steps([25, { pause: {} }, 75, { pause: {} }], 4, { shrink_stable: true });
    await toPause('deploy', 'v1');
    expect(await shape()).toBe('1/3 25');
    await toPause('promote');
    expect(await shape()).toBe('3/1 75');
    await script(project, 'v2', {}, { APP_READY_AFTER_MS: 1500 }, { APP_READY_AFTER_MS: 3000 });
    const since = lives.fromNow();
    expect(await project.run(['abort'])).toMatchObject({ exit: 1 });
    expect(await shape()).toBe('0/4 0');
    const all = await told(project);
    const back = all.slice(all.findIndex(({ text }) => text === 'back'));
    const readyBy = (text: string) => {
      const at = back.findIndex((each) => each.text === text);
      return back.slice(0, at).filter((each) => each.text === 'ready web (stable)').length;
    };
    expect(back.filter(({ text }) => text.startsWith('weight')).map(({ text }) => text)).toEqual([
      ...['weight 50', 'weight 25', 'weight 0'],
    ]);
    expect(readyBy('weight 50')).toBeGreaterThanOrEqual(1);
    expect(readyBy('weight 25')).toBeGreaterThanOrEqual(2);
    expect(readyBy('weight 0')).toBe(3);
    const left = back.find(({ text }) => text === 'weight 0')?.at ?? Infinity;
    const stopped = only(since(), 'kill').filter(({ service }) => service === 'web');
    expect(Math.min(...stopped.map(({ at }) => at))).toBeGreaterThan(left);
  }
});

describe('a canary without a route', () => {
  it('C22 never has fewer than all of its replicas ready: up, down, and on the way back', async () => {
    project = await TestProject.create({ proxy: 'nginx' });
    lives = await Lives.of(project);
    const worker = {
      image: `${project.name}/app:\${VERSION:-v1}`,
      healthcheck: CALM_HEALTHCHECK,
      deploy: { replicas: 3, update_config: { monitor: '0s', parallelism: 2 } },
      'x-deploy-bg': {
        strategy: 'canary',
        steps: [100, { pause: {} }, 0, { pause: {} }, 100, { check: ['bad'] }],
        checks: { bad: { command: { run: ['false'], in: 'candidate' } } },
      },
    };
    await project.edit({ web: { deploy: { replicas: 1 } }, services: { worker } });
    await Promise.all(['v1', 'v2'].map((version) => project.build(version)));
    await ok(project.deploy('v1'));
    const [load, since] = [project.load(LIGHT), lives.fromNow()];
    const versions = async () => (await project.replicas('worker')).map(({ image }) => image.split(':').at(-1));
    await toPause('deploy', 'v2', '--services', 'worker');
    expect(await versions()).toEqual(['v2', 'v2', 'v2']);
    await toPause('promote');
    expect(await versions()).toEqual(['v1', 'v1', 'v1']);
    expect(await project.run(['promote'])).toMatchObject({ exit: 1 });
    expect(await versions()).toEqual(['v1', 'v1', 'v1']);
    const happened = since().filter(({ service }) => service === 'worker');
    expect(extremes(happened, 3, { more: 'healthy', fewer: 'die' }).least).toBe(3);
    expect((await load.stop()).failures).toEqual([]);
  });
});
