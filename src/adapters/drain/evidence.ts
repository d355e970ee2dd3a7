import type { ObservedContainer } from '../../core/observed.ts';
import { type Connection, readSockets } from './sockets.ts';

/** Requests in flight by container id; null where there is no evidence. */
export type InFlight = Readonly<Record<string, number | null>>;

/** Between the end of a request and the next one on the same connection, seen from the kernel. */
export const SOCKET_READINGS_APART_MS = 100;

/** Where a proxy reaches a container; by any of its ports where none is named. */
export interface Reached {
  readonly address: string;
  readonly port?: number;
}

interface ProxyEvidence {
  readonly proc?: string | undefined;
  /** Where the proxy reaches a container, if not at its own addresses. */
  readonly at?: (container: ObservedContainer) => readonly Reached[];
  /** Users that it works as, where others of its network may have connections to containers as well. */
  readonly uids?: ReadonlySet<number> | null;
}

/**
 * Established connections from a proxy to containers. Idle kept ones count as busy, so that the number falls to
 * zero no earlier than the requests do.
 */
export async function fromProxy(
  pid: number | null,
  containers: readonly ObservedContainer[],
  { proc, at = ownAddresses, uids = null }: ProxyEvidence = {},
): Promise<InFlight> {
  const sockets = pid === null ? null : await readSockets(pid, proc);
  const own = sockets?.established.filter(({ uid }) => uids?.has(uid) ?? true) ?? null;
  const count = (container: ObservedContainer): number | null =>
    ended(container) ? 0 : own === null ? null : connectionsTo(own, at(container));
  return Object.fromEntries(containers.map((container) => [container.id, count(container)]));
}

/**
 * Connections that containers have accepted, seen in their own network namespaces: on the port of their route, or
 * on every port that they listen on where that is not known.
 */
export async function atContainers(
  port: (container: ObservedContainer) => number | null,
  containers: readonly ObservedContainer[],
  proc?: string,
): Promise<InFlight> {
  const counts = await Promise.all(containers.map((container) => accepted(container, port(container), proc)));
  return Object.fromEntries(containers.map(({ id }, index) => [id, counts[index] ?? null]));
}

async function accepted(container: ObservedContainer, port: number | null, proc?: string): Promise<number | null> {
  if (ended(container)) return 0;
  const sockets = container.pid === null ? null : await readSockets(container.pid, proc);
  if (sockets === null) return null;
  const counted = port === null ? sockets.listening : new Set([port]);
  return sockets.established.filter(({ localPort }) => counted.has(localPort)).length;
}

function ownAddresses({ addresses }: ObservedContainer): readonly Reached[] {
  return Object.values(addresses).map((address) => ({ address }));
}

function connectionsTo(established: readonly Connection[], reached: readonly Reached[]): number | null {
  if (reached.length === 0) return null;
  const isOne = ({ remoteAddress, remotePort }: Connection): boolean =>
    reached.some(({ address, port = remotePort }) => address === remoteAddress && port === remotePort);
  return established.filter(isOne).length;
}

/** A container without a process has nothing in flight. */
export function ended(container: ObservedContainer): boolean {
  return container.state === 'exited' || container.state === 'dead' || container.state === 'created';
}
