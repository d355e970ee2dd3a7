import type { Backend, RouteState } from '../../../core/observed.ts';
import { parseAnswer, type Answer } from '../answer.ts';
import { divisor } from '../routes.ts';
import { conditionText } from './condition.ts';
import { matchedSlotAddresses, slotAddresses, stickingText } from './slots.ts';

/** What Caddy says of itself: the configuration it has loaded, and every slot as it would dial it. */
export interface ReadBack {
  readonly digest: string;
  readonly routes: readonly RouteState[];
  /** What is wrong with the slot files, for people; empty if nothing is. */
  readonly faults: readonly string[];
}

/** The answer of the generated `respond`; null if it is not one. */
export function parseReadBack(text: string): ReadBack | null {
  const answer = parseAnswer(text);
  if (answer === null) return null;
  const read = answer.routes.map((route) => checked(route, answer));
  return {
    digest: answer.digest,
    routes: read.map(({ route }) => route),
    faults: read.flatMap(({ fault }) => fault ?? []),
  };
}

function checked(route: RouteState, answer: Answer): { readonly route: RouteState; readonly fault: string | null } {
  const { service } = route;
  const fault = matchFault(route, answer) ?? stickyFault(route, answer);
  if (answer.rest('state', service) === 'off') return { route: { ...route, backends: [] }, fault };
  const slots = answer.rest('slots', service);
  if (route.backends.length > 0 && slotAddresses(route).join(' ') === slots) return { route, fault };
  return {
    route: { ...route, backends: countSlots(slots.split(' ')) },
    fault: `the slots of ${service} are not what its list of backends says`,
  };
}

/** Null if requests are matched by what the route says, and go where it says. */
function matchFault(route: RouteState, answer: Answer): string | null {
  const { service, matched } = route;
  if (answer.rest('match', service) !== conditionText(matched?.match)) return `${service} matches by something else`;
  if (answer.rest('matched-slots', service) === matchedSlotAddresses(route).join(' ')) return null;
  return `the slots of requests to ${service} that match are not what its list of backends says`;
}

function stickyFault(route: RouteState, answer: Answer): string | null {
  if (answer.rest('sticking', route.service) === stickingText(route)) return null;
  return `${route.service} keeps clients, or does not, other than its sides say`;
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
