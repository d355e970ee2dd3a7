import { describe, expect, it } from 'vitest';
import { next } from '../../src/core/next.ts';
import type { ServiceSpec } from '../../src/core/project.ts';
import { config, deploy, inPlace, plan, serving } from '../support/rollouts.ts';
import { release, service } from '../support/specs.ts';
import { run } from '../support/simulator.ts';

const SERVICES = 50;
const REPLICAS = 20;

function large(version: string, spec: (name: string) => ServiceSpec) {
  return release(
    version,
    Array.from({ length: SERVICES }, (_, index) => spec(`service-${String(index)}`)),
  );
}

const kinds = [
  { kind: 'blue-green', spec: (name: string) => service(name, { replicas: REPLICAS, previewReplicas: REPLICAS }) },
  {
    kind: 'rolling',
    spec: (name: string) => inPlace(name, { replicas: REPLICAS, update: config({ parallelism: 0 }) }),
  },
];

describe('the planner’s cost with 50 services of 20 replicas', () => {
  it.each(kinds)('$kind: one decision takes less than 5 ms, the median of a rollout', ({ spec }) => {
    const [v1, v2] = [large('v1', spec), large('v2', spec)];
    const world = serving(v1);
    const compiled = plan(world, v2, v1);
    const times: number[] = [];
    run(world, compiled, {
      meanwhile: (record, w) => {
        if (times.length >= 300) return null;
        const observed = w.observed();
        const begin = performance.now();
        next(record, observed, w.now);
        times.push(performance.now() - begin);
        return null;
      },
    });
    expect(times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]).toBeLessThan(5);
  });

  it.each(kinds)('$kind: a whole rollout takes less than 2 s', { timeout: 30_000 }, ({ spec }) => {
    const [v1, v2] = [large('v1', spec), large('v2', spec)];
    const world = serving(v1);
    const begin = process.cpuUsage();
    expect(deploy(world, v2, v1).record.state).toBe('completed');
    // Not by the clock: other tests run beside this one.
    const { user } = process.cpuUsage(begin);
    expect(user / 1000).toBeLessThan(2000);
  });
});
