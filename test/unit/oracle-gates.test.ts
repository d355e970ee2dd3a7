import { describe, expect, it } from 'vitest';
import type { CheckSpec } from '../../src/core/checks.ts';
import { HOOK_MOMENTS, type HookMoment, type Hooks } from '../../src/core/hooks.ts';
import type { CanaryStep, ServiceSpec } from '../../src/core/project.ts';
import { apply } from '../../src/core/apply.ts';
import { type RecordEvent, type RolloutRecord } from '../../src/core/record.ts';
import { NO_CHECKS, type ServiceChecks } from '../../src/core/service-checks.ts';
import { type Steering, steering } from '../../src/core/steer.ts';
import { check } from '../support/checks.ts';
import { resume, type RunOptions, script, type World, type WorldOptions } from '../support/simulator.ts';
import { ask, counts, deploy, inPlace, plan, serving, steps as planned } from '../support/rollouts.ts';
import { release, service, update as UPDATE } from '../support/specs.ts';

type Uses = Partial<Record<'watch' | 'before' | 'after', readonly string[]>>;

/** Command checks of these names, used in these places. */
function checks(uses: Uses, ...specs: readonly (Partial<CheckSpec> & { name: string })[]): ServiceChecks {
  const named = specs.map((spec) => [spec.name, check({ provider: COMMAND, ...spec })] as const);
  return { ...NO_CHECKS, ...uses, specs: Object.fromEntries(named) };
}

const COMMAND: CheckSpec['provider'] = { kind: 'command', run: 'true', in: 'candidate' };

interface Played {
  readonly world: World;
  readonly record: RolloutRecord;
  readonly before: readonly string[];
}

function roll(spec: ServiceSpec, options: WorldOptions = {}, how: RunOptions = {}): Played {
  const [v1, v2] = [release('v1', [spec]), release('v2', [spec])];
  const world = serving(v1, options);
  const before = world.containers.map((c) => c.id);
  return { world, before, record: deploy(world, v2, v1, how).record };
}

const web = (over: Partial<ServiceSpec>) => service('web', over);
const canary = (steps: readonly CanaryStep[], over: Partial<ServiceSpec>) =>
  service('web', { strategy: 'canary', steps, ...over });

/** When a check was measured, in seconds. */
const measured = (world: World, name: string): number[] =>
  world.log.filter((line) => line.endsWith(` ${name}`) && line.includes('measure')).map(at);
const at = (line: string): number => Number(line.slice(1).split(' ')[0]);

const weights = (world: World): number[] =>
  world.log.filter((line) => line.includes('route')).map((line) => Number(line.split(' ')[2]));

const hooksRun = (world: World): string[] =>
  world.log.filter((line) => line.includes(' hook ')).map((line) => line.split(' hook ')[1] ?? '');

const WATCHED = { kind: 'weight', weight: 20 } as const;
const DAY = 86_400_000;
const pause = (ms: number | null): CanaryStep => ({ kind: 'pause', ms });

describe('checks of a rollout', () => {
  it('A01 a watch tolerates its limit: the third failure leads back', () => {
    const watching = checks({ watch: ['errors'] }, { name: 'errors', intervalMs: 1000, failureLimit: 2 });
    const { world, record, before } = roll(canary([WATCHED, pause(60_000)], { checks: watching }), {
      checks: { errors: 'pfff' },
    });
    expect(record).toMatchObject({ state: 'rollback_completed', message: 'check errors: f4 (3 failures)' });
    expect(measured(world, 'errors')).toEqual([1, 2, 3, 4]);
    expect(weights(world)).toEqual([20, 0]);
    expect(world.containers.map((c) => c.id)).toEqual(before);
  });

  it.each([
    { what: 'a failure that is tolerated is looked at again', outcomes: 'fpp', seconds: 0, state: 'completed' },
    { what: 'one failure more leads back', outcomes: 'ff', seconds: 0, state: 'rollback_completed' },
    { what: 'a measurement under way is waited for', outcomes: 'ff', seconds: 2, state: 'rollback_completed' },
  ])('A01 at the end of the monitor time nothing completes on a bad word: $what', ({ outcomes, seconds, state }) => {
    const watching = checks({ watch: ['up'] }, { name: 'up', intervalMs: 1000, failureLimit: 1 });
    const spec = web({ checks: watching, update: { ...UPDATE, monitorMs: 1000 } });
    const { record } = roll(spec, { checks: { up: outcomes }, checkSeconds: { up: seconds } });
    expect(record.state).toBe(state);
  });

  it.each([
    { outcomes: 'eeeepeeeep', state: 'completed' },
    { outcomes: 'eeeepeeeee', state: 'rollback_completed' },
  ])('A03 errors count in a row: $outcomes', ({ outcomes, state }) => {
    const watching = checks({ watch: ['up'] }, { name: 'up', intervalMs: 1000 });
    const { record } = roll(canary([WATCHED, pause(30_000)], { checks: watching }), { checks: { up: outcomes } });
    expect(record.state).toBe(state);
  });

  it('A04 a check without an interval is made exactly once', () => {
    const { world, record } = roll(web({ checks: checks({ before: ['smoke'] }, { name: 'smoke' }) }));
    expect(record.state).toBe('completed');
    expect(measured(world, 'smoke')).toEqual([1]);
  });

  it('A05 a check with a count passes after so many, and the traffic waits for it', () => {
    const counted = checks({ before: ['smoke'] }, { name: 'smoke', intervalMs: 60_000, count: 5, failureLimit: 1 });
    const { world, record } = roll(web({ checks: counted }), { checks: { smoke: 'ppfepp' } });
    expect(record.state).toBe('completed');
    expect(measured(world, 'smoke')).toEqual([1, 61, 121, 181, 241, 301]);
    expect(world.log).toContain('t301 route 100');
  });

  it('A07 one watch that fails ends the other in the middle, and leads back once', () => {
    const two = checks(
      { watch: ['fast', 'slow'] },
      { name: 'fast', intervalMs: 1000 },
      { name: 'slow', intervalMs: 1000 },
    );
    const spec = canary([WATCHED, pause(60_000)], { checks: two });
    const [v1, v2] = [release('v1', [spec]), release('v2', [spec])];
    const world = serving(v1, { checks: { fast: 'pf', slow: 'p' }, checkSeconds: { slow: 30 } });
    const result = deploy(world, v2, v1);
    expect(result.states).toEqual(['pending', 'updating', 'paused', 'rollback_started', 'rollback_completed']);
    expect(result.record).toMatchObject({ message: 'check fast: f2', runs: [] });
    expect(measured(world, 'slow')).toHaveLength(1);
    expect(world.measuring.size).toBe(0);
  });

  it('A08 a dry run that always fails is listed and decides nothing', () => {
    const dry = checks(
      { watch: ['errors'], before: ['smoke'] },
      { name: 'errors', intervalMs: 1000, dryRun: true },
      { name: 'smoke', dryRun: true },
    );
    const { record } = roll(web({ checks: dry }), { checks: { errors: 'f', smoke: 'f' } });
    expect(record).toMatchObject({ state: 'completed', message: 'dry run: check smoke: f1; check errors: f1' });
  });

  it('A12 the first measurement waits for the initial delay', () => {
    const late = checks({ watch: ['up'] }, { name: 'up', intervalMs: 10_000, initialDelayMs: 30_000 });
    const { world } = roll(canary([WATCHED, pause(55_000)], { checks: late }));
    expect(measured(world, 'up')).toEqual([31, 41, 51, 61]);
  });

  const QUESTION = { url: 'http://gate/', method: 'GET', headers: {}, body: null, json: null };

  it('A14 a pause until a URL says so asks each 10 s and goes on with the first yes', () => {
    const gate: CanaryStep = { kind: 'pause', ms: null, until: QUESTION };
    const { world, record } = roll(canary([WATCHED, gate], {}), { checks: { until: 'eeeep' } });
    expect(record.state).toBe('completed');
    expect(measured(world, 'until')).toEqual([1, 11, 21, 31, 41]);
    expect(world.log).toContain('t42 route 100');
  });

  it('A14 a person may end it, and an answer that says no does not', () => {
    const gate: CanaryStep = { kind: 'pause', ms: null, until: QUESTION };
    const { world, record } = roll(
      canary([WATCHED, gate], {}),
      { checks: { until: 'fife' } },
      { meanwhile: (now, w) => (now.state === 'paused' && w.seconds >= 100 ? steering(now, 'promote') : null) },
    );
    expect(record.state).toBe('completed');
    expect(measured(world, 'until').length).toBeGreaterThan(9);
  });

  it('B07 a check before the switch that fails leaves the traffic alone; deployed again it is made again', () => {
    const spec = web({ checks: checks({ before: ['smoke'] }, { name: 'smoke' }) });
    const [v1, v2] = [release('v1', [spec]), release('v2', [spec])];
    const world = serving(v1, { checks: { smoke: 'fp' } });
    expect(deploy(world, v2, v1).record.state).toBe('rollback_completed');
    expect(weights(world).filter((weight) => weight > 0)).toEqual([]);
    expect(deploy(world, { ...v2, id: 'again' }, v1).record.state).toBe('completed');
    expect(measured(world, 'smoke')).toHaveLength(2);
  });

  it('B08 a check after the switch that fails takes the traffic back', () => {
    const spec = web({ checks: checks({ after: ['probe'] }, { name: 'probe' }) });
    const { world, record, before } = roll(spec, { checks: { probe: 'f' } });
    expect(record).toMatchObject({ state: 'rollback_completed', message: 'check probe: f1' });
    expect(weights(world)).toEqual([100, 0]);
    expect(world.containers.map((c) => c.id)).toEqual(before);
  });

  describe('B09 an inconclusive check pauses', () => {
    const spec = web({ checks: checks({ before: ['smoke'] }, { name: 'smoke' }) });
    const doubt = () => roll(spec, { checks: { smoke: 'i' } });

    it('before any traffic, and a promotion goes on', () => {
      const { world, record } = doubt();
      expect(record).toMatchObject({ state: 'paused', pauseReason: 'inconclusive', weight: 0 });
      expect(ask(world, record, 'promote').state).toBe('completed');
      expect(measured(world, 'smoke')).toHaveLength(1);
    });

    it('an abort leads back', () => {
      const { world, record, before } = doubt();
      expect(ask(world, record, 'abort').state).toBe('rollback_completed');
      expect(world.containers.map((c) => c.id)).toEqual(before);
    });

    it('and a retry makes it again', () => {
      const { world, record } = doubt();
      world.change({ checks: { smoke: 'ip' } });
      expect(ask(world, record, 'retry').state).toBe('completed');
    });

    it('a watch in doubt pauses, too, and promoted it goes on with its pause', () => {
      const watching = checks({ watch: ['errors'] }, { name: 'errors', intervalMs: 1000 });
      const { world, record } = roll(canary([WATCHED, pause(10_000)], { checks: watching }), {
        checks: { errors: 'pipppppppppp' },
      });
      expect(record).toMatchObject({ state: 'paused', pauseReason: 'inconclusive', weight: 20 });
      expect(ask(world, record, 'promote').state).toBe('completed');
      expect(world.log).toContain('t12 route 100');
    });
  });

  it('B11 promote --full stops the check that runs, and the ones that follow are never made', () => {
    const spec = web({
      promote: 'manual',
      checks: checks({ before: ['smoke'], after: ['probe'] }, { name: 'smoke' }, { name: 'probe' }),
    });
    const { world, record } = roll(
      spec,
      { checkSeconds: { smoke: 10 } },
      { meanwhile: (now, w) => (w.measuring.size > 0 && !now.ungated ? steering(now, 'promote-full') : null) },
    );
    expect(record.state).toBe('completed');
    expect(world.log.filter((line) => line.includes('measure'))).toHaveLength(1);
    expect(world.log).toContain('t1 route 100');
  });

  it('B11 promote --full is possible wherever gates are ahead, and drops the watches', () => {
    const watching = checks({ watch: ['errors'] }, { name: 'errors', intervalMs: 1000 });
    const spec = canary([WATCHED, pause(null)], { checks: watching });
    const { record, world } = roll(
      spec,
      { checks: { errors: 'f' } },
      {
        meanwhile: (now) => (now.state === 'updating' && !now.ungated ? steering(now, 'promote-full') : null),
      },
    );
    expect(record.state).toBe('completed');
    expect(measured(world, 'errors')).toEqual([]);
    expect(steering(record, 'promote-full')).toBeNull();
  });

  it('B19 a first deploy has no checks', () => {
    const all = checks({ before: ['a'], after: ['a'], watch: ['a'] }, { name: 'a', intervalMs: 1000 });
    const v1 = release('v1', [web({ promote: 'manual', checks: all })]);
    const world = serving(v1, { checks: { a: 'f' } });
    world.containers.length = 0;
    world.color = null;
    expect(deploy(world, v1, null).record.state).toBe('completed');
    expect(world.log.filter((line) => line.includes('measure'))).toEqual([]);
  });

  it('B20 preview, check, time, whole size, traffic, check, and back', () => {
    const spec = web({
      previewReplicas: 1,
      promote: 10_000,
      checks: checks({ before: ['smoke'], after: ['probe'] }, { name: 'smoke' }, { name: 'probe' }),
    });
    const { world, record } = roll(spec, { checks: { probe: 'f' } });
    expect(record.state).toBe('rollback_completed');
    expect(world.log.slice(0, 8)).toEqual([
      't0 prepare',
      't0 create web to 1 (candidate)',
      't1 measure 5 web smoke',
      't11 create web to 2 (candidate)',
      't12 route 100',
      expect.stringMatching(/^t12 measure \d+ web probe$/),
      't12 route 0',
      expect.stringContaining('remove'),
    ]);
  });

  it('C10 each promotion ends one gate or the check that runs, and a fourth has nothing to end', () => {
    const spec = canary([pause(DAY), { kind: 'check', names: ['long'] }, pause(null)], {
      checks: checks({}, { name: 'long' }),
    });
    const asked: Steering[] = [];
    const promote = (now: RolloutRecord): RecordEvent | null => {
      const event = steering(now, 'promote');
      if (event !== null) asked.push('promote');
      return event;
    };
    const { world, record } = roll(
      spec,
      { checkSeconds: { long: 3600 } },
      {
        meanwhile: (now, w) => {
          const gate = now.state === 'paused' && now.gateUntil !== null;
          const checking = now.steps[now.cursor]?.kind === 'check' && w.measuring.size > 0;
          return gate || checking ? promote(now) : null;
        },
      },
    );
    expect(asked).toHaveLength(2);
    expect(record).toMatchObject({ state: 'paused', pauseReason: 'step', gateUntil: null });
    const ended = ask(world, record, 'promote');
    expect(ended.state).toBe('completed');
    expect(steering(ended, 'promote')).toBeNull();
    expect(world.seconds).toBeLessThan(60);
  });

  it('C22 a bad check in place leads back without ever fewer ready replicas', () => {
    const weight = (of: number): CanaryStep => ({ kind: 'weight', weight: of });
    const spec = inPlace('web', {
      strategy: 'canary',
      steps: [weight(100), weight(0), weight(100), { kind: 'check', names: ['bad'] }],
      checks: checks({}, { name: 'bad' }),
    });
    let least = Infinity;
    const { world, record } = roll(
      spec,
      { checks: { bad: 'f' } },
      {
        meanwhile: (_, w) => {
          least = Math.min(least, w.observed().containers.filter((c) => c.health === 'healthy').length);
          return null;
        },
      },
    );
    expect(record).toMatchObject({ state: 'rollback_completed', message: 'check bad: f1' });
    expect(counts(world)).toEqual({ v1: 3 });
    expect(least).toBe(3);
  });

  it('in place a watch begins with the first ready replica', () => {
    const watching = checks(
      { watch: ['errors'], after: ['probe'] },
      { name: 'errors', intervalMs: 500 },
      { name: 'probe' },
    );
    const { world, record } = roll(inPlace('web', { checks: watching }), { checks: { errors: 'pf' } });
    expect(record).toMatchObject({ state: 'rollback_completed', message: 'check errors: f2' });
    expect(measured(world, 'errors')).toEqual([1, 1.5]);
    expect(counts(world)).toEqual({ v1: 3 });
  });

  it('is resumed where it was, with the measurements that were made', () => {
    const counted = checks({ before: ['smoke'] }, { name: 'smoke', intervalMs: 10_000, count: 3 });
    const killed = roll(web({ checks: counted }), {}, { killAfter: (now) => (now.runs[0]?.tally.passes ?? 0) === 2 });
    expect(killed.record.state).toBe('updating');
    expect(resume(killed.world, killed.record).record.state).toBe('completed');
    expect(measured(killed.world, 'smoke')).toHaveLength(3);
  });

  it('a rollback by hand has no checks, within retire_after it only moves weight', () => {
    const spec = web({ retireAfterMs: 30_000, checks: checks({ before: ['smoke'] }, { name: 'smoke' }) });
    const [v1, v2] = [release('v1', [spec]), release('v2', [spec])];
    const world = serving(v1);
    const { record } = deploy(world, v2, v1);
    const back = plan(world, v1, v2, { verb: 'rollback', records: [record] });
    expect(planned(back)).toEqual([
      'ready: web (candidate)',
      'weight 100',
      'complete',
      'hold 30 s',
      'drain web (stable)',
      'remove web (stable)',
    ]);
  });
});

const ALL_HOOKS: Hooks = Object.fromEntries(
  HOOK_MOMENTS.map((moment) => [moment, [{ kind: 'host', command: moment, timeoutMs: 60_000 }]]),
);

function hooked(moment: HookMoment, over: Partial<ServiceSpec> = {}): ServiceSpec {
  return web({ hooks: { [moment]: ALL_HOOKS[moment] ?? [] }, ...over });
}

describe('hooks of a rollout', () => {
  it('run at their moments, those of the project first', () => {
    const spec = web({ hooks: ALL_HOOKS });
    const [v1, v2] = [release('v1', [spec]), release('v2', [spec], { hooks: ALL_HOOKS })];
    const world = serving(v1);
    expect(deploy(world, v2, v1).record.state).toBe('completed');
    expect(hooksRun(world)).toEqual(
      ['pre_deploy', 'pre_switch', 'post_switch', 'post_deploy', 'pre_drain'].flatMap((moment) => [
        `${moment} project`,
        `${moment} web`,
      ]),
    );
    expect(world.log.map((line) => line.replace(/^t\S+ /, '')).filter((line) => !line.includes('web'))).toEqual([
      'prepare',
      'hook pre_deploy project',
      'hook pre_switch project',
      'route 100',
      'hook post_switch project',
      'set-color',
      'hook post_deploy project',
      'hook pre_drain project',
      'remove-networks',
    ]);
  });

  it('D05 a one-shot that fails leaves everything untouched, and is not run again on the way back', () => {
    const migrate = service('migrate', { placement: 'one-shot', route: null });
    const after = {
      service: 'migrate',
      condition: 'service_completed_successfully',
      required: true,
      restart: false,
    } as const;
    const specs = [migrate, web({ dependsOn: [after] })];
    const [v1, v2] = [release('v1', specs), release('v2', specs)];
    const world = serving(v1, { runFails: { migrate: 'exit code 1' } });
    const before = world.containers.map((c) => c.id);
    expect(deploy(world, v2, v1).record.state).toBe('rollback_completed');
    expect(world.log.filter((line) => line.includes('run migrate'))).toHaveLength(1);
    expect(world.log.some((line) => line.includes('create'))).toBe(false);
    expect(world.containers.map((c) => c.id)).toEqual(before);
    world.change({ runFails: {} });
    expect(deploy(world, { ...v2, id: 'again' }, v1).record.state).toBe('completed');
  });

  it('D05 a rollback by hand runs no one-shot: it ran for the release that comes back', () => {
    const specs = [service('migrate', { placement: 'one-shot', route: null }), web({})];
    const [v1, v2] = [release('v1', specs), release('v2', specs)];
    const world = serving(v2);
    const back = plan(world, v1, v2, { verb: 'rollback' });
    expect(planned(back)).toContain('create web ×2 (candidate)');
    expect(planned(back)).not.toContain('run migrate once');
    expect(planned(plan(world, v1, v2))).toContain('run migrate once');
  });

  it('a backup that fails stops with nothing touched, and nothing is taken back', () => {
    const spec = web({ hooks: ALL_HOOKS });
    const { world, record, before } = roll(spec, { hooksFail: ['pre_deploy'] });
    expect(record).toMatchObject({
      state: 'rollback_completed',
      message: 'hook pre_deploy failed: pre_deploy on the host: exit code 1',
    });
    expect(hooksRun(world)).toEqual(['pre_deploy web', 'on_failure web']);
    expect(world.log.some((line) => /create|route|remove /.test(line))).toBe(false);
    expect(world.containers.map((c) => c.id)).toEqual(before);
  });

  it.each(['pre_switch', 'post_switch'] as const)('%s that fails leads back', (moment) => {
    const { world, record } = roll(hooked(moment), { hooksFail: [moment] });
    expect(record.state).toBe('rollback_completed');
    expect(weights(world).filter((weight) => weight > 0)).toEqual(moment === 'pre_switch' ? [] : [100]);
    expect(counts(world)).toEqual({ v1: 2 });
  });

  it.each(['post_deploy', 'pre_drain'] as const)('%s that fails changes nothing any more', (moment) => {
    const { world, record } = roll(hooked(moment), { hooksFail: [moment] });
    expect([record.state, record.cursor]).toEqual(['completed', record.steps.length]);
    expect(counts(world)).toEqual({ v2: 2 });
  });

  it('a failure: back with its hooks around, on_failure once the traffic has left', () => {
    const spec = web({ hooks: ALL_HOOKS });
    const failing = { ...spec, checks: checks({ after: ['probe'] }, { name: 'probe' }) };
    const { world, record } = roll(failing, { checks: { probe: 'f' } });
    expect(record.state).toBe('rollback_completed');
    const from = world.log.findIndex((line) => line.includes('pre_rollback'));
    expect(world.log.slice(from).map((line) => line.replace(/^t\S+ /, ''))).toEqual([
      'hook pre_rollback web',
      'route 0',
      'hook on_failure web',
      expect.stringContaining('remove shop-green-web-1'),
      'remove-networks',
      'hook post_rollback web',
    ]);
  });

  it('an abort is no failure', () => {
    const { world, record } = roll(web({ promote: 'manual', hooks: ALL_HOOKS }));
    ask(world, record, 'abort');
    expect(hooksRun(world).slice(1)).toEqual(['pre_rollback web', 'post_rollback web']);
  });

  it.each(['pre_rollback', 'post_rollback'] as const)(
    '%s that fails pauses the way back until a person is there',
    (moment) => {
      const { world, record } = roll(hooked(moment), {
        hooksFail: [moment],
        scripts: { v2: { '*': script('x1') } },
      });
      expect(record).toMatchObject({ state: 'rollback_paused', pauseReason: 'failure' });
      expect(record.message).toContain(`hook ${moment} failed`);
      world.change({ hooksFail: [] });
      expect(ask(world, record, 'retry').state).toBe('rollback_completed');
      expect(hooksRun(world)).toEqual([`${moment} web`, `${moment} web`]);
      expect(counts(world)).toEqual({ v1: 2 });
    },
  );

  it('on_failure that fails changes nothing', () => {
    const { record } = roll(hooked('on_failure'), {
      hooksFail: ['on_failure'],
      scripts: { v2: { '*': script('x1') } },
    });
    expect(record.state).toBe('rollback_completed');
  });

  it('on_failure runs once when a failure pauses, also on a first deploy', () => {
    const v1 = release('v1', [hooked('on_failure')]);
    const world = serving(v1, { scripts: { v1: { '*': script('x1') } } });
    world.containers.length = 0;
    world.color = null;
    const { record } = deploy(world, v1, null);
    expect(record).toMatchObject({ state: 'paused', pauseReason: 'failure', aside: [] });
    expect(resume(world, record).record).toEqual(record);
    expect(hooksRun(world)).toEqual(['on_failure web']);
  });

  it('one whose process was killed runs again; one that has ended does not', () => {
    const slow = { hookSeconds: { pre_deploy: 60 } };
    const killed = roll(hooked('pre_deploy'), slow, { killAfter: () => false, meanwhile: () => null });
    expect(hooksRun(killed.world)).toHaveLength(1);
    const spec = hooked('pre_deploy');
    const [v1, v2] = [release('v1', [spec]), release('v2', [spec])];
    const world = serving(v1, slow);
    const dying = deploy(world, v2, v1, { killAfter: () => world.hook !== null });
    expect(resume(world, dying.record, { killAfter: (now) => now.hookEnd !== null }).record.hookEnd?.ok).toBe(true);
    expect(hooksRun(world)).toHaveLength(2);
    const ended = apply(dying.record, { kind: 'hook-ended', ok: true, text: 'exit code 0' }, world.now);
    expect(resume(world, ended).record.state).toBe('completed');
    expect(hooksRun(world)).toHaveLength(2);
  });

  it('an abort does not wait for one that runs', () => {
    const { world, record } = roll(
      hooked('pre_deploy'),
      { hookSeconds: { pre_deploy: 300 } },
      {
        meanwhile: (now, w) => (w.hook !== null && !now.aborted ? steering(now, 'abort') : null),
      },
    );
    expect([record.state, world.seconds]).toEqual(['rollback_completed', 0]);
  });

  it('a person’s pause lets one that runs come to its end, and does not repeat it', () => {
    const { world, record } = roll(
      hooked('post_switch'),
      { hookSeconds: { post_switch: 5 } },
      {
        meanwhile: (now, w) => (w.hook !== null && now.state === 'updating' ? steering(now, 'pause') : null),
      },
    );
    expect(record).toMatchObject({ state: 'paused', pauseReason: 'user', hookEnd: { ok: true } });
    expect(ask(world, record, 'resume').state).toBe('completed');
    expect(hooksRun(world)).toEqual(['post_switch web']);
  });

  it('a rollback by hand runs those of the release that is left', () => {
    const of = (name: string): Hooks => ({
      pre_deploy: [{ kind: 'host', command: name, timeoutMs: 1000 }],
      pre_rollback: [{ kind: 'host', command: name, timeoutMs: 1000 }],
      post_rollback: [{ kind: 'host', command: name, timeoutMs: 1000 }],
    });
    const [v1, v2] = [release('v1', [web({})], { hooks: of('old') }), release('v2', [web({})], { hooks: of('left') })];
    const world = serving(v2);
    const back = plan(world, v1, v2, { verb: 'rollback' });
    expect(planned(back).filter((step) => step.startsWith('hook'))).toEqual([
      'hook pre_rollback: left on the host',
      'hook post_rollback: left on the host',
    ]);
  });

  it('a first deploy has no old containers to run anything in', () => {
    const exec = (name: string): Hooks => ({
      pre_deploy: [{ kind: 'exec', service: name, command: 'x', timeoutMs: 1000 }],
    });
    const texts = (name: string) => {
      const v1 = release('v1', [web({})], { hooks: exec(name) });
      const world = serving(v1);
      world.containers.length = 0;
      return planned(plan(world, v1, null)).filter((step) => step.startsWith('hook'));
    };
    expect(texts('web')).toEqual([]);
    expect(texts('db')).toEqual(['hook pre_deploy: exec x in db']);
  });

  it('more replicas are no reason to run any', () => {
    const before = release('v1', [web({ hooks: ALL_HOOKS })]);
    const after = release('v1', [web({ hooks: ALL_HOOKS, replicas: 4 })]);
    const world = serving(before);
    expect(planned(plan(world, after, before)).filter((step) => step.startsWith('hook'))).toEqual([]);
  });
});
