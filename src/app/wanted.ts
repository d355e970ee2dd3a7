import type { Project } from '../core/project.ts';
import type { Side } from '../core/record.ts';
import { sameRelease } from '../core/release.ts';
import { freeze } from './freeze.ts';
import type { Ports } from './ports.ts';

/**
 * Says whether a side of a rollout is what a deploy asks for: the same release, and not only a version of the same
 * name. What the deploy does not ask for comes from the stable side.
 */
export type Wanted = (side: Side | null, stable: Side | null) => Promise<boolean>;

/** By the images that are here: nothing is fetched to find out. */
export function wanted(ports: Ports, project: Project, options: { readonly services: readonly string[] }): Wanted {
  const releaseOf = (side: Side | null) =>
    side?.release == null ? Promise.resolve(null) : ports.store.release(side.release);
  return async (side, stable) => {
    if (side?.version !== project.version) return false;
    const [release, before] = await Promise.all([releaseOf(side), releaseOf(stable)]);
    if (release === null) return false;
    const { services } = options;
    const today = await freeze(ports, project, { services, stable: before, dryRun: true, like: release });
    return sameRelease(today, release);
  };
}
