import { connect, createServer } from 'node:net';
import { DeployError, messageOf } from '../../../core/errors.ts';

/** A container of the machine answers at once, or not at all. */
const CONNECTED_WITHIN_MS = 2_000;

/** Where a process of the machine asks a container, `127.0.0.1:8001`. */
export interface Asked {
  readonly container: string;
  readonly endpoint: string;
}

/**
 * One of them at least takes a connection from here, where nginx asks as well: a way that is closed is closed to all of
 * a route, while a single replica may have its own troubles.
 * @throws proxy-unreachable naming one that does not
 */
export async function requireOpen(all: readonly Asked[]): Promise<void> {
  const refusals = await Promise.all(all.map(async (asked) => ({ asked, why: await refusalOf(asked.endpoint) })));
  const [closed] = refusals;
  if (closed === undefined || refusals.some(({ why }) => why === null)) return;
  const { container, endpoint } = closed.asked;
  throw new DeployError('proxy-unreachable', {
    what: `${container} does not answer at ${endpoint}, where nginx of this machine would ask it: ${closed.why ?? ''}`,
    next: 'see that its port is published on this machine, and that no firewall is in between',
  });
}

/** Null if it takes a connection, else what it said. */
function refusalOf(endpoint: string): Promise<string | null> {
  const { hostname, port } = new URL(`tcp://${endpoint}`);
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port),
      timeout: CONNECTED_WITHIN_MS,
    });
    const end = (why: string | null): void => {
      socket.destroy();
      resolve(why);
    };
    socket.once('connect', () => {
      end(null);
    });
    socket.once('timeout', () => {
      end(`no answer within ${String(CONNECTED_WITHIN_MS / 1000)} s`);
    });
    socket.once('error', (error) => {
      end(messageOf(error));
    });
  });
}

/** Nobody else listens where nginx is about to: it would pass its own test, and neither reload nor start. @throws not-possible */
export async function requireFree(address: string, port: number): Promise<void> {
  const why = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host: address, port }, () => {
      server.close(() => {
        resolve(null);
      });
    });
  });
  if (why?.code !== 'EADDRINUSE') return;
  throw new DeployError('not-possible', {
    what: `nginx of this machine answers us at ${address}:${String(port)}, and another program has that port`,
    next: `see which: ss -ltnp 'sport = :${String(port)}'; it may listen on addresses of its own`,
  });
}
