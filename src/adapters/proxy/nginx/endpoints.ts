import { isIPv6 } from 'node:net';
import type { Published, Reachable } from '../engine.ts';
import type { Endpoints } from './nginx.ts';

/**
 * Where a process of the machine reaches containers: at a port of the machine that they publish, which stays the same
 * when they restart, else at an address of their own. Pure.
 */
export function endpointsOf(containers: readonly Reachable[]): Endpoints {
  return (name, port) => {
    const container = containers.find((each) => each.name === name);
    if (container === undefined) return null;
    return publishedAt(container.published, port) ?? ownAddress(container, port);
  };
}

function publishedAt(published: readonly Published[], port: number): string | null {
  const mine = published.filter((each) => each.port === port);
  const first = mine.find(({ address }) => !isIPv6(address)) ?? mine[0];
  return first === undefined ? null : endpoint(LOOPBACK[first.address] ?? first.address, first.hostPort);
}

/** What listens on all addresses is asked at one that leaves no machine. */
const LOOPBACK: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '': '127.0.0.1', '::': '::1' };

function ownAddress({ onHost, addresses }: Reachable, port: number): string | null {
  const address = onHost ? '127.0.0.1' : addresses[0];
  return address === undefined ? null : endpoint(address, port);
}

function endpoint(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
}

const WRITTEN = /\\nat ([\w.-]+):(\d+) (\[[0-9a-f:.]+\]|[\d.]+):(\d+)(?=\\n)/g;

/** Whom a configuration means by an address and port: `web-1:3000` by `10.0.0.2:3000`. Pure. */
export function writtenNames(http: string): ReadonlyMap<string, string> {
  const all = http.matchAll(WRITTEN);
  return new Map(
    [...all].map(([, name = '', own = '', host = '', port = '']) => [`${host}:${port}`, `${name}:${own}`]),
  );
}

/** Where a configuration has its nginx ask a container: what the read-back in its text says. Pure. */
export function writtenEndpoints(http: string, name: string): readonly { address: string; port: number }[] {
  return [...http.matchAll(WRITTEN)]
    .filter(([, container]) => container === name)
    .map(([, , , address = '', port]) => ({ address: address.replace(/^\[|\]$/g, ''), port: Number(port) }));
}
