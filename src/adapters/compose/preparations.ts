import { oneShots } from '../../config/replaced.ts';
import { serviceOf } from '../../config/model.ts';
import { dependenciesOf } from '../../config/standard-keys.ts';
import type { Project } from '../../core/project.ts';

/** One-shots that only shared services wait for: nobody else runs them. */
export function preparationsOf(project: Project, service: string): readonly string[] {
  const once = oneShots(project.models.base);
  return dependenciesOf(serviceOf(project.models.base, service))
    .map((dependency) => dependency.service)
    .filter((name) => once.has(name) && !(name in project.services));
}
