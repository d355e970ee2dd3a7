import { Client, type Dispatcher } from 'undici';
import { describe, exchangeOf, verdict, type Exchange } from './exchange.ts';
import { epochNow, serverName, type Answer, type Kind, type Sender, type Target } from './types.ts';

/*
 * Why undici's Client and not node:http's Agent. A server may close an idle connection at any time, and a client that
 * writes on it afterwards sees a reset which is nobody's fault but its own. Client destroys the socket in the very
 * event that brings the server's FIN (the Agent hands it out until 'close', some turns later), honours `connection:
 * close` and keep-alive hints, and never sends a request twice. The rest is up to us: an idle connection is given up by
 * ourselves after idleMs, far below what Caddy (5 min), nginx (65 s) and nginx's keepalive_min_timeout on a reload
 * (2 s) allow, and each request starts right after the sockets were read (pace.ts). What is left is a server that
 * closes while our request is on its way: a real loss, and to be counted.
 */

function makeClient(target: Target): Client {
  const { url, idleMs, timeoutMs } = target;
  return new Client(url.origin, {
    pipelining: 1,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: idleMs,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connect: { rejectUnauthorized: false, servername: serverName(target), timeout: timeoutMs },
  });
}

type Request = Omit<Dispatcher.RequestOptions, 'origin'>;

/** A worker's HTTP/1.1 connection, plain or TLS. */
export class Http1Sender implements Sender {
  private readonly kind: Kind;
  private readonly target: Target;
  private readonly client: Client;
  private connectedAt: number | undefined;

  constructor(kind: Kind, target: Target) {
    this.kind = kind;
    this.target = target;
    this.client = makeClient(target);
    this.client.on('connect', () => (this.connectedAt = epochNow()));
  }

  async send(id: string): Promise<Answer> {
    const exchange = exchangeOf(this.kind, id);
    let head: { status?: number; version?: string } = {};
    try {
      const answer = await this.client.request(this.request(exchange, id));
      head = { status: answer.statusCode, version: String(answer.headers['x-version'] ?? '') };
      const text = await answer.body.text();
      return { ...head, connectedAt: this.connectedAt, complete: true, error: verdict(exchange, head.status, text) };
    } catch (error) {
      return { ...head, connectedAt: this.connectedAt, complete: false, error: describe(error) };
    }
  }

  close(): Promise<void> {
    return this.client.destroy();
  }

  private request(exchange: Exchange, id: string): Request {
    return {
      path: this.target.path,
      method: exchange.method,
      headers: { host: this.target.host, 'x-request-id': id },
      body: exchange.body ?? null,
      reset: this.kind === 'fresh',
    };
  }
}
