import type { Backend, RouteState } from '../../../core/observed.ts';
import { divisor } from '../routes.ts';
import { parseBackends, slotAddresses } from './slots.ts';

/** What Caddy says of itself: the configuration it has loaded, and every slot as it would dial it. */
export interface ReadBack {
  readonly digest: string;
  readonly routes: readonly RouteState[];
  /** What is wrong with the slot files, for people; empty if nothing is. */
  readonly faults: readonly string[];
}

/** The answer of the generated `respond`; null if it is not one. */
export function parseReadBack(text: string): ReadBack | null {
  const lines = text.split('\n').map((line) => line.split(' '));
  const digest = lines.find(([word]) => word === 'config')?.[1];
  if (digest === undefined) return null;
  const read = lines
    .filter(([word]) => word === 'route')
    .map(([, service = '', host, path]) => readRoute(service, given(host), given(path), lines));
  return { digest, routes: read.map(({ route }) => route), faults: read.flatMap(({ faults }) => faults) };
}

function given(text: string | undefined): string | null {
  return text === undefined || text === '-' ? null : text;
}

function readRoute(
  service: string,
  host: string | null,
  path: string | null,
  lines: readonly (readonly string[])[],
): { readonly route: RouteState; readonly faults: readonly string[] } {
  const words = (name: string): readonly string[] =>
    lines.find(([word, of]) => word === name && of === service)?.slice(2) ?? [];
  const route = { service, host, path };
  const off = words('state')[0] === 'off';
  const slots = words('slots');
  if (off) return { route: { ...route, backends: [] }, faults: [] };
  const said = parseBackends(words('backends').join(' '));
  if (said !== null && said.length > 0 && slotAddresses(said).join(' ') === slots.join(' ')) {
    return { route: { ...route, backends: said }, faults: [] };
  }
  const counted = countSlots(slots);
  const faults = [`the slots of ${service} are not what its list of backends says`];
  return { route: { ...route, backends: counted }, faults };
}

/** Slots are what is dialled: where the list of backends disagrees, they are right. */
function countSlots(slots: readonly string[]): readonly Backend[] {
  const counts = new Map<string, number>();
  for (const slot of slots) counts.set(slot, (counts.get(slot) ?? 0) + 1);
  const unit = [...counts.values()].reduce(divisor, 0);
  return [...counts].flatMap(([address, count]) => {
    const parts = /^([\w.-]+):(\d+)$/.exec(address);
    return parts === null ? [] : [{ container: parts[1] ?? '', port: Number(parts[2]), weight: count / unit }];
  });
}

/** Requests in flight by upstream host, from Caddy's own count; null if the answer cannot be understood. */
export function parseUpstreams(text: string): ReadonlyMap<string, number> | null {
  const list = parseJson(text);
  if (!Array.isArray(list)) return null;
  const requests = new Map<string, number>();
  for (const entry of list as readonly unknown[]) {
    if (!isUpstream(entry)) return null;
    const host = entry.address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
    requests.set(host, (requests.get(host) ?? 0) + entry.num_requests);
  }
  return requests;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isUpstream(entry: unknown): entry is { readonly address: string; readonly num_requests: number } {
  if (typeof entry !== 'object' || entry === null) return false;
  const { address, num_requests: requests } = entry as Record<string, unknown>;
  return typeof address === 'string' && typeof requests === 'number';
}
