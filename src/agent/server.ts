import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import { lstat, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { SOCKET_NAME, socketPath } from '../adapters/agent-socket/socket.ts';
import { DeployError } from '../core/errors.ts';

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
      this.#server = await listening(this.#app, path);
    } finally {
      await close();
    }
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Nobody else may connect, not even for a moment. */
async function listening(app: Hono, path: string): Promise<Server> {
  const server = createAdaptorServer({ fetch: app.fetch, createServer }) as Server;
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(path, resolve);
    });
  } finally {
    process.umask(before);
  }
  // A connection that fails before it is accepted is its caller's matter.
  server.on('error', () => undefined);
  return server;
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
