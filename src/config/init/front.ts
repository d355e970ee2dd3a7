import { mapping, serviceOf, servicesOf, text } from '../model.ts';
import { kindOfService } from './application.ts';
import { caddyWiring } from './caddy-wiring.ts';
import { nginxWiring } from './nginx-wiring.ts';
import type { AddedProxy, InitInput } from './proposal.ts';
import { hostNames, mountsOf, type ConfigFile, type Wiring } from './wiring.ts';

/** The proxy that a project has already. */
export interface Front {
  readonly service: string;
  readonly kind: AddedProxy;
  readonly wiring: Wiring;
  /** None: its configuration is in its image, or somewhere else that cannot be seen from here. */
  readonly files: readonly ConfigFile[];
}

/** What is a file of a proxy's configuration, by its place in the container. */
const CONFIG: Readonly<Record<AddedProxy, RegExp>> = {
  caddy: /^\/etc\/caddy\/([\w.-]*Caddyfile[\w.-]*|.+\.caddy|conf\.d\/.+|sites(-enabled)?\/.+)$/,
  nginx: /^\/etc\/nginx\/(nginx\.conf|(conf\.d|http\.d)\/[^/]+\.conf|sites-enabled\/[^/]+|templates\/[^/]+\.template)$/,
};

/** Where the files of a proxy's configuration may be on the host; empty for what is none. */
export function configPlaces(input: Pick<InitInput, 'model'>): readonly {
  readonly service: string;
  readonly source: string;
  readonly target: string;
}[] {
  return proxiesOf(input).flatMap(({ service }) =>
    mountsOf(input.model, service)
      .filter(({ target }) => /^\/etc\/(nginx|caddy)(\/|$)/.test(target))
      .map(({ source, target }) => ({ service, source, target })),
  );
}

function proxiesOf(
  input: Pick<InitInput, 'model'>,
): readonly { readonly service: string; readonly kind: AddedProxy }[] {
  return Object.keys(servicesOf(input.model)).flatMap((service) => {
    const kind = kindOfService(input, service);
    return kind === 'caddy' || kind === 'nginx' ? [{ service, kind }] : [];
  });
}

/** True where the project says itself that its traffic is switched by something else. */
export function isSwitchedElsewhere({ model }: Pick<InitInput, 'model'>): boolean {
  const { driver, host } = mapping(mapping(model['x-deploy-bg'])['proxy']);
  return driver === 'none' || host === true;
}

/** The proxy: named; else the one that sends requests on; else one whose configuration cannot be seen. */
export function frontOf(input: InitInput): Front | null {
  if (isSwitchedElsewhere(input)) return null;
  const names = hostNames(input.model);
  const fronts = proxiesOf(input).map(({ service, kind }): Front => {
    const files = input.mounted.filter((file) => file.service === service && isConfig(kind, file));
    return { service, kind, files, wiring: kind === 'caddy' ? caddyWiring(files, names) : nginxWiring(files, names) };
  });
  const named = text(mapping(mapping(input.model['x-deploy-bg'])['proxy'])['service']);
  const isInUse = ({ wiring }: Front) =>
    wiring.unclear.length > 0 ||
    wiring.sends.length > 0 ||
    wiring.others.length > 0 ||
    wiring.wired === 'all' ||
    wiring.wired.size > 0;
  return (
    fronts.find(({ service }) => service === named) ??
    fronts.find(isInUse) ??
    fronts.find((front) => front.files.length === 0 && isUnseen(input, front)) ??
    null
  );
}

function isConfig(kind: AddedProxy, { target }: ConfigFile): boolean {
  return CONFIG[kind].test(target) && !target.includes('/deploy-bg/');
}

/** It is reached from outside, and serves no files of its own as far as can be seen. */
function isUnseen({ model }: InitInput, { service }: Front): boolean {
  const servesFiles = mountsOf(model, service).some(({ target }) =>
    /^\/(usr\/share\/nginx\/html|srv|var\/www)/.test(target),
  );
  return 'ports' in serviceOf(model, service) && !servesFiles;
}
