import { COLORS, colorService, composeProject, type Color } from '../../core/color.ts';
import type { Finding } from '../findings.ts';
import { list, mapping, serviceOf, strings, text, type ServiceModel } from '../model.ts';
import type { Rule, RuleInput, Subject } from './rule.ts';

/** DNS has no room for more between two dots, so that no proxy could resolve the name. */
const LONGEST_LABEL = 63;

/** Compose allows services to begin with `_`, `-` and `.`; in a proxy's files and in DNS that is no name. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/** Characters that mean nothing to Caddy or nginx. */
const FOLDER = /^\/[A-Za-z0-9._/-]+$/;

/** E14: the names of a routed service and of its containers stand in the proxy's files. */
export const routedNames: Rule = (subject) => {
  const { spec, proxy, finding } = subject;
  if (spec.route === null || proxy.driver === 'none') return [];
  const name = JSON.stringify(spec.name);
  const hint = 'rename the service';
  if (!NAME.test(spec.name))
    return [finding('E14', [], `${name} cannot stand in the proxy’s files: it begins with no letter or digit`, hint)];
  const long = containerNames(subject).find((each) => each.split('.').some((label) => label.length > LONGEST_LABEL));
  if (long === undefined) return [];
  const message = `${name}: its container ${long} has ${long.length} characters, and a name in DNS ${LONGEST_LABEL} at most`;
  return [finding('E14', [], message, 'give the service, or the project, a shorter name')];
};

/** What Compose will call the last replica in each place. */
function containerNames({ spec, models }: Subject): readonly string[] {
  const places: readonly (Color | null)[] = spec.placement === 'colored' ? COLORS : [null];
  return places.map((color) => {
    const model = color === null ? models.base : models.overlays[color];
    const project = composeProject(text(models.base['name']) ?? '', color);
    const given = text(serviceOf(model, spec.name)['container_name']);
    return given ?? [project, colorService(spec.name, color), spec.replicas].join('-');
  });
}

/** E14: the folder of the generated files, as the proxy sees it, stands in them as well. */
export function proxyFolder({ proxy }: RuleInput): readonly Finding[] {
  const { mounted, service } = proxy;
  if (mounted === null || FOLDER.test(mounted)) return [];
  const what = `${JSON.stringify(mounted)} cannot stand in the proxy’s files`;
  const letters = 'letters, digits and "._-/" only';
  if (service !== null)
    return [
      {
        code: 'E14',
        path: ['services', service, 'volumes'],
        message: `proxy mount: ${what}`,
        hint: `mount the folder at a path of ${letters}`,
      },
    ];
  const hint = `name a folder with ${letters} in its path, such as output: /srv/shop-proxy`;
  return [{ code: 'E14', path: ['x-deploy-bg', 'proxy'], message: `proxy.output: ${what}`, hint }];
}

/**
 * W06: nginx on the host cannot look the names of containers up. The address of a container may be another one after a
 * restart; a port of the host that it publishes is not.
 */
export const followedByNobody: Rule = ({ spec, proxy, models, finding }) => {
  if (spec.route === null || proxy.driver !== 'nginx' || proxy.service !== null) return [];
  const places = spec.placement === 'colored' ? COLORS.map((color) => models.overlays[color]) : [models.base];
  const { port } = spec.route;
  if (places.every((model) => publishes(serviceOf(model, spec.name), port))) return [];
  const message = `${spec.name}: nginx on the host asks its containers by their addresses, and follows no restart`;
  const hint = `publish ${String(port)} at a port of its own in each color’s overlay; else \`docker-deploy-bg cleanup\` after a restart tells nginx`;
  return [finding('W06', ['x-deploy-bg', 'route'], message, hint)];
};

/** At a port of the host that is always the same. */
function publishes(service: ServiceModel, port: number): boolean {
  return list(service['ports'])
    .map(mapping)
    .some((each) => each['target'] === port && /^\d+$/.test(text(each['published']) ?? ''));
}

/** Docker's resolver says then itself that there is no such name, instead of asking the name servers of the machine. */
const ANSWERS_ITSELF = /^ndots:[1-9]/;

/**
 * W10: Caddy looks up the name of a replica that died for every request that would go there. Where name servers are slow
 * to say no, or tired of being asked, those requests wait as long (libnetwork's resolver.go; seen: 4 s, then 502).
 */
export function namesOfTheDead({ models, proxy }: RuleInput): readonly Finding[] {
  if (proxy.driver !== 'caddy' || proxy.service === null || proxy.output === null) return [];
  const options = strings(serviceOf(models.base, proxy.service)['dns_opt']);
  if (options.some((option) => ANSWERS_ITSELF.test(option))) return [];
  const message = `${proxy.service}: the name of a replica that dies is looked up outside of this machine, for every request`;
  const hint = `give ${proxy.service} dns_opt: ["ndots:1"]`;
  return [{ code: 'W10', path: ['services', proxy.service], message, hint }];
}
