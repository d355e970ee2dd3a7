import { list, mapping, serviceOf, strings, text, type Mapping, type ServiceModel } from '../model.ts';
import { hasHealthcheck } from '../standard-keys.ts';
import type { InitInput } from './proposal.ts';

/** A fixed port of the host that leads to a service. */
export interface Published {
  readonly hostIp: string | null;
  readonly published: number;
  readonly target: number;
  readonly isUdp: boolean;
}

/** The ports that only one container can have; ranges and ports that the engine chooses are none. */
export function publishedBy(service: ServiceModel): readonly Published[] {
  return list(service['ports'])
    .map(mapping)
    .filter((port) => /^\d+$/.test(text(port['published']) ?? ''))
    .map((port) => ({
      hostIp: text(port['host_ip']),
      published: Number(port['published']),
      target: Number(port['target']),
      isUdp: port['protocol'] === 'udp',
    }));
}

/** The host's side of a port as a compose file says it. */
export function portText({ hostIp, published, isUdp }: Published, target: number): string {
  const host = hostIp === null ? '' : `${hostIp.includes(':') ? `[${hostIp}]` : hostIp}:`;
  return `${host}${String(published)}:${String(target)}${isUdp ? '/udp' : ''}`;
}

/** What listens there speaks something else, as far as the world has agreed. */
const NOT_HTTP = new Set([
  ...[21, 22, 25, 53, 110, 143, 443, 465, 587, 853, 993, 995, 1194, 1433, 1521, 1883, 2222, 2525, 3306, 3478],
  ...[4222, 5060, 5432, 5672, 6379, 6667, 7777, 8443, 8883, 9092, 9229, 11211, 19132, 22000, 25565, 27015, 27017],
  ...[51820, 50051, 5005, 9443],
]);

/** True for a port of which nothing says that it is no HTTP. */
export function speaksHttp({ target, isUdp }: Published): boolean {
  return !isUdp && !NOT_HTTP.has(target);
}

/** Where requests go in by labels or variables that a proxy of another kind reads. */
export function labelled(service: ServiceModel): { readonly by: string; readonly port: number | null } | null {
  const labels = Object.entries(mapping(service['labels']));
  const environment = mapping(service['environment']);
  const traefik = labels.find(([key]) => key.startsWith('traefik.http.'));
  const caddy = labels.find(([key]) => /^caddy(_\d+)?(\.|$)/.test(key));
  if (traefik !== undefined) {
    const port = labels.find(([key]) => key.endsWith('.loadbalancer.server.port'))?.[1];
    return { by: 'Traefik’s labels', port: port === undefined ? null : Number(port) };
  }
  if (caddy !== undefined) return { by: 'the labels of caddy-docker-proxy', port: null };
  if (!('VIRTUAL_HOST' in environment)) return null;
  return { by: 'VIRTUAL_HOST, which nginx-proxy reads', port: Number(environment['VIRTUAL_PORT'] ?? 80) };
}

/** How a new replica is asked whether it is ready, where no health check of the compose files says it. */
export function probeFor(service: ServiceModel, known: string | undefined): Mapping | null {
  if (hasHealthcheck(service)) return null;
  return known === undefined ? { path: '/', status: '200-499' } : { path: known };
}

/** Mounted by a service, and written to by it. */
export function dataOf({ model }: Pick<InitInput, 'model'>, name: string): readonly string[] {
  const mounts = list(serviceOf(model, name)['volumes']).map(mapping);
  return mounts
    .filter((mount) => mount['read_only'] !== true && (mount['type'] === 'volume' || mount['type'] === 'bind'))
    .filter((mount) => mount['type'] === 'volume' || !isFile(text(mount['target']) ?? ''))
    .flatMap((mount) => text(mount['source']) ?? []);
}

/** A file, a socket, or what the host has for everyone. */
function isFile(target: string): boolean {
  return /\.[a-z]+$|^\/etc\/(localtime|timezone)$/.test(target);
}

/** Runs what has to run once at a time: two of them would do each job twice. */
export function isScheduler(name: string, service: ServiceModel): boolean {
  const command = [...strings(service['command']), ...strings(service['entrypoint'])].join(' ');
  return (
    /(^|[-_])(beat|cron|crond|scheduler|clock|ticker)([-_]|$)/.test(name) ||
    /\b(beat|schedule:work|crond)\b/.test(command)
  );
}
