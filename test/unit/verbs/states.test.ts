import { afterEach, describe, expect, it } from 'vitest';
import { reset } from '../../../src/app/reset.ts';
import { rollback } from '../../../src/app/rollback.ts';
import { status } from '../../../src/app/status.ts';
import type { StatusView } from '../../../src/app/status-view.ts';
import { steer, type SteerVerb } from '../../../src/app/steer.ts';
import { statusView } from '../../../src/cli/views/status.ts';
import { PLAIN_STYLE } from '../../../src/cli/style.ts';
import { newRecord } from '../../../src/core/new-record.ts';
import type { ServiceSpec } from '../../../src/core/project.ts';
import { NO_FAILURE_HOOKS, type RolloutRecord } from '../../../src/core/record.ts';
import type { State } from '../../../src/core/state.ts';
import { type Ended, Host } from '../../support/host.ts';
import { config, inPlace } from '../../support/rollouts.ts';
import { script, type WorldOptions } from '../../support/simulator.ts';
import { HALF_CANARY, release, service, side } from '../../support/specs.ts';

let host: Host;
afterEach(() => host.dispose());

async function serving(specs: (version: string) => ServiceSpec, options: WorldOptions = {}): Promise<void> {
  host = await Host.create((version) => [specs(version)], options);
  expect(await host.deploy('v1')).toMatchObject({ exit: 0 });
}

function asked(verb: SteerVerb): Promise<Ended> {
  return host.run('ben', (ports, signal) => steer(ports, { verb, timeoutMs: null }, signal)).ended;
}

function goBack(to: string | null): Promise<Ended> {
  return host.run('ben', (ports, signal) => rollback(ports, { to, timeoutMs: null }, signal)).ended;
}

async function look(): Promise<StatusView> {
  const view: StatusView[] = [];
  const { ended } = host.run('ben', async (ports) => {
    view.push(await status(ports, { version: null }));
    return { exit: 0 } as never;
  });
  await ended;
  return view[0] as StatusView;
}

const pausing = (): ServiceSpec => inPlace('web', { update: config({ failureAction: 'pause', order: 'stop-first' }) });
const gated = (version: string): ServiceSpec => service('web', { promote: version === 'v1' ? 'auto' : 'manual' });

describe('a rollout that a failure paused', () => {
  it('U08 stays so when the same release is deployed again: no engine call, exit 3', async () => {
    await serving(pausing, { scripts: { v2: { '*': script('x1') } } });
    expect(await host.deploy('v2')).toMatchObject({
      exit: 3,
      error: { message: expect.stringMatching(/shop-web-4: exited/) as string },
    });
    const [log, fetched, before] = [[...host.world.log], [...host.fetched], await host.lastRollout()];
    expect(await host.deploy('v2')).toMatchObject({ exit: 3, error: { code: 'rollout-paused' } });
    expect([host.world.log, host.fetched]).toEqual([log, fetched]);
    expect(await host.lastRollout()).toEqual(before);
  });

  it('U08 is replaced when the release is another one of the same name', async () => {
    await serving(pausing, { scripts: { v2: { '*': [script('x1'), script('r1')] } } });
    expect(await host.deploy('v2')).toMatchObject({ exit: 3 });
    host.images.set('app:v2', 'sha256:mended');
    expect(await host.deploy('v2')).toMatchObject({ exit: 0, outcome: { version: 'v2' } });
    expect((await host.store().rollouts()).map(({ state }) => state)).toEqual(['completed', 'superseded', 'completed']);
  });

  it('U32 begins with the failed slot when it is resumed, and an abort would go to the version before', async () => {
    await serving(pausing, { scripts: { v2: { '*': [script('x1'), script('r1')] } } });
    expect(await host.deploy('v2')).toMatchObject({ exit: 3 });
    expect(await host.lastRollout()).toMatchObject({ stable: { version: 'v1' }, failures: [{}] });
    expect(await asked('resume')).toMatchObject({ exit: 0, outcome: { version: 'v2' } });
    expect(await host.lastRollout()).toMatchObject({ state: 'completed', failures: [] });
  });
});

describe('a candidate that dies when it has become ready', () => {
  it('gets no traffic, although nobody has looked since', async () => {
    await serving(() => service('web'));
    host.onEvent = (event) => {
      if (event.kind === 'container' && event.change === 'ready') host.kill('v2');
    };
    const { ended, events } = host.deploying('anna', 'v2');
    expect(await ended).toMatchObject({
      exit: 1,
      error: { message: expect.stringMatching(/was ready, then exited/) as string },
    });
    expect(events).not.toContainEqual(expect.objectContaining({ kind: 'weight', weight: 100 }));
  });
});

describe('a version that dies while the one before is about to be removed', () => {
  it('is left for that one, of which nothing was stopped', async () => {
    await serving(() => service('web'));
    const before = host.world.containers.map(({ id }) => id);
    host.onEvent = (event) => {
      if (event.kind === 'drained') host.kill('v2');
    };
    expect(await host.deploy('v2')).toMatchObject({
      exit: 1,
      error: { message: expect.stringMatching(/no replica of web is alive any more/) as string },
    });
    expect(host.world.containers.map(({ id, state }) => [id, state])).toEqual(before.map((id) => [id, 'running']));
    expect((await look()).live).toMatchObject({ version: 'v1' });
  });
});

describe('a service in place that somebody ran docker compose up for, with another version', () => {
  const compose = (image: string): void => {
    const { containers } = host.world;
    const other = { image, imageId: `sha256:${image}`, release: null };
    containers.splice(
      0,
      containers.length,
      ...containers.map((c, n) => ({ ...c, ...other, id: `other-${String(n)}` })),
    );
  };

  it('is named by status, and what was deployed comes back with the next deploy of it', async () => {
    await serving(() => inPlace('web', {}));
    expect((await look()).disagreements).toEqual([]);
    compose('app:v0');
    expect((await look()).disagreements).toContainEqual({
      what: expect.stringMatching(/web-1 runs app:v0, which is not the image of v1/) as string,
      remedy: 'docker-deploy-bg deploy v1',
    });
    expect(await host.deploy('v1')).toMatchObject({ exit: 0, outcome: { state: 'completed' } });
    expect((await look()).disagreements).toEqual([]);
  });

  it('comes back by a rollback to it as well', async () => {
    await serving(() => inPlace('web', {}));
    compose('app:v0');
    expect(await goBack('v1')).toMatchObject({ exit: 0, outcome: { state: 'completed' } });
    expect((await look()).disagreements).toEqual([]);
  });

  it('is named with the version that it was deployed at last', async () => {
    host = await Host.create(() => [inPlace('web', {}), inPlace('api', {})]);
    expect(await host.deploy('v1')).toMatchObject({ exit: 0 });
    expect(await host.deploy('v2', { services: ['web'] })).toMatchObject({ exit: 0 });
    compose('app:v0');
    const remedies = (await look()).disagreements.map(({ remedy }) => remedy);
    expect(new Set(remedies)).toEqual(
      new Set(['docker-deploy-bg deploy v2', 'docker-deploy-bg deploy v1 --services api']),
    );
  });

  it('stays as it is where another service is asked for, also by force', async () => {
    host = await Host.create(() => [inPlace('web', {}), inPlace('api', {})]);
    expect(await host.deploy('v1')).toMatchObject({ exit: 0 });
    compose('app:v0');
    const api = host.world.containers.filter((c) => c.service === 'api').map(({ id }) => id);
    expect(await host.deploy('v1', { services: ['web'], force: true })).toMatchObject({ exit: 0 });
    expect(host.world.containers.filter((c) => c.service === 'api').map(({ id }) => id)).toEqual(api);
    expect(host.world.containers.some((c) => c.service === 'web' && c.id.startsWith('other'))).toBe(false);
  });
});

it('a service that is new in the compose files comes with the first deploy that asks for it', async () => {
  await serving(() => service('web'));
  host.services = () => [service('web'), service('api')];
  expect(await host.deploy('v2', { services: ['web'] })).toMatchObject({ exit: 0, outcome: { version: 'v2' } });
  expect(new Set(host.world.containers.map((c) => c.service))).toEqual(new Set(['web']));
  expect((await look()).disagreements).toEqual([]);
  expect(await host.deploy('v2')).toMatchObject({ exit: 0, outcome: { state: 'completed' } });
  expect(new Set(host.world.containers.map((c) => c.service))).toEqual(new Set(['web', 'api']));
});

describe('a release that nothing leads to any more', () => {
  const old = release('v0', [], { createdAt: '2020-01-01T00:00:00.000Z' });
  const versions = async () => (await host.store().releases()).map(({ version }) => version);

  it('is forgotten by a deploy that has nothing to do', async () => {
    await serving(() => service('web'));
    await host.store().saveRelease(old);
    expect(await host.deploy('v1')).toMatchObject({ exit: 0, outcome: { state: 'nothing-to-do' } });
    expect(await versions()).toEqual(['v1']);
  });

  it('is forgotten by a rollback, but not what the rollback came from', async () => {
    await serving(() => service('web'));
    expect(await host.deploy('v2')).toMatchObject({ exit: 0 });
    await host.store().saveRelease(old);
    expect(await goBack(null)).toMatchObject({ exit: 0 });
    expect(await versions()).toEqual(['v1', 'v2']);
    expect((await look()).leftovers).toEqual([]);
  });

  it('is forgotten by the abort that took it back', async () => {
    await serving(gated);
    expect(await host.deploy('v2')).toMatchObject({ exit: 3 });
    const mended = 'nothing has to be mended: it was taken back because somebody asked';
    expect(await asked('abort')).toMatchObject({
      exit: 1,
      error: { next: mended, serves: 'v1 (blue) serves all traffic' },
    });
    expect(await versions()).toEqual(['v1']);
  });
});

describe('the version that serves, deployed', () => {
  it('U24 is nothing to do', async () => {
    await serving(gated);
    const log = [...host.world.log];
    expect(await host.deploy('v1')).toMatchObject({ exit: 0, outcome: { state: 'nothing-to-do' } });
    expect(host.world.log).toEqual(log);
    expect(await host.store().rollouts()).toHaveLength(1);
  });

  it('says so of an image that was not built anew', async () => {
    await serving(() => service('web', { buildable: true, promote: 'manual' }));
    const message =
      'v1 already serves all traffic: nothing to do (its image of web is here, and was not built anew: --build does)';
    expect(await host.deploy('v1')).toMatchObject({ outcome: { message } });
  });

  it('is not given back while the proxy works by other files than it has', async () => {
    await serving(gated);
    host.silence = { kind: 'unreadable', reason: 'not loaded', isUnsettled: true };
    const giveBack = host.run('ben', (ports, signal) =>
      reset(ports, { force: true, confirm: () => Promise.resolve(true) }, signal),
    );
    expect(await giveBack.ended).toMatchObject({
      exit: 1,
      error: {
        code: 'proxy-unreachable',
        next: expect.stringMatching(/^docker-deploy-bg cleanup; .*-p shop-blue down$/) as string,
      },
    });
    expect(host.world.containers).toHaveLength(2);
  });

  it('C15 over a paused rollout is its abort: no weight, no candidate; that rollout ended with 1, and v1 serves: 0', async () => {
    await serving((version) => service('web', version === 'v1' ? {} : HALF_CANARY));
    const serves = 'v1 (blue) gets 50 % of the traffic, v2 (green) gets 50 % of the traffic';
    expect(await host.deploy('v2')).toMatchObject({ exit: 3, error: { serves } });
    expect(await host.lastRollout()).toMatchObject({ state: 'paused', weight: 50 });
    expect(await host.deploy('v1')).toMatchObject({ exit: 0, outcome: { state: 'nothing-to-do', version: 'v1' } });
    expect(await look()).toMatchObject({ lastRollout: { to: 'v2', state: 'rollback_completed' }, exit: 1 });
    expect(await host.lastRollout()).toMatchObject({ weight: 0, aborted: true, replaced: false });
    expect(host.world.containers.map((c) => c.version)).toEqual(['v1', 'v1']);
  });
});

describe('the release of a rollout that has not ended', () => {
  it('C17 is kept while none of its containers runs', async () => {
    const canary = { strategy: 'canary', steps: [{ kind: 'pause', ms: null }] } as const;
    await serving((version) => service('web', version === 'v1' ? {} : canary));
    expect(await host.deploy('v2')).toMatchObject({ exit: 3 });
    expect((await host.store().releases()).map(({ version }) => version)).toEqual(['v1', 'v2']);
    expect(await asked('promote')).toMatchObject({ exit: 0, outcome: { version: 'v2' } });
    expect(await look()).toMatchObject({ lastRollout: { state: 'completed', message: null } });
  });
});

describe('--timeout', () => {
  it('X05 while paused ends with 124 and leaves it as it is', async () => {
    await serving(gated);
    // Only who stands at the gate already meets its time there, however slow the machine is.
    expect(await host.deploy('v2')).toMatchObject({ exit: 3 });
    expect(await host.deploy('v2', { attach: true, timeoutMs: 20_000 })).toMatchObject({
      exit: 124,
      error: { code: 'timeout', next: 'docker-deploy-bg promote goes on, docker-deploy-bg abort takes it back' },
    });
    expect(await host.lastRollout()).toMatchObject({ state: 'paused', pauseReason: 'step', aborted: false });
    expect(await host.store().holder()).toBeNull();
    expect(await asked('promote')).toMatchObject({ exit: 0 });
  });

  it('X05 at a gate that opens by itself leaves it to the next command', async () => {
    await serving((version) => service('web', { promote: version === 'v1' ? 'auto' : 600_000 }));
    const killed = host.deploying('anna', 'v2');
    await host.untilState('paused');
    killed.cutOff();
    await killed.ended;
    expect(await host.deploy('v2', { timeoutMs: 20_000 })).toMatchObject({ exit: 124 });
    expect(await host.lastRollout()).toMatchObject({ state: 'paused', aborted: false });
    expect(await asked('promote')).toMatchObject({ exit: 0 });
    expect(await host.store().rollouts()).toHaveLength(2);
  });

  it('X05 in the middle of a rollout takes it back', async () => {
    await serving((version) => service('web', version === 'v1' ? {} : { promote: 'manual' }), {
      scripts: { v2: { '*': script('r200') } },
    });
    expect(await host.deploy('v2', { timeoutMs: 20_000 })).toMatchObject({
      exit: 124,
      error: { code: 'timeout', next: expect.stringContaining('docker-deploy-bg status') as string },
    });
    expect(await host.lastRollout()).toMatchObject({ state: 'rollback_completed', aborted: true });
    expect(host.world.containers.map((c) => c.version)).toEqual(['v1', 'v1']);
  });
});

describe('a rollout whose process was killed while it went back from a Ctrl-C', () => {
  it('is taken back first, and who asks for the same version again gets it', async () => {
    await serving((version) => service('web', { promote: version === 'v1' ? 'auto' : 600_000 }));
    const killed = host.deploying('anna', 'v2');
    await host.untilState('paused');
    host.onEvent = killed.cutOff;
    killed.interrupt();
    expect(await killed.ended).toMatchObject({ error: { code: 'engine-unreachable' } });
    expect(await host.lastRollout()).toMatchObject({ aborted: true });

    host.onEvent = () => undefined;
    host.services = () => [service('web')];
    expect(await host.deploy('v2')).toMatchObject({ exit: 0, outcome: { version: 'v2' } });
    expect((await host.store().rollouts()).map(({ state }) => state)).toEqual([
      'completed',
      'rollback_completed',
      'completed',
    ]);
  });
});

describe('status --exit-code', () => {
  const v1 = release('v1', [service('web')]);
  const compiled = {
    kind: 'rollout',
    stable: null,
    candidate: side(v1, 'blue'),
    steps: [],
    strays: [],
    scale: false,
    hooks: NO_FAILURE_HOOKS,
  } as const;

  it.each<[State | null, number]>([
    [null, 0],
    ['rollback_completed', 1],
    ['paused', 3],
    ['rollback_paused', 4],
    ['pending', 5],
    ['updating', 5],
    ['rollback_started', 5],
    ['superseded', 6],
  ])('X06 is by the table: %s is %i', async (state, exit) => {
    host = await Host.create(() => [service('web')]);
    const about = { id: 'r1', verb: 'deploy', project: 'shop', now: 1 } as const;
    const record: RolloutRecord = { ...newRecord(compiled, about), state: state ?? 'pending' };
    if (state !== null) await host.store().append({ kind: 'accepted', at: 1, record });
    expect(await look()).toMatchObject({ exit });
  });

  it('X06 is 0 when the version asked for serves, complete and alone', async () => {
    await serving(gated);
    expect(await look()).toMatchObject({ exit: 0, disagreements: [], leftovers: [] });
  });

  it.each<[string, () => unknown]>([
    ['a replica is gone', () => host.world.containers.pop()],
    ['the proxy sends requests to nobody', () => (host.world.routes = [])],
    ['the file names no color', () => host.store().setColor(null)],
    ['something of another color is left over', () => host.world.networks.add('shop-green')],
  ])('X06 is 1 after a completed deploy when %s', async (_, harm) => {
    await serving(gated);
    await harm();
    expect(await look()).toMatchObject({ exit: 1, lastRollout: { state: 'completed' } });
  });

  it('X06 is 5 while the old version drains, and 0 when it is gone', async () => {
    await serving(() => service('web', { update: config({ monitorMs: 0 }) }));
    host.hold();
    const deploying = host.deploying('anna', 'v2');
    await host.until('v2 to be completed', async () => {
      const { candidate, state } = await host.lastRollout();
      return candidate.version === 'v2' && state === 'completed';
    });
    expect(await look()).toMatchObject({ exit: 5, lastRollout: { state: 'completed' } });
    host.release();
    expect(await deploying.ended).toMatchObject({ exit: 0 });
    expect(await look()).toMatchObject({ exit: 0 });
  });

  it('X06 is 0 while the old version is held for an instant way back', async () => {
    await serving(() => service('web', { update: config({ monitorMs: 0 }), retireAfterMs: 600_000 }));
    expect(await host.deploy('v2')).toMatchObject({ exit: 0 });
    expect(await look()).toMatchObject({ exit: 0, lastRollout: { state: 'completed' } });
    expect(host.world.containers).toHaveLength(4);
  });
});

describe('status', () => {
  it('X07 says in one line where a paused rollout stands', async () => {
    await serving(gated);
    expect(await host.deploy('v2')).toMatchObject({ exit: 3 });
    const view = await look();
    const { index, total } = view.lastRollout?.step ?? { index: 0, total: 0 };
    const lines = statusView(view, 200, PLAIN_STYLE).filter((line) => line.includes('paused'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`deploy v1 → v2 paused – step ${String(index)}/${String(total)} (step)`);
  });
});

describe('rollback --to', () => {
  it('X08 the version that serves is there already, and an unknown one is refused', async () => {
    await serving(gated);
    const log = [...host.world.log];
    expect(await goBack('v1')).toMatchObject({ exit: 0, outcome: { message: 'already there: v1 serves all traffic' } });
    expect(await goBack('v9')).toMatchObject({ exit: 5, error: { code: 'unknown-release' } });
    expect(await goBack(null)).toMatchObject({ exit: 5, error: { code: 'nothing-to-go-back-to' } });
    expect(host.world.log).toEqual(log);
  });

  it('is refused at once while the proxy does not run', async () => {
    await serving(() => service('web', { update: config({ monitorMs: 0 }) }));
    expect(await host.deploy('v2')).toMatchObject({ exit: 0 });
    host.silence = { kind: 'unreadable', reason: 'it does not run', code: 'proxy-unreachable', cure: 'start it' };
    const error = { code: 'proxy-unreachable', next: 'start it', serves: 'nothing was changed' };
    expect(await goBack(null)).toMatchObject({ exit: 1, error });
    expect(await host.lastRollout()).toMatchObject({ verb: 'deploy', state: 'completed' });
  });

  it('U31 walks back without it, and does not toggle', async () => {
    await serving(() => service('web', { update: config({ monitorMs: 0 }) }));
    for (const version of ['v2', 'v3']) expect(await host.deploy(version)).toMatchObject({ exit: 0 });
    for (const version of ['v2', 'v1']) expect(await goBack(null)).toMatchObject({ exit: 0, outcome: { version } });
    expect(await goBack(null)).toMatchObject({ exit: 5 });
  });
});

describe('a time that the environment gives', () => {
  it('holds for both sides of what a command begins, and for no other command', async () => {
    await serving(() => service('web', { drainTimeoutMs: 30_000, update: config({ monitorMs: 0 }) }));
    const drains = async (): Promise<(number | undefined)[]> => {
      const { stable, candidate } = await host.lastRollout();
      return [stable, candidate].map((side) => side?.services['web']?.drainTimeoutMs);
    };
    host.times = { drainTimeoutMs: 7000 };
    expect(await host.deploy('v2')).toMatchObject({ exit: 0 });
    expect(await drains()).toEqual([7000, 7000]);
    host.times = {};
    expect(await goBack(null)).toMatchObject({ exit: 0 });
    expect(await drains()).toEqual([30_000, 30_000]);
    host.times = { drainTimeoutMs: 5000, progressDeadlineMs: 20_000 };
    expect(await host.deploy('v3')).toMatchObject({ exit: 0 });
    expect(await drains()).toEqual([5000, 5000]);
  });
});

describe('promote --full', () => {
  it('X09 of what is completed is nothing to do; a plain promote is refused', async () => {
    await serving(gated);
    const log = [...host.world.log];
    expect(await asked('promote-full')).toMatchObject({ exit: 0, outcome: { state: 'nothing-to-do' } });
    expect(await asked('promote')).toMatchObject({ exit: 5, error: { code: 'not-possible' } });
    expect(host.world.log).toEqual(log);
  });
});

describe('a candidate that died while nobody watched', () => {
  it('X11 is counted once, with the engine’s time', async () => {
    await serving(gated, { scripts: { v2: { '*': script('r1,x30') } } });
    expect(await host.deploy('v2')).toMatchObject({ exit: 3 });
    const { failures, ready } = await host.lastRollout();
    expect(failures).toEqual([]);
    const started = host.world.containers.filter((c) => c.version === 'v2').map((c) => c.startedAt ?? 0);
    host.world.now += 60_000;
    await host.clock.wait(60_000);
    expect(await host.deploy('v2')).toMatchObject({
      exit: 1,
      error: { message: expect.stringMatching(/was ready, then exited/) as string },
    });
    const died = (await host.lastRollout()).failures;
    expect(Object.keys(ready)).toHaveLength(2);
    expect(died.map(({ at }) => at)).toEqual([Math.min(...started) + 31_000]);
  });
});
