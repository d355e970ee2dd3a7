import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Load } from '../../demo/load/load.ts';
import { currentStep } from '../../src/core/record.ts';
import { CALM_HEALTHCHECK, DETACHED, type ProxyKind, type Run, TestProject, until } from '../support/project.ts';
import { expectError, expectServesAlone, LIGHT, storeOf, unwrapped } from '../support/state.ts';

/** Long enough to be met in the middle of every step: ready after 1.5 s, watched for 3 s. */
const SLOW_START = { APP_READY_AFTER_MS: '1500' };
const PROXY: ProxyKind = 'caddy';

let project: TestProject;
let load: Load;
let long: Load | null;

/** A command under way; not the promise itself, which an async function would wait for. */
interface Deploying {
  readonly process: ReturnType<TestProject['spawn']>;
}

beforeEach(async () => {
  project = await TestProject.create({
    proxy: PROXY,
    web: {
      deploy: { replicas: 2, update_config: { monitor: '${MONITOR:-0s}' } },
      healthcheck: { ...CALM_HEALTHCHECK, retries: 10 },
    },
  });
  await Promise.all([project.build('v1'), project.build('v2', SLOW_START), project.build('v3')]);
  const run = await project.deploy('v1');
  expect(run, run.stderr).toMatchObject({ exit: 0 });
  long = null;
  load = project.load({ kinds: { ...LIGHT.kinds, slow: 2 } });
});
afterEach(() => project.dispose());

async function ended({ process }: Deploying): Promise<Omit<Run, 'endedAt'>> {
  const { exitCode, stdout, stderr } = await process;
  return { exit: exitCode ?? -1, stdout, stderr };
}

async function stepOfV2(): Promise<string | undefined> {
  const last = (await storeOf(project).rollouts()).at(-1);
  return last?.candidate.version === 'v2' ? currentStep(last)?.kind : undefined;
}

/** Points of a deploy of v2, by what can be seen from outside. */
const POINTS = {
  'accepted, before anything is created': async () => (await stepOfV2()) !== undefined,
  'with v2 created and not ready': async () => (await project.replicas()).some((c) => c.version === 'v2'),
  'after the switch, while v2 is watched': async () => (await stepOfV2()) === 'monitor',
  'while v1 drains': async () => (await stepOfV2()) === 'drain',
} as const;
type Point = keyof typeof POINTS;

/** Starts a deploy of v2 and waits until it stands there. */
async function deployingV2(point: Point): Promise<Deploying> {
  const deploying = { process: project.spawn(['deploy', 'v2'], { env: { MONITOR: '3s' } }) };
  await until(`v2 ${point}`, POINTS[point]);
  return deploying;
}

/** Kills it, and waits until its lease is over. */
async function killedAt(point: Point): Promise<void> {
  const deploying = await deployingV2(point);
  deploying.process.kill('SIGKILL');
  await deploying.process;
  await until('the lease of the killed one to end', async () => (await storeOf(project).holder()) === null);
}

async function expectNothingLost(): Promise<void> {
  const reports = await Promise.all([load.stop(), long?.stop()]);
  expect(reports.flatMap((report) => report?.failures ?? [])).toEqual([]);
}

describe('two deploys at once', () => {
  it('one proceeds, and the other is told who is at work and since when', async () => {
    const first = await deployingV2('with v2 created and not ready');
    const second = await project.deploy('v3');
    expectError(second, { exit: 5, code: 'locked' });
    expect(unwrapped(second)).toMatch(/\(pid \d+\) is at work on this project: deploy v2, since \d{4}-\d\d-\d\dT/);
    expect(await ended(first)).toMatchObject({ exit: 0 });
    await expectServesAlone(project, { version: 'v2', color: 'green', releases: ['v1', 'v2'] });
    await expectNothingLost();
  });

  it('begun in the same moment, exactly one proceeds', async () => {
    const runs = await Promise.all([project.deploy('v2'), project.deploy('v3')]);
    // Who leaves it to an agent may be replaced until that one begins.
    expect(runs.map((run) => run.exit).sort()).toEqual([0, expect.toBeOneOf(DETACHED ? [5, 6] : [5])]);
    const winner = runs[0].exit === 0 ? 'v2' : 'v3';
    await expectServesAlone(project, { version: winner, color: 'green', releases: ['v1', winner] });
    await expectNothingLost();
  });
});

describe('a deploy of v2 that was killed', () => {
  it.each(Object.keys(POINTS) as Point[])('%s is continued by the same command', async (point) => {
    // Longer than v2 is watched: v1 still has something to finish when its time comes.
    if (point === 'while v1 drains')
      long = project.load({ kinds: { slow: { concurrency: 4, everyMs: 6000, path: '/slow?ms=6000' } } });
    await killedAt(point);
    const run = await project.deploy('v2');
    expect(run, run.stderr).toMatchObject({ exit: 0 });
    await expectServesAlone(project, { version: 'v2', color: 'green', releases: ['v1', 'v2'] });
    await expectNothingLost();
  });

  // An agent goes on with it.
  it.skipIf(DETACHED).each<Point>(['with v2 created and not ready', 'after the switch, while v2 is watched'])(
    '%s is named by status and replaced by a deploy of v3',
    async (point) => {
      await killedAt(point);
      const { disagreements } = await project.status();
      expect(disagreements.map((each) => each.what)).toContain('the deploy of v2 was left unfinished by its process');
      const run = await project.deploy('v3');
      expect(run, run.stderr).toMatchObject({ exit: 0 });
      await expectServesAlone(project, { version: 'v3', color: 'green', releases: ['v1', 'v3'] });
      await expectNothingLost();
    },
  );

  it('after the switch, while v2 is watched is taken back by rollback', async () => {
    await killedAt('after the switch, while v2 is watched');
    const run = await project.run(['rollback']);
    expect(run, run.stderr).toMatchObject({ exit: 0 });
    await expectServesAlone(project, { version: 'v1', color: 'blue', releases: ['v1'] });
    await expectNothingLost();
  });
});

describe('a deploy of v2 that is told to stop', () => {
  it.each<Point>(['with v2 created and not ready', 'after the switch, while v2 is watched'])(
    'by Ctrl-C %s goes back to v1',
    async (point) => {
      const deploying = await deployingV2(point);
      deploying.process.kill('SIGINT');
      expectError(await ended(deploying), { exit: 130, code: 'interrupted' });
      await expectServesAlone(project, { version: 'v1', color: 'blue', releases: ['v1'] });
      await expectNothingLost();
    },
  );

  // An agent finishes it.
  it.skipIf(DETACHED)('by a second Ctrl-C stops at once, and the next command finishes the way back', async () => {
    const deploying = await deployingV2('after the switch, while v2 is watched');
    deploying.process.kill('SIGINT');
    await until('the way back to begin', async () => (await stepOfV2()) !== 'monitor');
    deploying.process.kill('SIGINT');
    expectError(await ended(deploying), { exit: 130, code: 'interrupted' });
    await until('the lease of the stopped one to end', async () => (await storeOf(project).holder()) === null);
    const run = await project.run(['cleanup']);
    expect(run, run.stderr).toMatchObject({ exit: 0 });
    await expectServesAlone(project, { version: 'v1', color: 'blue', releases: ['v1'] });
    await expectNothingLost();
  });

  it('by a terminal that goes away is not stopped', async () => {
    const deploying = await deployingV2('with v2 created and not ready');
    deploying.process.kill('SIGHUP');
    expect(await ended(deploying)).toMatchObject({ exit: 0 });
    await expectServesAlone(project, { version: 'v2', color: 'green', releases: ['v1', 'v2'] });
    await expectNothingLost();
  });

  it('by --timeout goes back to v1', async () => {
    // What an agent runs has all the time it needs.
    expectError(await project.deploy('v2', '--timeout', '2s', '--attach'), { exit: 124, code: 'timeout' });
    await expectServesAlone(project, { version: 'v1', color: 'blue', releases: ['v1'] });
    await expectNothingLost();
  });
});
