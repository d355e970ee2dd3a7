import type { Server } from 'node:http';
import { WebSocketServer } from 'ws';
import type { Settings } from './settings.ts';

const GOING_AWAY = 1001;

/** The websockets at `/ws`: each message comes back as `{version, color, echo}`. */
export class Websockets {
  private readonly server: WebSocketServer;
  private readonly settings: Settings;

  constructor(http: Server, settings: Settings) {
    this.settings = settings;
    this.server = new WebSocketServer({ server: http, path: '/ws' });
    this.server.on('headers', (headers) => {
      headers.push(`x-version: ${settings.version}`, `x-color: ${settings.color}`);
    });
    this.server.on('connection', (socket) => {
      socket.on('error', () => {
        socket.terminate();
      });
      socket.on('message', (data) => {
        const echo = (data as Buffer).toString('utf8');
        socket.send(JSON.stringify({ version: settings.version, color: settings.color, echo }));
      });
    });
  }

  get count(): number {
    return this.server.clients.size;
  }

  /** Lets the clients leave by themselves for a while, then asks them to. */
  drain(): void {
    const timer = setTimeout(() => {
      for (const socket of this.server.clients) socket.close(GOING_AWAY, 'going away');
    }, this.settings.wsGrace);
    timer.unref();
  }
}
