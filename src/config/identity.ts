import type { ComposeModel, Models } from '../core/project.ts';
import { canonical, list, mapping, mapValues, serviceOf, text, without, type ServiceModel } from './model.ts';
import { usedSources } from './transform/context.ts';

/** Changes none of the containers: how many there are, when, from where and in which order they come. */
const NOT_OF_THE_CONTAINER = ['build', 'depends_on', 'develop', 'profiles', 'pull_policy', 'scale', 'x-deploy-bg'];
const NOT_OF_A_DEPLOY = ['replicas', 'update_config', 'rollback_config'];

/** Where the content of a secret or config comes from. */
export interface ContentSource {
  readonly kind: 'secrets' | 'configs';
  readonly key: string;
  /** Name of the variable; null if it is none. */
  readonly environment: string | null;
  /** Path of the file, absolute; null if it is none. */
  readonly file: string | null;
}

/** One text that is equal for two definitions of a service exactly if they make equal containers; without contents. */
export function definitionText(models: Models, service: string): string {
  const each = [models.base, models.overlays.blue, models.overlays.green];
  return canonical(
    each.map((model) => {
      const definition = serviceOf(model, service);
      return [
        {
          ...without(definition, ...NOT_OF_THE_CONTAINER),
          deploy: without(mapping(definition['deploy']), ...NOT_OF_A_DEPLOY),
        },
        resourceNames(model['networks'], Object.keys(mapping(definition['networks']))),
        resourceNames(model['volumes'], volumeKeys(definition)),
        (['secrets', 'configs'] as const).map((kind) =>
          usedSources(definition, kind).map((key) => without(mapping(mapping(model[kind])[key]), 'file')),
        ),
      ];
    }),
  );
}

function resourceNames(resources: unknown, keys: readonly string[]) {
  return keys.map((key) => [key, mapping(mapping(resources)[key])['name'] ?? null]);
}

function volumeKeys(service: ServiceModel): readonly string[] {
  return list(service['volumes'])
    .map((mount) => text(mapping(mount)['source']))
    .filter((source) => source !== null);
}

/** The secrets and configs that a service uses in any color, each once. */
export function contentSources(models: Models, services: readonly string[]): readonly ContentSource[] {
  const found = [models.base, models.overlays.blue, models.overlays.green].flatMap((model) =>
    services.flatMap((service) =>
      (['secrets', 'configs'] as const).flatMap((kind) =>
        usedSources(serviceOf(model, service), kind).map((key) => contentSource(kind, key, mapping(model[kind])[key])),
      ),
    ),
  );
  return Object.values(
    mapValues(Object.fromEntries(found.map((source) => [canonical(source), source])), (each) => each),
  );
}

/**
 * True if only Compose can start a container of a service for the first time: it is Compose that runs `post_start`, and
 * that puts secrets and configs without a file of their own into the container (seen: missing otherwise, silently).
 */
export function startsByCompose(model: ComposeModel, service: string): boolean {
  const definition = serviceOf(model, service);
  if (list(definition['post_start']).length > 0) return true;
  return (['secrets', 'configs'] as const).some((kind) =>
    usedSources(definition, kind).some((key) => text(mapping(mapping(model[kind])[key])['file']) === null),
  );
}

function contentSource(kind: ContentSource['kind'], key: string, value: unknown): ContentSource {
  const { environment, file } = mapping(value);
  return { kind, key, environment: text(environment), file: text(file) };
}
