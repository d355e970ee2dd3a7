import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import { lstat, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect, type ListenOptions } from 'node:net';
import { join } from 'node:path';
import { SOCKET_NAME, socketPath } from '../adapters/agent-socket/socket.ts';
import type { ListenAddress } from '../cli/listen.ts';
import { DeployError, messageOf } from '../core/errors.ts';

/** The agent's ear: a unix socket in the state folder, for its owner alone. */
export class SocketServer {
  readonly #path: string;
  readonly #app: Hono;
  #server: Server | null = null;

  constructor(stateDirectory: string, app: Hono) {
    this.#path = join(stateDirectory, SOCKET_NAME);
    this.#app = app;
  }

  /**
   * Listens, unless it does so already: who removes the state folder removes the socket with it.
   * @throws locked if another agent does
   */
  async listen(): Promise<void> {
    if (this.#server !== null && (await isThere(this.#path))) return;
    await this.close();
    const { path, close } = await socketPath(this.#path);
    try {
      if (await answers(path))
        throw new DeployError('locked', {
          what: 'another agent runs for this project already',
          next: 'stop one of them: docker ps --filter label=deploy-bg.agent',
        });
      await rm(path, { force: true });
      this.#server = await listeningAlone(this.#app, path);
    } finally {
      await close();
    }
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    await ended(server);
  }
}

/** More than anybody needs who reads metrics, and few enough to leave the agent its files. */
const MOST_CONNECTIONS = 64;

/** The agent's other ear, where somebody wants one: a TCP address. */
export class TcpServer {
  readonly #address: ListenAddress;
  readonly #app: Hono;
  #server: Server | null = null;

  constructor(address: ListenAddress, app: Hono) {
    this.#address = address;
    this.#app = app;
  }

  /** Listens, unless it does so already. @throws not-possible */
  async listen(): Promise<void> {
    if (this.#server !== null) return;
    const { host, port } = this.#address;
    try {
      this.#server = await listening(this.#app, { host, port });
      this.#server.maxConnections = MOST_CONNECTIONS;
    } catch (error) {
      throw new DeployError('not-possible', {
        what: `the agent cannot listen at ${host}, port ${String(port)}: ${messageOf(error)}`,
        next: 'give DEPLOY_BG_LISTEN an address of this machine and a port that nobody has',
        cause: error,
      });
    }
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    await ended(server);
  }
}

/** Nobody else may connect, not even for a moment. */
async function listeningAlone(app: Hono, path: string): Promise<Server> {
  const before = process.umask(0o177);
  try {
    return await listening(app, { path });
  } finally {
    process.umask(before);
  }
}

async function listening(app: Hono, where: ListenOptions): Promise<Server> {
  const server = createAdaptorServer({ fetch: app.fetch, createServer }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(where, resolve);
  });
  // A connection that fails before it is accepted is its caller's matter.
  server.on('error', () => undefined);
  return server;
}

async function ended(server: Server | null): Promise<void> {
  if (server === null) return;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** One that was killed leaves a socket that refuses. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (answered: boolean) => (): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', end(true)).once('error', end(false));
  });
}
