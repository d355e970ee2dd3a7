import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Metrics } from '../../../src/agent/metrics.ts';
import { Updates } from '../../../src/agent/updates.ts';
import type { ObservedContainer } from '../../../src/core/observed.ts';
import type { ProbeSpec } from '../../../src/core/project.ts';
import { keptLog } from '../../support/agent-api.ts';
import { Host } from '../../support/host.ts';
import { service } from '../../support/specs.ts';

let host: Host;
let metrics: Metrics;
let ended: AbortController;
beforeEach(async () => {
  host = await Host.create(() => [service('web')], {});
  metrics = new Metrics();
  ended = new AbortController();
});
afterEach(async () => {
  ended.abort();
  await host.dispose();
});

const agent = () => host.run('agent', () => new Promise(() => undefined)).ports;
const text = (): Promise<string> => metrics.registry.metrics();
const shown = async (line: string): Promise<boolean> => `\n${await text()}`.includes(`\n${line}\n`);

/** Reads the journal from here on. */
async function follow(): Promise<void> {
  await host.deploy('v1');
  void metrics.follow(agent(), ended.signal);
  await host.until('it to have read the journal', () => shown('deploy_bg_rollout_state{state="completed"} 1'));
}

describe('the metrics of the agent', () => {
  it('have what is counted from the start, so that the first time is seen as well', async () => {
    for (const verb of ['deploy', 'rollback', 'reset'])
      for (const state of ['completed', 'rollback_completed', 'superseded'])
        expect(await shown(`deploy_bg_rollouts_total{verb="${verb}",state="${state}"} 0`)).toBe(true);
    expect(await shown('deploy_bg_drained_requests_total{result="cut"} 0')).toBe(true);
    expect(await shown('deploy_bg_router_changes_total{result="failed"} 0')).toBe(true);
    await follow();
    expect(await shown('deploy_bg_container_failures_total{service="web"} 0')).toBe(true);
  });

  it('tell where the rollout stands, and nothing when it is over', async () => {
    await follow();
    expect(await text()).not.toContain('deploy_bg_rollout_step{');
    host.services = () => [service('web', { promote: 'manual' })];
    await host.deploy('v2');
    await host.until('the gate', () => shown('deploy_bg_rollout_step{step="pause"} 1'));
    expect((await text()).match(/^deploy_bg_rollout_step\{.*/gm)).toHaveLength(1);
    await host.deploy('v1');
    await host.until('its end', () => shown('deploy_bg_rollout_state{state="rollback_completed"} 1'));
    expect(await text()).not.toContain('deploy_bg_rollout_step{');
  });

  it('count how often the proxy is told other routes, whoever tells it', async () => {
    await follow();
    expect(await shown('deploy_bg_router_changes_total{result="ok"} 0')).toBe(true);
    await host.deploy('v2');
    await host.until('a change', async () => !(await shown('deploy_bg_router_changes_total{result="ok"} 0')));
    expect(await shown('deploy_bg_router_changes_total{result="failed"} 0')).toBe(true);
  });

  it('count a change that the proxy refused as failed', async () => {
    const at = 0;
    const result = { kind: 'result', at, rollout: 'r', action: 'route', error: 'no' } as const;
    metrics.read(result, false);
    expect(await shown('deploy_bg_router_changes_total{result="failed"} 0')).toBe(true);
    metrics.read(result, true);
    metrics.read({ ...result, action: 'create' }, true);
    expect(await shown('deploy_bg_router_changes_total{result="failed"} 1')).toBe(true);
  });

  it('have what a container held when it left the proxy, and what became of it', async () => {
    const drained = { kind: 'drained', container: 'web-1', ms: 2000 } as const;
    metrics.emit({ ...drained, inFlightAtSwitch: 3, finished: 3, cut: 0 });
    metrics.emit({ ...drained, inFlightAtSwitch: 0, finished: 0, cut: 0 });
    metrics.emit({ ...drained, inFlightAtSwitch: 60, finished: 59, cut: 1 });
    expect(await shown('deploy_bg_in_flight_at_switch_bucket{le="0"} 1')).toBe(true);
    expect(await shown('deploy_bg_in_flight_at_switch_bucket{le="5"} 2')).toBe(true);
    expect(await shown('deploy_bg_in_flight_at_switch_sum 63')).toBe(true);
    expect(await shown('deploy_bg_drained_requests_total{result="cut"} 1')).toBe(true);
  });

  it('have how long each service takes to answer a probe, and to fail one', async () => {
    let ok = true;
    const reading = () => Promise.resolve({ ok, at: 0, detail: 'said so' });
    const prober = metrics.timed({ probe: reading });
    const ask = (name: string) => prober.probe({ service: name } as ObservedContainer, {} as ProbeSpec);
    expect(await ask('web')).toEqual({ ok: true, at: 0, detail: 'said so' });
    await ask('web');
    ok = false;
    await ask('api');
    const count = 'deploy_bg_probe_duration_seconds_count';
    expect((await text()).match(new RegExp(`^${count}.*`, 'gm'))?.toSorted()).toEqual([
      expect.stringMatching(/service="api".* 1$/),
      expect.stringMatching(/service="web".* 2$/),
    ]);
    expect(await text()).toMatch(/_count\{(?=.*result="failed").*service="api"/);
  });

  it('have how long a command waited for the project', async () => {
    await host.deploy('v1');
    host.services = () => [service('web', { promote: 20_000 })];
    const first = host.deploying('anna', 'v2');
    await host.untilState('paused');
    const second = host.deploying('bob', 'v3', { waitMs: 600_000 });
    await first.ended;
    await second.ended;
    const taken = (events: typeof first.events) => events.filter((event) => event.kind === 'lock-taken');
    expect(taken(first.events)).toMatchObject([{ verb: 'deploy v2' }]);
    expect(taken(first.events)[0]?.waitedMs).toBeLessThan(5000);
    expect(taken(second.events)).toMatchObject([{ verb: 'deploy v3' }]);
    expect(taken(second.events)[0]?.waitedMs).toBeGreaterThan(5000);
    for (const event of [...first.events, ...second.events]) metrics.emit(event);
    expect(await shown('deploy_bg_lock_wait_seconds_count 2')).toBe(true);
  });

  it('have since when no update was done, if there is a schedule', async () => {
    await host.deploy('v1');
    const updates = new Updates(agent(), keptLog().log, metrics, ended.signal);
    await updates.read();
    expect(await shown('deploy_bg_update_scheduled 0')).toBe(true);
    host.update = { ...host.update, schedule: '0 4 * * *' };
    const before = host.clock.now() / 1000;
    await updates.read();
    expect(await shown('deploy_bg_update_scheduled 1')).toBe(true);
    const last = /^deploy_bg_update_last_success_timestamp_seconds (.*)$/m.exec(await text())?.[1];
    expect(Number(last)).toBeGreaterThanOrEqual(before);
  });
});
