import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { describe, exchangeOf, verdict, type Exchange } from './exchange.ts';
import { epochNow, serverName, type Answer, type Kind, type Sender, type Target } from './types.ts';

/** A session and what the server said about its end. */
interface Connection {
  readonly session: ClientHttp2Session;
  readonly connectedAt: number;
  /** Streams above this were not looked at by the server (RFC 9113, 6.8). */
  lastStreamId: number;
  over: boolean;
}

/** An answer, or the server's word that it did not look at the request, which may then be sent once more. */
interface Attempt extends Answer {
  readonly refused: boolean;
}

const NOT_SENT = new Set(['ERR_HTTP2_GOAWAY_SESSION', 'ERR_HTTP2_INVALID_SESSION']);

function wasRefused(stream: ClientHttp2Stream, connection: Connection, error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || NOT_SENT.has(code)) return true;
  return stream.id !== undefined && stream.id > connection.lastStreamId;
}

/** Resolves when the stream is over, with its body if it came to its end. */
function readStream(stream: ClientHttp2Stream): Promise<{ text: string; ended: boolean; error: unknown }> {
  return new Promise((resolve) => {
    let text = '';
    let ended = false;
    let error: unknown;
    stream.setEncoding('utf8');
    stream.on('data', (part: string) => (text += part));
    stream.on('end', () => (ended = true));
    stream.on('error', (reason: unknown) => (error = reason));
    stream.on('close', () => {
      resolve({ text, ended: ended && stream.rstCode === 0 && error === undefined, error });
    });
  });
}

/** A worker's HTTP/2 connection over TLS. It leaves a session on GOAWAY, and by itself when it has been idle. */
export class Http2Sender implements Sender {
  private readonly kind: Kind;
  private readonly target: Target;
  private connection: Connection | undefined;
  private busy = false;

  constructor(kind: Kind, target: Target) {
    this.kind = kind;
    this.target = target;
  }

  async send(id: string): Promise<Answer> {
    this.busy = true;
    const first = await this.attempt(id);
    const last = first.refused ? { ...(await this.attempt(id)), retried: true } : first;
    this.busy = false;
    return last;
  }

  close(): Promise<void> {
    this.connection?.session.destroy();
    return Promise.resolve();
  }

  private async attempt(id: string): Promise<Attempt> {
    try {
      const connection = await this.connected();
      return await this.exchange(connection, exchangeOf(this.kind, id), id);
    } catch (error) {
      return { complete: false, error: describe(error), refused: false };
    }
  }

  private async exchange(connection: Connection, exchange: Exchange, id: string): Promise<Attempt> {
    let head: { status?: number | undefined; version?: string } = {};
    const stream = connection.session.request(this.headers(exchange, id), { endStream: exchange.body === undefined });
    stream.setTimeout(this.target.timeoutMs, () =>
      stream.destroy(new Error(`nothing for ${this.target.timeoutMs} ms`)),
    );
    stream.on('response', (got) => (head = { status: got[':status'], version: String(got['x-version'] ?? '') }));
    if (exchange.body) stream.end(exchange.body);
    const { text, ended, error } = await readStream(stream);
    const known = { ...head, connectedAt: connection.connectedAt, complete: ended };
    if (ended) return { ...known, error: verdict(exchange, head.status, text), refused: false };
    const why = error === undefined ? `cut with code ${stream.rstCode}` : describe(error);
    return { ...known, error: why, refused: wasRefused(stream, connection, error) };
  }

  private headers(exchange: Exchange, id: string): Record<string, string> {
    return {
      ':method': exchange.method,
      ':path': this.target.path,
      ':authority': this.target.host,
      'x-request-id': id,
    };
  }

  private async connected(): Promise<Connection> {
    const last = this.connection;
    if (last && !last.over && !last.session.closed && !last.session.destroyed) return last;
    this.connection = await this.open();
    return this.connection;
  }

  private open(): Promise<Connection> {
    const { url, timeoutMs, idleMs } = this.target;
    const session = connect(url, { rejectUnauthorized: false, servername: serverName(this.target) });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        session.destroy(new Error(`no connection within ${timeoutMs} ms`));
      }, timeoutMs);
      session.on('error', reject); // and keeps later ones from being thrown: they reach us through the stream
      session.once('close', () => {
        clearTimeout(timer);
        reject(new Error('closed before it was connected'));
      });
      session.once('connect', () => {
        clearTimeout(timer);
        resolve(this.follow(session, idleMs));
      });
    });
  }

  private follow(session: ClientHttp2Session, idleMs: number): Connection {
    const connection: Connection = { session, connectedAt: epochNow(), lastStreamId: Infinity, over: false };
    session.on('goaway', (_code: number, lastStreamId: number) => {
      connection.over = true;
      connection.lastStreamId = lastStreamId;
    });
    session.setTimeout(idleMs, () => {
      if (!this.busy) session.close();
    });
    return connection;
  }
}
