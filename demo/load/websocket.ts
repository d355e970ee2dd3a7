import { WebSocket, type ClientOptions } from 'ws';
import { describe } from './exchange.ts';
import { epochNow, serverName, type Answer, type Sender, type Target } from './types.ts';

/** The server's ways to say "go, and come back": normal, going away, service restart (RFC 6455, 7.4.1). */
const ORDERLY = new Set([1000, 1001, 1012]);
const CLOSE_MS = 1000;

/** How a connection ended while a message was under way. */
class Closed extends Error {
  readonly orderly: boolean;

  constructor(code: number) {
    super(code === 1006 ? 'the connection was cut without a close frame (1006)' : `closed with code ${code}`);
    this.orderly = ORDERLY.has(code);
  }
}

interface Connection {
  readonly socket: WebSocket;
  readonly connectedAt: number;
}

/** The message under way. */
interface Pending {
  readonly id: string;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** The version, if `text` is the echo of the message `id`. */
function readEcho(text: string, id: string): { version: string; error: string | undefined } {
  try {
    const { version, echo } = JSON.parse(text) as { version?: string; echo?: string };
    return { version: version ?? '', error: echo === id ? undefined : `the echo is another one's: ${String(echo)}` };
  } catch {
    return { version: '', error: `the message is no JSON: ${text.slice(0, 120)}` };
  }
}

/** A worker's websocket. Kept open; opened anew only when the server asked for it, or after a failure was counted. */
export class WebsocketSender implements Sender {
  private readonly target: Target;
  private readonly onLoss: (error: string) => void;
  private connection: Connection | undefined;
  private pending: Pending | undefined;
  private closing = false;

  /** `onLoss` is told of an abnormal close while no message is under way: nobody else would ever notice it. */
  constructor(target: Target, onLoss: (error: string) => void) {
    this.target = target;
    this.onLoss = onLoss;
  }

  async send(id: string): Promise<Answer> {
    try {
      return await this.exchange(id);
    } catch (error) {
      if (!(error instanceof Closed && error.orderly)) return { complete: false, error: describe(error) };
    }
    // Closed in order while the message was on its way: the server has said that it no longer reads.
    try {
      return { ...(await this.exchange(id)), retried: true };
    } catch (error) {
      return { complete: false, error: describe(error), retried: true };
    }
  }

  async close(): Promise<void> {
    this.closing = true;
    const socket = this.connection?.socket;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        socket.terminate();
      }, CLOSE_MS);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.close(1000);
    });
  }

  private async exchange(id: string): Promise<Answer> {
    const connection = (this.connection ??= await this.open());
    let timer: NodeJS.Timeout | undefined;
    const answer = new Promise<Answer>((resolve, reject) => {
      timer = setTimeout(() => {
        this.giveUp(connection, new Error(`no answer within ${this.target.timeoutMs} ms`));
      }, this.target.timeoutMs);
      this.pending = { id, resolve, reject };
      connection.socket.send(id);
    });
    try {
      return { ...(await answer), connectedAt: connection.connectedAt };
    } finally {
      clearTimeout(timer);
    }
  }

  private giveUp({ socket }: Connection, why: Error): void {
    const pending = this.pending;
    this.connection = undefined;
    this.pending = undefined;
    socket.terminate();
    pending?.reject(why);
  }

  private open(): Promise<Connection> {
    const { url, host, path, timeoutMs } = this.target;
    // What ws does not know goes to tls.connect, as `servername` does.
    const options: ClientOptions & { servername: string } = {
      headers: { host },
      servername: serverName(this.target),
      rejectUnauthorized: false,
      perMessageDeflate: false,
      handshakeTimeout: timeoutMs,
    };
    const socket = new WebSocket(new URL(path, url.origin.replace(/^http/, 'ws')), options);
    return new Promise((resolve, reject) => {
      socket.on('error', reject); // later ones come with a close
      socket.once('open', () => {
        socket.on('message', (data) => {
          this.received((data as Buffer).toString('utf8'));
        });
        socket.once('close', (code) => {
          this.closed(socket, code);
        });
        resolve({ socket, connectedAt: epochNow() });
      });
    });
  }

  private received(text: string): void {
    const pending = this.pending;
    if (!pending) {
      this.onLoss(`a message that nobody asked for: ${text.slice(0, 120)}`);
      return;
    }
    this.pending = undefined;
    pending.resolve({ status: 101, complete: true, ...readEcho(text, pending.id) });
  }

  private closed(socket: WebSocket, code: number): void {
    if (this.connection?.socket !== socket) return; // given up by ourselves
    const pending = this.pending;
    const closed = new Closed(code);
    this.connection = undefined;
    this.pending = undefined;
    if (pending) pending.reject(closed);
    else if (!closed.orderly && !this.closing) this.onLoss(closed.message);
  }
}
