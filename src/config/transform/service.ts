import { escaped, isMapping, strings, text, without, type Entry, type Mapping } from '../model.ts';
import { colorName } from '../color-name.ts';
import type { ColorContext } from './context.ts';
import { colorNetworks } from './networks.ts';
import { colorDependencies, colorLinks, colorNamespaces, colorVolumesFrom } from './references.ts';

/** Profile that keeps a one-shot out of a plain `up` of the color. */
export const ONE_SHOT_PROFILE = 'deploy-bg-one-shot';

/** Rewritten by the transform, or meaningless in a frozen file. */
const REWRITTEN = [
  'build',
  'develop',
  'depends_on',
  'external_links',
  'links',
  'networks',
  'profiles',
  'pull_policy',
  'volumes_from',
  'x-deploy-bg',
];

/** A service as it stands in the frozen file of a color. Pure; every rule of it is DESIGN section 3. */
export function colorServiceModel(context: ColorContext, name: string): Mapping {
  const service = context.service(name);
  return {
    ...without(service, ...REWRITTEN),
    ...colorNames(context, name),
    image: context.services[name]?.imageId ?? text(service['image']) ?? '',
    // An id is of no use to a registry: what is not here is an error.
    pull_policy: 'never',
    environment: environment(context, name, service['environment']),
    labels: { ...pairs(service['labels']), ...context.labels(name) },
    ...colorDependencies(context, name),
    ...colorNamespaces(context, name),
    ...colorLinks(context, name),
    ...colorVolumesFrom(context, name),
    ...colorNetworks(context, name),
    ...(context.isOneShot(name) ? { profiles: [ONE_SHOT_PROFILE] } : {}),
  };
}

function colorNames(context: ColorContext, name: string): Mapping {
  const [service, other] = [context.service(name), context.other(name)];
  const entries = (['container_name', 'hostname'] as const).flatMap((key): Entry[] => {
    const given = colorName(service, other, key, context.color);
    return given === null ? [] : [[key, given]];
  });
  return Object.fromEntries(entries);
}

function environment(context: ColorContext, name: string, given: unknown): Mapping {
  const version = context.services[name]?.version ?? '';
  return { ...pairs(given), DEPLOY_COLOR: context.color, DEPLOY_VERSION: escaped(version) };
}

/** Environment or labels as a mapping; Compose prints them so, but a list means the same. */
function pairs(value: unknown): Mapping {
  if (isMapping(value)) return value;
  return Object.fromEntries(
    strings(value).map((pair): Entry => {
      const at = pair.indexOf('=');
      return at < 0 ? [pair, null] : [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
