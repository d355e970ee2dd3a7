import { entry, mapping, strings, text, type Entry, type Mapping } from '../model.ts';
import { sharedContainer, type ColorContext } from './context.ts';

const NAMESPACES = ['network_mode', 'ipc', 'pid'] as const;

/** Whom a service waits for: only those of its color that stay. Shared ones are healthy first, one-shots have run. */
export function colorDependencies(context: ColorContext, name: string): Mapping {
  const kept = Object.entries(mapping(context.service(name)['depends_on']))
    .filter(([service]) => context.inside(service) && !context.isOneShot(service))
    .map(([service, condition]): Entry => [context.renamed(service), condition]);
  return kept.length === 0 ? {} : { depends_on: Object.fromEntries(kept) };
}

/** `network_mode`, `ipc` and `pid` of another service follow its new name. Across the border they are E13. */
export function colorNamespaces(context: ColorContext, name: string): Mapping {
  const service = context.service(name);
  const entries = NAMESPACES.flatMap((key): Entry[] => {
    const value = text(service[key]);
    const owner = /^service:(.+)$/.exec(value ?? '')?.[1];
    return owner !== undefined && context.inside(owner) ? [[key, `service:${context.renamed(owner)}`]] : [];
  });
  return Object.fromEntries(entries);
}

/** `links` inside the color are renamed under their old alias; those to shared services become external ones. */
export function colorLinks(context: ColorContext, name: string): Mapping {
  const service = context.service(name);
  const links = strings(service['links']).map((link) => {
    const [target = '', alias = target] = link.split(':');
    return { target, alias };
  });
  const inside = links.filter(({ target }) => context.inside(target) && !context.isOneShot(target));
  const outside = links.filter(({ target }) => !context.inside(target));
  const external = outside.map(({ target, alias }) => `${sharedContainer(context, target)}:${alias}`);
  return {
    ...entry(
      'links',
      inside.map(({ target, alias }) => `${context.renamed(target)}:${alias}`),
    ),
    ...entry('external_links', [...strings(service['external_links']), ...external]),
  };
}

/** `volumes_from` inside the color is renamed; that of a shared service names its container. */
export function colorVolumesFrom(context: ColorContext, name: string): Mapping {
  const from = strings(context.service(name)['volumes_from']).map((value) => {
    if (value.startsWith('container:')) return value;
    const [owner = '', ...mode] = value.split(':');
    if (context.inside(owner)) return [context.renamed(owner), ...mode].join(':');
    return ['container', sharedContainer(context, owner), ...mode].join(':');
  });
  return entry('volumes_from', from);
}
