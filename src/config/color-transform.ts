import type { ComposeModel } from '../core/project.ts';
import {
  entry,
  list,
  mapping,
  mapValues,
  servicesOf,
  text,
  without,
  type Entry,
  type Mapping,
  type ServiceModel,
} from './model.ts';
import { contextOf, usedSources, type ColorContext, type ColorInput } from './transform/context.ts';
import { existing, nonEmpty, topNetworks } from './transform/networks.ts';
import { colorServiceModel } from './transform/service.ts';

export type { ColorInput } from './transform/context.ts';

/**
 * The frozen Compose model of a release in a color (DESIGN section 3, "The color transform"): a project of its own
 * beside the user's, whose services find only their own color by their plain names. Pure; equal inputs give equal models.
 */
export function colorModel(input: ColorInput): ComposeModel {
  const context = contextOf(input);
  const model = input.models.overlays[input.color];
  const names = Object.keys(servicesOf(model)).filter((name) => context.inside(name));
  const services = names.map((name) => context.service(name));
  const frozen = names.map((name) => [context.renamed(name), colorServiceModel(context, name)]);
  return {
    name: context.composeProject,
    services: Object.fromEntries(frozen),
    ...topNetworks(context, services),
    ...entry('volumes', nonEmpty(existing(model['volumes'], input.project, usedVolumes(services)))),
    ...files(context, services, 'secrets'),
    ...files(context, services, 'configs'),
    ...entry('models', model['models']),
  };
}

/**
 * The frozen Compose model of the user's own project: nothing that Compose hashes differs from the user's files, so
 * that a plain `docker compose up -d` finds nothing to do after it. Networks and volumes are as they are.
 */
export function baseModel(model: ComposeModel, project: string): ComposeModel {
  const services = servicesOf(model);
  const every = (key: string) => new Set(Object.keys(mapping(model[key])));
  return {
    ...without(model, 'x-deploy-bg', 'networks', 'volumes'),
    services: mapValues(services, (service) => ({
      ...without(service, 'depends_on', 'x-deploy-bg'),
      ...entry('depends_on', nonEmpty(knownDependencies(service, services))),
    })),
    ...entry('networks', nonEmpty(existing(model['networks'], project, every('networks')))),
    ...entry('volumes', nonEmpty(existing(model['volumes'], project, every('volumes')))),
  };
}

/**
 * A model that has the networks and volumes of a project and one service that is never started: with it Compose
 * creates what is missing under its own labels, and touches no container.
 */
export function resourcesModel(model: ComposeModel): ComposeModel {
  return {
    name: model['name'],
    services: {
      [RESOURCES_SERVICE]: { image: RESOURCES_SERVICE, scale: 0, network_mode: 'none', pull_policy: 'never' },
    },
    ...entry('networks', model['networks']),
    ...entry('volumes', model['volumes']),
  };
}

/** The service of `resourcesModel`. */
export const RESOURCES_SERVICE = 'deploy-bg-resources';

// A dependency of an inactive profile is not in the model any more, and Compose would refuse the file.
function knownDependencies(service: ServiceModel, services: Mapping): Mapping {
  return Object.fromEntries(Object.entries(mapping(service['depends_on'])).filter(([name]) => name in services));
}

function usedVolumes(services: readonly ServiceModel[]): ReadonlySet<string> {
  const mounts = services.flatMap((service) => list(service['volumes'])).map(mapping);
  const sources = mounts.map((mount) => (mount['type'] === 'volume' ? text(mount['source']) : null));
  return new Set(sources.filter((source) => source !== null));
}

function files(context: ColorContext, services: readonly ServiceModel[], kind: 'secrets' | 'configs'): Mapping {
  const used = new Set(services.flatMap((service) => usedSources(service, kind)));
  const all = Object.entries(mapping(context.models.overlays[context.color][kind]));
  const kept = all
    .filter(([key]) => used.has(key))
    .map(([key, value]): Entry => {
      const copy = context.copied(kind, key);
      return [key, copy === null ? value : { ...mapping(value), file: copy }];
    });
  return entry(kind, nonEmpty(Object.fromEntries(kept)));
}
