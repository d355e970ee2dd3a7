import { COLORS, type Color } from '../core/color.ts';
import type { Models, ServiceFacts } from '../core/project.ts';
import { colorName } from './color-name.ts';
import { mapping, serviceOf, text, type ServiceModel } from './model.ts';
import type { ReplacedInput, Role } from './replaced.ts';

/** What people want to know of a service besides how a deploy treats it. */
export function factsOf(input: ReplacedInput, models: Models, name: string, role: Role): ServiceFacts {
  return {
    role: roleReason(input, name, role),
    strategy: strategyReason(input, name, role),
    memoryLimit: memoryOf(serviceOf(models.base, name), 'limits'),
    memoryReserved: memoryOf(serviceOf(models.base, name), 'reservations'),
    containerNames: {
      plain: text(serviceOf(models.base, name)['container_name']),
      ...(Object.fromEntries(COLORS.map((color) => [color, nameIn(models, name, color)])) as Record<
        Color,
        string | null
      >),
    },
  };
}

function roleReason({ settings, overlaid, versioned, proxyService, model }: ReplacedInput, name: string, role: Role) {
  if (name === proxyService) return 'it is the proxy';
  if (role.placement === 'one-shot') return 'others wait for it to exit with 0';
  if (role.placement === 'shared') return 'nothing in it depends on the version';
  if (name in settings.services) return 'it has x-deploy-bg';
  if (overlaid.has(name)) return 'the overlay of a color names it';
  if ('update_config' in mapping(serviceOf(model, name)['deploy'])) return 'it has deploy.update_config';
  return versioned.has(name) ? 'it depends on the version' : 'it lives in a service that is replaced';
}

/** Where the strategy comes from: the files say it, or what the service is. */
function strategyReason({ settings, overlaid }: ReplacedInput, name: string, { strategy }: Role): string {
  const own = settings.services[name];
  if (own?.strategy === strategy) return 'strategy of the service';
  if (own?.strategy === undefined && settings.project.strategy === strategy) return 'strategy of the project';
  if (own?.route !== undefined) return 'default: it has a route';
  if (overlaid.has(name)) return 'default: the overlay of a color names it';
  return 'default: it has no route';
}

/** Compose prints one key in bytes, whichever of the two the file has. */
function memoryOf(service: ServiceModel, key: 'limits' | 'reservations'): number | null {
  const plain = service[key === 'limits' ? 'mem_limit' : 'mem_reservation'];
  const given = plain ?? mapping(mapping(mapping(service['deploy'])['resources'])[key])['memory'];
  const bytes = Number(given ?? 0);
  return Number.isFinite(bytes) && bytes > 0 ? bytes : null;
}

function nameIn({ overlays }: Models, service: string, color: Color): string | null {
  const [own, other] = [overlays[color], overlays[color === 'blue' ? 'green' : 'blue']];
  return colorName(serviceOf(own, service), serviceOf(other, service), 'container_name', color);
}
