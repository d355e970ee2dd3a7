import type { ServiceSpec } from '../../core/project.ts';
import type { Finding } from '../findings.ts';
import { canonical, list, mapping, serviceOf, strings, text, type ServiceModel } from '../model.ts';
import { namespaceOwners } from '../standard-keys.ts';
import type { Rule, RuleInput } from './rule.ts';

/** E13: a namespace that reaches across the border of the color would tie one color to the other's life. */
export function namespaces({ models, services }: RuleInput): readonly Finding[] {
  return Object.values(services).flatMap((user) =>
    namespaceOwners(serviceOf(models.base, user.name))
      .filter(({ owner }) => isColored(services[owner]) !== isColored(user))
      .map(({ owner, path }) => ({
        code: 'E13',
        path: ['services', user.name, ...path],
        message: `${user.name} uses ${path[0]} of ${owner}, and only one of them is replaced with its color`,
        hint: `give both x-deploy-bg with the same kind of strategy, or remove ${path[0]}`,
      })),
  );
}

function isColored(spec: ServiceSpec | undefined): boolean {
  return spec?.placement === 'colored';
}

/** E13 as well: the volumes of a colored container cannot be taken over by one that outlives it. */
export function volumesFrom({ models, services }: RuleInput): readonly Finding[] {
  return Object.values(services).flatMap((user) => {
    if (isColored(user) || user.placement === 'one-shot') return [];
    const owners = strings(serviceOf(models.base, user.name)['volumes_from']).map((each) => each.split(':')[0] ?? '');
    return owners
      .filter((owner) => isColored(services[owner]))
      .map((owner) => ({
        code: 'E13',
        path: ['services', user.name, 'volumes_from'],
        message: `${user.name} uses the volumes of ${owner}, which is replaced with its color`,
        hint: 'use a named volume instead',
      }));
  });
}

/** Keys of a service in which it names others. */
export const CALLING = ['environment', 'command', 'entrypoint', 'links', 'external_links'] as const;

/** W05: callers outside the color find no colored service by its plain name once it is colored. */
export function outsideCallers({ models, services }: RuleInput): readonly Finding[] {
  const colored = Object.values(services).filter((each) => isColored(each));
  const outside = Object.values(services).filter(
    (each) => each.placement === 'shared' || each.placement === 'in-place',
  );
  return outside.flatMap((caller) =>
    CALLING.flatMap((key) => {
      return colored
        .filter((callee) => calls(serviceOf(models.base, caller.name), callee.name, key))
        .map((callee) => ({
          code: 'W05',
          path: ['services', caller.name, key],
          message: `${caller.name} names the host ${callee.name}, which is replaced with its color`,
          hint: 'let it go through the proxy',
        }));
    }),
  );
}

/** True if a service names another one as a host that it asks. */
export function calls(caller: ServiceModel, callee: string, key: (typeof CALLING)[number]): boolean {
  return namesHost(canonical(caller[key] ?? null), callee, key);
}

function namesHost(said: string, host: string, key: string): boolean {
  const name = host.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  if (key === 'links') return new RegExp(`"${name}(:|")`).test(said);
  return new RegExp(`(//|@|["=,\\s])${name}:\\d`).test(said) || new RegExp(`//${name}["/?]`).test(said);
}

/** W01: both releases write the same volume while they run side by side. */
export const sharedVolumes: Rule = ({ spec, model, finding }) =>
  runsBesideItself(spec)
    ? list(model['volumes']).map((value, index) => {
        const mount = mapping(value);
        const source = mount['type'] === 'volume' ? text(mount['source']) : null;
        if (source === null || mount['read_only'] === true) return null;
        const message = `${spec.name}: stable and candidate both write to the volume ${source}`;
        return finding('W01', ['volumes', index], message, 'see that both versions can, or mount it read-only');
      })
    : [];

/** W08: nobody takes an anonymous volume over. */
export const anonymousVolumes: Rule = ({ spec, model, finding }) =>
  runsBesideItself(spec)
    ? list(model['volumes']).map((value, index) => {
        const mount = mapping(value);
        if (mount['type'] !== 'volume' || text(mount['source']) !== null) return null;
        const message = `${spec.name}: the candidate starts with an empty volume at ${text(mount['target']) ?? ''}`;
        return finding('W08', ['volumes', index], message, 'name the volume if its content shall be kept');
      })
    : [];

function runsBesideItself(spec: ServiceSpec): boolean {
  return spec.placement === 'colored' || spec.placement === 'in-place';
}

/** W03: running is all that is known of it. */
export const unchecked: Rule = ({ spec, finding }) => {
  if (spec.route === null || spec.hasHealthcheck || spec.route.probe !== null) return [];
  const message = `${spec.name} has a route, but neither a health check nor a probe: it counts as ready when it runs`;
  return [
    finding('W03', ['x-deploy-bg', 'route'], message, 'add probe: {path: /healthz} to its route, or a healthcheck'),
  ];
};

const PROXY_LABEL = /^(traefik\.|caddy(_\d+)?(\.|$))/;

/** W04: another proxy that reads labels would send traffic to both colors. */
export const proxyLabels: Rule = ({ spec, models, finding }) => {
  if (spec.placement !== 'colored') return [];
  const [blue, green] = [models.overlays.blue, models.overlays.green].map((model) =>
    mapping(serviceOf(model, spec.name)['labels']),
  );
  const same = Object.keys(blue ?? {}).filter((key) => PROXY_LABEL.test(key) && blue?.[key] === green?.[key]);
  if (same.length === 0) return [];
  const message = `${spec.name}: both colors carry the label ${same[0] ?? ''}, so the proxy that reads it sends traffic to both`;
  return [finding('W04', ['labels'], message, 'remove the labels, or give them to each color in its overlay')];
};
