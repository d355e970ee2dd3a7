import { canonical, type Mapping, mapping, serviceOf, servicesOf, text } from '../model.ts';
import type { Finding } from '../findings.ts';
import type { ProjectSettings, ServiceSettings } from '../schema/settings.ts';
import { dependenciesOf } from '../standard-keys.ts';
import type { Rule, RuleInput } from './rule.ts';

/** E09: a check must exist to be used, and one that watches must be repeated. */
export function checkNames({ settings, models }: RuleInput): readonly Finding[] {
  const above = { checks: settings.project.checks ?? {}, written: checksIn(models.base) };
  const own = Object.entries(settings.services).flatMap(([name, each]) => {
    const written = [...above.written, ...checksIn(serviceOf(models.base, name))];
    return used(each, { checks: { ...above.checks, ...each.checks }, written }, ['services', name, 'x-deploy-bg']);
  });
  return [...used(settings.project, above, ['x-deploy-bg']), ...own];
}

/** Names under `checks`, also of those that could not be read: that is a finding of its own. */
function checksIn(model: Mapping): readonly string[] {
  return Object.keys(mapping(mapping(model['x-deploy-bg'])['checks']));
}

interface Known {
  readonly checks: NonNullable<ServiceSettings['checks']>;
  readonly written: readonly string[];
}

function used(
  settings: ProjectSettings | ServiceSettings,
  { checks, written }: Known,
  path: readonly string[],
): readonly Finding[] {
  const uses = (['watch', 'before', 'after'] as const).flatMap((key) =>
    (settings[key] ?? []).map((name, index) => ({ name, path: [...path, key, index], watch: key === 'watch' })),
  );
  const steps = 'steps' in settings ? (settings.steps ?? []) : [];
  const inSteps = steps.flatMap((step, index) =>
    step.kind === 'check' ? step.names.map((name) => ({ name, path: [...path, 'steps', index], watch: false })) : [],
  );
  return [...uses, ...inSteps].flatMap((use) => {
    const check = checks[use.name];
    const place = { code: 'E09', path: use.path };
    if (check === undefined && written.includes(use.name)) return [];
    if (check === undefined)
      return [
        { ...place, message: `there is no check ${use.name}`, hint: 'define it under checks, or correct the name' },
      ];
    if (!use.watch || check.interval !== undefined) return [];
    return [
      { ...place, message: `the check ${use.name} watches, but has no interval`, hint: 'add interval: 10s to it' },
    ];
  });
}

/** E01: what is kept up to date by a service's image has to be something that a deploy replaces. */
export function updatedImage({ settings, services }: RuleInput): readonly Finding[] {
  const image = settings.project.update?.image;
  if (image === undefined || (services[image]?.placement ?? 'shared') !== 'shared') return [];
  const replaced = Object.values(services).filter(({ placement }) => placement !== 'shared');
  return [
    {
      code: 'E01',
      path: ['x-deploy-bg', 'update', 'image'],
      message: `update.image is ${image}, and no service of that name is replaced by a deploy`,
      hint: `name one of ${replaced.map(({ name }) => name).join(', ')}`,
    },
  ];
}

/** W09: what no active profile has is not waited for; Compose itself refuses what is required. */
export const missingDependencies: Rule = ({ spec, model, models, finding }) =>
  dependenciesOf(model)
    .filter(({ service }) => !(service in servicesOf(models.base)))
    .map(({ service }) => {
      const message = `${spec.name} does without ${service}, which no active profile has`;
      return finding('W09', ['depends_on', service], message, 'enable its profile, if it shall run');
    });

/**
 * E01: what every object has is no key of ours (`constructor`, `__proto__`): nothing could be looked up by it; and a
 * name that begins with a dash is a flag to those who are called with it.
 */
export const serviceName: Rule = ({ spec, finding }) =>
  spec.name in {} || spec.name.startsWith('-')
    ? [finding('E01', [], `${spec.name} cannot be the name of a service here`, 'rename it')]
    : [];

/** What the engine takes for the name of an image (the grammar of distribution/reference). */
const DOMAIN = String.raw`(?:\[[\da-f:]+\]|[A-Za-z\d-]+(?:\.[A-Za-z\d-]+)*)(?::\d+)?`;
const PART = String.raw`[a-z\d]+(?:(?:\.|__?|-+)[a-z\d]+)*`;
const IMAGE = new RegExp(String.raw`^(?:${DOMAIN}/)?${PART}(?:/${PART})*(?::\w[\w.-]{0,127})?(?:@\w+:[\da-f]{32,})?$`);

/** E15: an image that nobody can look for; most often a variable in it is not set. */
export const imageName: Rule = ({ spec, model, finding }) => {
  if (text(model['image']) === null || IMAGE.test(spec.image)) return [];
  const message = `${spec.name}: ${JSON.stringify(spec.image)} is no name of an image`;
  return [finding('E15', ['image'], message, 'correct it, and see that every variable in it is set')];
};

/** E12: an overlay speaks of services that there are; E01: what decides about a rollout stands in the compose file. */
export function overlayNames(
  services: readonly string[],
  overlay: { readonly file: string; readonly names: readonly string[] },
): readonly Finding[] {
  return overlay.names
    .filter((name) => !services.includes(name))
    .map((name) => ({
      code: 'E12',
      path: ['services', name],
      message: `${overlay.file} names ${name}, which is no service of the project`,
      hint: 'correct the name, or enable the profile of that service',
    }));
}

/** E01: what decides about a rollout holds for both colors, so an overlay cannot say it. */
export function overlaySettings({ models }: RuleInput): readonly Finding[] {
  const base = servicesOf(models.base);
  const differing = Object.values(models.overlays).flatMap((model) =>
    Object.entries(servicesOf(model)).filter(([name, service]) => said(service) !== said(base[name] ?? {})),
  );
  return [...new Set(differing.map(([name]) => name))].map((name) => ({
    code: 'E01',
    path: ['services', name, 'x-deploy-bg'],
    message: `${name}: an overlay gives x-deploy-bg, which holds for both colors`,
    hint: 'move it into the compose file',
  }));
}

function said(service: Readonly<Record<string, unknown>>): string {
  return canonical(service['x-deploy-bg'] ?? null);
}
