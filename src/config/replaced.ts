import type { ComposeModel, Placement, Strategy } from '../core/project.ts';
import { canonical, mapping, mapValues, servicesOf, list, text, type ServiceModel } from './model.ts';
import type { Settings } from './settings.ts';
import { dependenciesOf, namespaceOwners } from './standard-keys.ts';

/** What the question "which services does a deploy replace?" depends on (DESIGN section 3). */
export interface ReplacedInput {
  readonly model: ComposeModel;
  readonly settings: Settings;
  /** Services whose definition changes with the version. */
  readonly versioned: ReadonlySet<string>;
  /** Services that an overlay names. */
  readonly overlaid: ReadonlySet<string>;
  readonly proxyService: string | null;
}

/** Where a service lives and how it is replaced. */
export interface Role {
  readonly placement: Placement;
  readonly strategy: Strategy;
}

/** Services whose resolved definition, or that of a secret or config they use, differs between two models. */
export function differingServices(one: ComposeModel, other: ComposeModel): ReadonlySet<string> {
  const others = servicesOf(other);
  const changed = Object.entries(servicesOf(one)).filter(
    ([name, service]) => definition(one, service) !== definition(other, others[name] ?? {}),
  );
  return new Set(changed.map(([name]) => name));
}

/** Services some value of which holds the version: the answer where the files cannot be resolved for another one. */
export function servicesHolding(model: ComposeModel, version: string): ReadonlySet<string> {
  const holding = Object.entries(servicesOf(model)).filter(([, service]) =>
    definition(model, service).includes(version),
  );
  return new Set(version === '' ? [] : holding.map(([name]) => name));
}

function definition(model: ComposeModel, service: ServiceModel): string {
  const own = Object.entries(service).filter(([key]) => !key.startsWith('x-'));
  const used = (kind: 'secrets' | 'configs') =>
    list(service[kind]).map((use) => mapping(model[kind])[text(mapping(use)['source']) ?? '']);
  return canonical([Object.fromEntries(own), used('secrets'), used('configs')]);
}

/** The role of every service; those that only prepare shared services have none: Compose's `up` runs them. */
export function rolesOf(input: ReplacedInput): Readonly<Record<string, Role>> {
  const names = Object.keys(servicesOf(input.model));
  const replaced = new Set(names.filter((name) => isReplaced(input, name)));
  const once = oneShots(input.model);
  const roles = names.map((name) => [name, roleOf(input, name, replaced, once)] as const);
  return Object.fromEntries(roles.filter((role): role is [string, Role] => role[1] !== null));
}

function roleOf(
  input: ReplacedInput,
  name: string,
  replaced: ReadonlySet<string>,
  once: ReadonlySet<string>,
): Role | null {
  const strategy = strategyOf(input, name);
  if (once.has(name)) {
    const ours = replaced.has(name) || dependents(input.model, name).some((each) => replaced.has(each));
    return ours ? { placement: 'one-shot', strategy } : null;
  }
  if (!replaced.has(name))
    return livesIn(input, name, replaced)
      ? { placement: 'in-place', strategy: 'rolling' }
      : { placement: 'shared', strategy };
  return { placement: isColored(input.settings, name, strategy) ? 'colored' : 'in-place', strategy };
}

/** Its network, say, is that of a service which is replaced in place, and ends with the containers of that one. */
function livesIn(input: ReplacedInput, name: string, replaced: ReadonlySet<string>): boolean {
  if (name === input.proxyService) return false;
  const owners = namespaceOwners(servicesOf(input.model)[name] ?? {}).map(({ owner }) => owner);
  return owners.some((owner) =>
    replaced.has(owner) ? !isColored(input.settings, owner, strategyOf(input, owner)) : livesIn(input, owner, replaced),
  );
}

function isReplaced(input: ReplacedInput, name: string): boolean {
  if (name === input.proxyService) return false;
  const deploy = mapping(servicesOf(input.model)[name]?.['deploy']);
  return (
    name in input.settings.services ||
    input.overlaid.has(name) ||
    'update_config' in deploy ||
    input.versioned.has(name)
  );
}

function strategyOf(input: ReplacedInput, name: string): Strategy {
  const own = input.settings.services[name];
  const fallback = own?.route !== undefined || input.overlaid.has(name) ? 'blue-green' : 'rolling';
  return own?.strategy ?? input.settings.project.strategy ?? fallback;
}

function isColored(settings: Settings, name: string, strategy: Strategy): boolean {
  if (strategy === 'blue-green' || strategy === 'recreate') return true;
  return strategy === 'canary' && settings.services[name]?.route !== undefined;
}

/** Services that somebody waits for to exit with 0. */
export function oneShots(model: ComposeModel): ReadonlySet<string> {
  const awaited = Object.values(mapValues(servicesOf(model), dependenciesOf)).flat();
  return new Set(
    awaited.filter((each) => each.condition === 'service_completed_successfully').map((each) => each.service),
  );
}

function dependents(model: ComposeModel, name: string): readonly string[] {
  return Object.entries(servicesOf(model))
    .filter(([, service]) => dependenciesOf(service).some((each) => each.service === name))
    .map(([dependent]) => dependent);
}
