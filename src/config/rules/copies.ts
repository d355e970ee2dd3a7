import { canonical, list, mapping, serviceOf, text, type Mapping, type ServiceModel } from '../model.ts';
import type { Rule, Subject } from './rule.ts';

/** E06: what exists once on a host cannot belong to two copies of a service. */
export const copies: Rule = (subject) => {
  if (!runsTwoCopies(subject)) return [];
  return [...ports(subject), ...networkMode(subject), ...containerName(subject), ...addresses(subject)];
};

// Recreate stops the old one first; so does stop-first in place, one replica at a time.
function runsTwoCopies({ spec }: Subject): boolean {
  if (spec.placement === 'shared' || spec.placement === 'one-shot') return false;
  if (spec.replicas > 1 || spec.strategy === 'blue-green' || spec.strategy === 'canary') return true;
  return spec.strategy === 'rolling' && spec.update.order === 'start-first';
}

function ports(subject: Subject) {
  const { models, spec, finding } = subject;
  const fixed = fixedPorts(subject.model);
  const hint =
    'remove the port (the proxy reaches the service by its network), or give each color its own in its overlay';
  if (spec.placement !== 'colored')
    return fixed.map((port) =>
      finding(
        'E06',
        ['ports'],
        `${spec.name} publishes port ${port}, which two copies cannot share`,
        instead(subject, 'the port'),
      ),
    );
  const green = new Set(fixedPorts(serviceOf(models.overlays.green, spec.name)));
  const blue = fixedPorts(serviceOf(models.overlays.blue, spec.name));
  const same = blue
    .filter((port) => green.has(port))
    .map((port) => finding('E06', ['ports'], `${spec.name} publishes port ${port} in both colors`, hint));
  const crowded = spec.replicas > 1 && same.length === 0 && (blue.length > 0 || green.size > 0);
  if (!crowded) return same;
  const message = `${spec.name} publishes a fixed port, but has ${spec.replicas} replicas`;
  return [finding('E06', ['ports'], message, 'use one replica, or a range of ports')];
}

/** Host side of every port that is fixed; ranges and ports that the engine chooses are not. */
function fixedPorts(service: ServiceModel): readonly string[] {
  return list(service['ports'])
    .map(mapping)
    .filter((port) => /^\d+$/.test(text(port['published']) ?? ''))
    .map(
      (port) =>
        [text(port['host_ip']), text(port['published'])].filter((part) => part !== null).join(':') + protocol(port),
    );
}

function protocol(port: Mapping): string {
  return port['protocol'] === 'udp' ? '/udp' : '';
}

/** What else there is to do: one replica can give way to the next, and whoever has no proxy has no other way. */
function instead({ spec }: Subject, what: string): string {
  if (spec.replicas > 1 || spec.strategy === 'canary') return `remove ${what}`;
  const way = spec.strategy === 'rolling' ? 'deploy: {update_config: {order: stop-first}}' : 'strategy: recreate';
  return `remove ${what}, or let the old one stop first, with a short downtime:  ${way}`;
}

function networkMode(subject: Subject) {
  const { spec, model, finding } = subject;
  if (model['network_mode'] !== 'host') return [];
  const message = `${spec.name} uses the host's network, where two copies would take the same ports`;
  return [finding('E06', ['network_mode'], message, instead(subject, 'network_mode: host'))];
}

function containerName(subject: Subject) {
  const { spec, model, models, finding } = subject;
  const given = [model, serviceOf(models.overlays.blue, spec.name), serviceOf(models.overlays.green, spec.name)];
  if (given.every((each) => text(each['container_name']) === null)) return [];
  if (spec.placement === 'colored' && spec.replicas <= 1) return [];
  const message = `${spec.name} has a container_name, which only one container can have`;
  return [finding('E06', ['container_name'], message, instead(subject, 'container_name'))];
}

const UNIQUE = ['ipv4_address', 'ipv6_address', 'mac_address'] as const;

function addresses({ spec, model, models, finding }: Subject) {
  const hint = 'remove it, or give each color its own in its overlay';
  const [base, blue, green] = [
    model,
    serviceOf(models.overlays.blue, spec.name),
    serviceOf(models.overlays.green, spec.name),
  ];
  const fixed = (service: ServiceModel) => (spec.placement === 'colored' ? service : base);
  return fixedAddresses(fixed(blue))
    .filter(({ place, value }) => fixedAddresses(fixed(green)).some((each) => same(each, { place, value })))
    .map(({ place, value }) =>
      finding('E06', place, `${spec.name} has the fixed address ${value}, which two copies cannot share`, hint),
    );
}

function same(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function fixedAddresses(service: ServiceModel) {
  const own = text(service['mac_address']);
  const onService = own === null ? [] : [{ place: ['mac_address'], value: own }];
  const onNetworks = Object.entries(mapping(service['networks'])).flatMap(([network, attachment]) =>
    UNIQUE.flatMap((key) => {
      const value = text(mapping(attachment)[key]);
      return value === null ? [] : [{ place: ['networks', network, key], value }];
    }),
  );
  return [...onService, ...onNetworks];
}
