import type { ComposeModel } from '../../core/project.ts';
import { list, mapping, servicesOf, strings, text } from '../model.ts';

/** A file of the proxy's configuration that is mounted from the host. */
export interface ConfigFile {
  /** On the host, absolute. */
  readonly path: string;
  /** As the proxy sees it. */
  readonly target: string;
  readonly text: string;
}

/** A place in the proxy's configuration that sends requests to a service. */
export interface Sending {
  readonly service: string;
  readonly port: number;
  /** Of the requests; null for all. */
  readonly path: string | null;
  /** Host names of the site. */
  readonly hosts: readonly string[];
}

/** What a proxy's configuration says today, and how it would say it with the generated files. */
export interface Wiring {
  readonly sends: readonly Sending[];
  /** Services that it reaches by the generated files already; `all` by the file that has every route. */
  readonly wired: ReadonlySet<string> | 'all';
  /** Services that it asks in another language than HTTP, with the directive that says so. */
  readonly others: readonly { readonly service: string; readonly by: string }[];
  /** Why not all that it does can be seen. */
  readonly unclear: readonly string[];
  /** Paths that it is known to ask for to see whether a service is well. */
  readonly health: Readonly<Record<string, string>>;
  /** The configuration with these services reached by the generated files. */
  readonly rewire: (services: ReadonlySet<string>) => Rewired;
}

export interface Rewired {
  readonly files: readonly { readonly path: string; readonly text: string; readonly reasons: readonly string[] }[];
  /** Why it is left to a person; with one of them nothing is changed. */
  readonly problems: readonly string[];
  /** What a person has to know of the change. */
  readonly notes: readonly string[];
}

/** The services by every name under which others find them. */
export function hostNames(model: ComposeModel): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(servicesOf(model)).flatMap(([name, service]) => {
      const networks = Object.values(mapping(service['networks']));
      const aliases = networks.flatMap((network) => strings(mapping(network)['aliases']));
      const names = [name, text(service['container_name']), text(service['hostname']), ...aliases];
      return names.flatMap((each) => (each === null ? [] : [[each, name] as const]));
    }),
  );
}

/** Where a bind mount of a service brings a file or folder of the host. */
export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** The bind mounts of a service, and the files of the host that Compose gives it as configs. */
export function mountsOf(model: ComposeModel, service: string): readonly Mount[] {
  const definition = servicesOf(model)[service] ?? {};
  const binds = list(definition['volumes'])
    .map(mapping)
    .filter((mount) => mount['type'] === 'bind')
    .map((mount) => ({ ...placeOf(mount['source'], mount['target']), readOnly: mount['read_only'] === true }));
  const configs = list(definition['configs']).map((use) => {
    const { source, target } = mapping(use);
    const config = mapping(mapping(model['configs'])[text(source) ?? '']);
    return { ...placeOf(config['file'], target), readOnly: true };
  });
  return [...binds, ...configs].filter((mount) => mount.source !== '' && mount.target !== '');
}

function placeOf(source: unknown, target: unknown): Pick<Mount, 'source' | 'target'> {
  return { source: text(source) ?? '', target: text(target) ?? '' };
}
