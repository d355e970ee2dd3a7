import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What to put in front of, and how far away it is to seem. */
export interface RelayOptions {
  readonly target: { readonly host?: string; readonly port: number };
  /** Added to each round trip (ms): half on the way there, half on the way back. */
  readonly roundTripMs: number;
}

/** A relay that listens on 127.0.0.1. */
export interface Relay {
  readonly port: number;
  /** Resets all connections and stops listening. */
  close(): Promise<void>;
}

interface Parcel {
  readonly at: number;
  readonly deliver: () => void;
}

/** Delivers in the order in which things were put in, each `delayMs` after it was. */
class DelayLine {
  private readonly delayMs: number;
  private readonly parcels: Parcel[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(delayMs: number) {
    this.delayMs = delayMs;
  }

  put(deliver: () => void): void {
    this.parcels.push({ at: performance.now() + this.delayMs, deliver });
    this.arm();
  }

  private arm(): void {
    const first = this.parcels[0];
    if (!first || this.timer) return;
    this.timer = setTimeout(
      () => {
        this.deliverDue();
      },
      Math.max(0, first.at - performance.now()),
    );
  }

  private deliverDue(): void {
    this.timer = undefined;
    // Timers may fire a fraction of a millisecond early.
    const due = performance.now() + 0.5;
    while (this.parcels[0] && this.parcels[0].at <= due) this.parcels.shift()?.deliver();
    this.arm();
  }
}

/** One direction of a connection: data, its end and a reset arrive late but in order; a slow reader slows the writer. */
function carry(from: Socket, to: Socket, delayMs: number): void {
  const line = new DelayLine(delayMs);
  const deliver = (chunk: Buffer): void => {
    if (!to.destroyed && !to.write(chunk)) from.pause();
  };
  from.on('data', (chunk) => {
    line.put(() => {
      deliver(chunk);
    });
  });
  to.on('drain', () => from.resume());
  from.on('end', () => {
    line.put(() => to.end());
  });
  from.on('error', () => {
    line.put(() => to.resetAndDestroy());
  });
}

function track(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.setNoDelay(true);
  socket.once('close', () => sockets.delete(socket));
}

function relayConnection(client: Socket, options: RelayOptions, sockets: Set<Socket>): void {
  const { host = '127.0.0.1', port } = options.target;
  const server = connect({ host, port, allowHalfOpen: true });
  for (const socket of [client, server]) track(sockets, socket);
  carry(client, server, options.roundTripMs / 2);
  carry(server, client, options.roundTripMs / 2);
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Starts a relay on a free port of 127.0.0.1. Rejects when it cannot listen. */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    relayConnection(client, options, sockets);
  });
  const port = await listen(server);
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.resetAndDestroy();
      }),
  };
}
