import { DeployError } from '../core/errors.ts';
import type { Project } from '../core/project.ts';
import type { Release } from '../core/release.ts';
import { type Fingerprint, snapshot } from '../core/snapshot.ts';
import type { Ports } from './ports.ts';

export interface FreezeOptions {
  /** Services to take from today's files; empty means all. The others come from `stable`. */
  readonly services: readonly string[];
  readonly stable: Release | null;
  /** Do without images that are not here. */
  readonly dryRun: boolean;
  /** And with those that are here: others would be fetched. */
  readonly refresh?: boolean;
  /** Its images stand for those that are not here: what is not here cannot be another one. */
  readonly like?: Release;
}

/** Stands for the id of an image that is not here in a release that nobody will run. */
export const NOT_HERE = 'not pulled yet';

/** What today's files make of a version, as an immutable release. @throws image-missing */
export async function freeze(ports: Ports, project: Project, options: FreezeOptions): Promise<Release> {
  const { stable, services } = options;
  const asked = stable === null ? [] : services;
  const fingerprints: Record<string, Fingerprint> = {};
  for (const name of replacedServices(project, asked)) {
    const imageId = await imageOf(ports, project, name, options);
    fingerprints[name] = { imageId, identity: await ports.compose.identity(project, name, imageId) };
  }
  const createdAt = new Date(ports.clock.now()).toISOString();
  return snapshot({ id: ports.ids.release(), createdAt, project, fingerprints, asked, stable });
}

async function imageOf(ports: Ports, project: Project, name: string, options: FreezeOptions): Promise<string> {
  if (options.dryRun && options.refresh === true) return NOT_HERE;
  const reference = project.services[name]?.image ?? '';
  const id = (await ports.engine.image(reference))?.id ?? options.like?.services[name]?.imageId;
  if (id !== undefined) return id;
  if (options.dryRun) return NOT_HERE;
  throw new DeployError('image-missing', {
    what: `the image ${reference} of ${name} is not there`,
    serves: 'nothing was changed',
  });
}

/** Those of the asked services that a deploy replaces; all of them if none is asked for. */
export function replacedServices(project: Project, asked: readonly string[]): string[] {
  const replaced = Object.values(project.services).filter((service) => service.placement !== 'shared');
  return replaced.map(({ name }) => name).filter((name) => asked.length === 0 || asked.includes(name));
}
