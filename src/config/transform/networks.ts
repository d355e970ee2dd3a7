import {
  entry,
  isMapping,
  mapping,
  mapValues,
  strings,
  text,
  without,
  type Entry,
  type Mapping,
  type ServiceModel,
} from '../model.ts';
import { isolatedKey, type ColorContext } from './context.ts';

/** Above whatever the user gave: the color's own network answers names first. */
const PRIORITY = 100;

/**
 * Networks of a service in a color. On shared ones it has no name but `web-green` and what its overlay alone gives;
 * its plain names are on the color's own networks, which are asked first (DESIGN section 3, measured).
 */
export function colorNetworks(context: ColorContext, name: string): Mapping {
  const attachments = mapping(context.service(name)['networks']);
  if (Object.keys(attachments).length === 0) return {};
  const others = mapping(context.other(name)['networks']);
  const shared = mapValues(attachments, (value, network) => onShared(value, others[network]));
  const priority = highestPriority(attachments) + PRIORITY;
  const own = Object.entries(attachments)
    .filter(([network]) => context.isolated.has(network))
    .map(([network, value]): Entry => [isolatedKey(context, network), onIsolated(context, name, value, priority)]);
  return { networks: { ...shared, ...Object.fromEntries(own) } };
}

function onShared(attachment: unknown, other: unknown): unknown {
  if (!isMapping(attachment)) return attachment;
  const elsewhere = new Set(strings(mapping(other)['aliases']));
  const aliases = strings(attachment['aliases']).filter((alias) => !elsewhere.has(alias));
  return { ...without(attachment, 'aliases'), ...entry('aliases', aliases) };
}

function onIsolated(context: ColorContext, name: string, attachment: unknown, priority: number): Mapping {
  const service = context.service(name);
  const names = [
    name,
    ...strings(mapping(attachment)['aliases']),
    text(service['hostname']),
    text(service['container_name']),
  ];
  const aliases = [...new Set(names.filter((alias) => alias !== null))];
  return {
    ...(context.isOneShot(name) ? {} : { aliases }),
    ...(context.gatewayPriority ? { gw_priority: priority } : {}),
  };
}

function highestPriority(attachments: Mapping): number {
  const given = Object.values(attachments).map((attachment) => mapping(attachment)['gw_priority']);
  return Math.max(0, ...given.filter((priority) => typeof priority === 'number'));
}

/** Top-level networks of a color: the project's own as they are, and an internal one for each that is shared inside. */
export function topNetworks(context: ColorContext, services: readonly ServiceModel[]): Mapping {
  const used = new Set(services.flatMap((service) => Object.keys(mapping(service['networks']))));
  const shared = existing(context.models.overlays[context.color]['networks'], context.project, used);
  const own = [...context.isolated].map((network): Entry => [isolatedKey(context, network), { internal: true }]);
  return entry('networks', nonEmpty({ ...shared, ...Object.fromEntries(own) }));
}

/** Resources that exist already, under their real names: Compose neither creates nor changes nor removes them. */
export function existing(resources: unknown, project: string, used: ReadonlySet<string>): Mapping {
  const kept = Object.entries(mapping(resources)).filter(([key]) => used.has(key));
  return Object.fromEntries(
    kept.map(([key, value]) => [key, { name: text(mapping(value)['name']) ?? `${project}_${key}`, external: true }]),
  );
}

/** The mapping, or undefined if it is empty. */
export function nonEmpty(value: Mapping): Mapping | undefined {
  return Object.keys(value).length === 0 ? undefined : value;
}
