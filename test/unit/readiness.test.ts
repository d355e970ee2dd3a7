import { describe, expect, it } from 'vitest';
import type { Observed, ObservedContainer, ProbeReading } from '../../src/core/observed.ts';
import type { ServiceSpec } from '../../src/core/project.ts';
import { readiness } from '../../src/core/readiness.ts';
import { World } from '../support/simulator.ts';
import { release, service, side, update } from '../support/specs.ts';

const NOW = 1_000_000;
const probe = { path: '/health', port: 3000, intervalMs: 250, timeoutMs: 2000, status: [200, 399] as const };
const route = { port: 3000, host: null, path: null, probe };

function judge(
  over: Partial<ObservedContainer>,
  spec: Partial<ServiceSpec> = {},
  reading?: ProbeReading,
): ReturnType<typeof readiness> {
  const world = new World();
  const web = service('web', { replicas: 1, progressDeadlineMs: 20_000, ...spec });
  world.seed(side(release('v1', [web]), 'blue'));
  const seen = world.observed();
  const [first] = seen.containers;
  if (first === undefined) throw new Error('no container');
  const container = { ...first, startedAt: NOW - 1000, createdAt: NOW - 1000, ...over };
  const observed: Observed = { ...seen, probes: reading === undefined ? {} : { [container.id]: reading } };
  const sideService = side(release('v1', [web]), 'blue').services['web'];
  if (sideService === undefined) throw new Error('no service');
  return readiness(container, { service: sideService, observed, now: NOW, since: NOW - 1000, ours: true });
}

const good: ProbeReading = { ok: true, at: NOW, detail: '200 in 3 ms' };
const bad: ProbeReading = { ok: false, at: NOW, detail: '503 in 3 ms' };

describe('ready', () => {
  it.each([
    ['healthy', { health: 'healthy' } as const, {}, undefined],
    ['healthy, and the probe answers', { health: 'healthy' } as const, { route }, good],
    [
      'U22 without a health check, when its monitor time is over',
      { health: 'none', startedAt: NOW - 5000 } as const,
      { hasHealthcheck: false },
      undefined,
    ],
    [
      'without a health check and with no monitor time, as soon as it runs',
      { health: 'none' } as const,
      { hasHealthcheck: false, update: { ...update, monitorMs: 0 } },
      undefined,
    ],
    [
      'without a health check, when the probe answers',
      { health: 'none' } as const,
      { hasHealthcheck: false, route },
      good,
    ],
  ])('is a replica that is %s', (_name, container, spec, reading) => {
    expect(judge(container, spec, reading)).toEqual({ kind: 'ready' });
  });

  it.each([
    ['its health check has not spoken', { health: 'starting' } as const, {}, undefined, 'its health check is starting'],
    [
      'the health check of its image has not spoken',
      { health: 'starting' } as const,
      { hasHealthcheck: false },
      undefined,
      'its health check is starting',
    ],
    [
      'it is healthy and the probe is refused',
      { health: 'healthy' } as const,
      { route },
      bad,
      'the probe says 503 in 3 ms',
    ],
    [
      'it is healthy and nobody has probed yet',
      { health: 'healthy' } as const,
      { route },
      undefined,
      'no answer to the probe yet',
    ],
    ['it was created and not started', { state: 'created', health: 'none' } as const, {}, undefined, 'it is created'],
  ])('is not a replica while %s', (_name, container, spec, reading, what) => {
    expect(judge(container, spec, reading)).toMatchObject({ kind: 'waiting', what });
  });

  it.each([
    ['exits, with any code', { state: 'exited', exitCode: 0 } as const, 'exited with code 0'],
    ['is unhealthy', { health: 'unhealthy' } as const, 'its health check says unhealthy'],
    [
      'runs out of memory',
      { state: 'exited', exitCode: 137, oomKilled: true } as const,
      'ran out of memory (exit code 137)',
    ],
    [
      'was restarted by its restart policy',
      { restarts: 1, exitCode: 3, state: 'restarting' } as const,
      'exited with code 3 and was restarted',
    ],
    ['runs again by then', { restarts: 1, exitCode: null, state: 'running' } as const, 'ended and was restarted'],
  ])('will never be a replica that %s', (_name, container, reason) => {
    expect(judge(container)).toEqual({ kind: 'failed', reason });
  });

  it('will never be a replica whose deadline is over, and the reason says what was missing', () => {
    const late = judge({ health: 'starting' }, { progressDeadlineMs: 1000 });
    expect(late).toEqual({ kind: 'failed', reason: 'not ready after 1 s: its health check is starting' });
  });
});
