import type { Stage } from './forecast.ts';

/** Memory that a plan takes beside what its services have now, where they take most. */
export interface MemoryNeed {
  readonly bytes: number;
  /** Services whose further containers take an amount that nobody knows. */
  readonly notKnown: readonly string[];
}

/** Bytes that a container of a service may take; null where nobody knows. */
export type MemoryCost = (service: string) => number | null;

/**
 * The most that runs at the same time, less what runs now.
 * @param started containers of shared services that the plan starts first
 */
export function memoryNeed(stages: readonly Stage[], cost: MemoryCost, started: Counts = new Map()): MemoryNeed {
  const [first] = stages;
  if (first === undefined) return { bytes: 0, notKnown: [] };
  const now = runningIn(first, 'before');
  const all = stages.map((stage) => new Map([...runningIn(stage, 'after'), ...started]));
  const total = (counts: Counts): number => sum([...counts].map(([service, count]) => count * (cost(service) ?? 0)));
  const more = [...new Set(all.flatMap((counts) => [...counts.keys()]))].filter((service) =>
    all.some((counts) => (counts.get(service) ?? 0) > (now.get(service) ?? 0)),
  );
  return {
    bytes: Math.max(0, ...all.map(total).map((bytes) => bytes - total(now))),
    notKnown: more.filter((service) => cost(service) === null),
  };
}

/** Containers by service. */
type Counts = ReadonlyMap<string, number>;

/** Containers of the services that deploys replace; a one-shot is one while its step lasts. */
function runningIn({ step, record, ...seen }: Stage, moment: 'before' | 'after'): Counts {
  const counts = new Map<string, number>();
  const names = new Set([...Object.keys(record.stable?.services ?? {}), ...Object.keys(record.candidate.services)]);
  const running = seen[moment].containers.filter(({ state, oneOff }) => state === 'running' && !oneOff);
  for (const { service } of running) if (names.has(service)) counts.set(service, (counts.get(service) ?? 0) + 1);
  if (step.kind === 'run') counts.set(step.service, (counts.get(step.service) ?? 0) + 1);
  return counts;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
