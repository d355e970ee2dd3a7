import { formatBytes } from '../core/bytes.ts';
import type { Stage } from '../core/forecast.ts';
import type { Observed } from '../core/observed.ts';
import { jobsOf, type Project } from '../core/project.ts';
import { memoryNeed } from '../core/room.ts';
import { isUp } from '../core/steps/containers.ts';
import { type DiskPlan, isFetched, type MemoryPlan, type ServicePlan } from './plan-view.ts';
import type { Engine, Host } from './ports.ts';

/** What the machine has, and what of it is left; null where that is not to be seen from here. */
export interface Resources {
  readonly memoryBytes: number | null;
  readonly availableBytes: number | null;
  /** Where the engine keeps images. */
  readonly dataRoot: string | null;
  readonly freeBytes: number | null;
  /** The engine's machine is the one that we see. */
  readonly isHere: boolean;
}

/**
 * Of the engine's machine. What is left there can be seen on it only, in a container of it, too: an engine that says the
 * same memory to the byte as our kernel is on it.
 */
export async function resourcesOf({
  engine,
  host,
}: {
  readonly engine: Engine;
  readonly host: Host;
}): Promise<Resources> {
  const [{ memoryBytes, dataRoot }, memory] = await Promise.all([engine.machine(), host.memory()]);
  const here = memory?.totalBytes === memoryBytes ? memory : null;
  const freeBytes = here === null || dataRoot === null ? null : await host.freeBytes(dataRoot);
  return { memoryBytes, availableBytes: here?.availableBytes ?? null, dataRoot, freeBytes, isHere: here !== null };
}

interface Room {
  readonly project: Project;
  readonly stages: readonly Stage[];
  readonly observed: Observed;
  readonly resources: Resources;
}

/** By the limits of the compose files; where there are none, by what the containers have that run now. */
export async function memoryPlan(
  engine: Pick<Engine, 'memoryOf'>,
  { project, stages, observed, resources }: Room,
): Promise<MemoryPlan> {
  const jobs = jobsOf(project);
  const started = Object.values(project.services).filter(
    ({ name, placement }) => placement === 'shared' && !isUp(observed, name, jobs.has(name)),
  );
  const replaced = Object.values(project.services).filter((s) => s.placement !== 'shared');
  const costs = new Map<string, number | null>();
  for (const { name: service } of stages.length === 0 ? [] : [...replaced, ...started]) {
    const { memoryLimit = null, memoryReserved = null } = project.facts[service] ?? {};
    costs.set(service, memoryLimit ?? memoryReserved ?? (await presentUse(engine, observed, service)));
  }
  const starts = new Map(started.map(({ name, replicas }) => [name, replicas]));
  const { bytes, notKnown } = memoryNeed(stages, (service) => costs.get(service) ?? null, starts);
  return {
    neededBytes: bytes === 0 && notKnown.length > 0 ? null : bytes,
    notKnown,
    totalBytes: resources.memoryBytes,
    availableBytes: resources.availableBytes,
  };
}

/** What the largest of its containers has; null if none runs, or the engine does not say. */
async function presentUse(
  engine: Pick<Engine, 'memoryOf'>,
  { containers }: Observed,
  service: string,
): Promise<number | null> {
  const running = containers.filter((c) => c.service === service && c.state === 'running' && !c.oneOff);
  const used = await Promise.all(running.map(({ id }) => engine.memoryOf(id).catch(() => null)));
  const known = used.filter((bytes) => bytes !== null);
  return known.length === 0 ? null : Math.max(...known);
}

/** Nobody knows how large an image is before it is here. */
export function diskPlan(services: readonly ServicePlan[], { dataRoot, freeBytes }: Resources): DiskPlan {
  const fetched = services.some(({ image }) => isFetched(image));
  return { neededBytes: fetched ? null : 0, folder: dataRoot, freeBytes };
}

/** In a sentence each. */
export function shortagesOf({ neededBytes, availableBytes, totalBytes }: MemoryPlan): readonly string[] {
  const [left, what] = availableBytes === null ? [totalBytes, 'the host has'] : [availableBytes, 'the host has left'];
  if (neededBytes === null || left === null || neededBytes <= left) return [];
  return [`the deploy may need ${formatBytes(neededBytes)} of memory more, and ${what} ${formatBytes(left)}`];
}
