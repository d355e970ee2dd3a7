import type { Dependency } from './project.ts';

interface Dependent {
  readonly name: string;
  readonly dependsOn: readonly Dependency[];
}

/** Services that some depend on, and nobody requires (`required: false`). */
export function requiredByNobody(services: readonly Pick<Dependent, 'dependsOn'>[]): ReadonlySet<string> {
  const all = services.flatMap(({ dependsOn }) => dependsOn);
  const required = new Set(all.filter((dependency) => dependency.required).map(({ service }) => service));
  return new Set(all.map(({ service }) => service).filter((name) => !required.has(name)));
}

/**
 * Services with those they depend on first; names outside of the list do not count. The order is stable:
 * services that do not depend on each other stay as they were. A cycle (E12, refused before) cannot hang it.
 */
export function dependencyOrder(services: readonly Dependent[]): string[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const ordered: string[] = [];
  const seen = new Set<string>();
  const visit = (service: Dependent): void => {
    if (seen.has(service.name)) return;
    seen.add(service.name);
    for (const { service: name } of service.dependsOn) {
      const dependency = byName.get(name);
      if (dependency !== undefined) visit(dependency);
    }
    ordered.push(service.name);
  };
  services.forEach(visit);
  return ordered;
}
