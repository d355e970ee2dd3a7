import { isIP } from 'node:net';

/** What a request looks like to the proxy; each kind is lost by a different mistake. */
export const KINDS = ['kept', 'fresh', 'post', 'slow', 'stream', 'websocket', 'kept-h2'] as const;
/** One of KINDS. */
export type Kind = (typeof KINDS)[number];

/** How one kind is sent. */
export interface KindOptions {
  /** Workers, each with a connection of its own and one request at a time. */
  readonly concurrency: number;
  /** A worker starts a request at most this often (ms); it never sends before the last one has ended. */
  readonly everyMs?: number;
  readonly path?: string;
}

/** What to send where. Times in milliseconds. */
export interface LoadOptions {
  /** `http://127.0.0.1:8080` or `https://…`; any certificate is accepted. */
  readonly url: string;
  /** Sent as Host (and :authority, and asked for in TLS) instead of the URL's own. */
  readonly host?: string;
  /** Kinds that are not named are not sent; without this, DEFAULT_KINDS (kept-h2 over https only). */
  readonly kinds?: Partial<Record<Kind, number | KindOptions>>;
  /** An idle connection is closed by the client after this long; see http1.ts for why 1000. */
  readonly idleMs?: number;
  /** Longest wait for the connection, for the head of an answer, and between two parts of its body: 10 000. */
  readonly timeoutMs?: number;
  /** Longest wait of stop() for what is in flight: 15 000. */
  readonly stopMs?: number;
}

/** One request (or one websocket message) and what became of it. Times are epoch ms of a monotonic clock. */
export interface Result {
  readonly kind: Kind;
  readonly id: string;
  readonly startedAt: number;
  readonly endedAt: number;
  /** When the connection that it went over was opened: before `startedAt` if it was reused. */
  readonly connectedAt: number | undefined;
  /** 101 for an answered websocket message. */
  readonly status: number | undefined;
  /** Who answered, '' if unknown. */
  readonly version: string;
  readonly outcome: 'ok' | 'failed';
  /** Whether the answer came to its end, right or wrong. */
  readonly complete: boolean;
  /** Sent a second time, as the protocol allows when the server said that it did not look at the first. */
  readonly retried: boolean;
  readonly error: string | undefined;
}

/** Counts of one kind; `ok + failed = requests`, `retried` is a part of either. */
export interface Totals {
  readonly requests: number;
  readonly ok: number;
  readonly failed: number;
  readonly retried: number;
}

/** What happened so far, a snapshot. As JSON it holds everything but the single results. */
export interface LoadReport extends Totals {
  readonly startedAt: number;
  readonly at: number;
  readonly inFlight: number;
  readonly byKind: Readonly<Partial<Record<Kind, Totals & { readonly slowestMs: number }>>>;
  /** How many requests were answered, whole and right, by each version. */
  readonly byVersion: Readonly<Record<string, number>>;
  readonly failures: readonly Result[];
  /** Longest time that this process itself could not read from its sockets: large means the client is to blame. */
  readonly clientLagMs: number;
  /** Every result so far, in the order in which they ended. */
  results(): readonly Result[];
  /**
   * What `version` answered although it was asked after `startedAfter` (epoch ms, see epochNow). A websocket message
   * counts only if its connection was opened after it: an open one stays with the version that has it.
   */
  newRequestsAnsweredBy(version: string, after: { readonly startedAfter: number }): readonly Result[];
}

/** A running load. */
export interface Load {
  report(): LoadReport;
  /** Resolves once `predicate` holds; rejects after `deadlineMs` with `what` and the counts in the message. */
  waitFor(predicate: (report: LoadReport) => boolean, deadlineMs: number, what: string): Promise<LoadReport>;
  /** Sends nothing new, and resolves when all in flight has ended; what has not within `stopMs` counts as failed. */
  stop(): Promise<LoadReport>;
}

/** What a sender knows about one request when it is over. */
export interface Answer {
  readonly status?: number | undefined;
  readonly version?: string;
  readonly connectedAt?: number | undefined;
  readonly complete: boolean;
  readonly retried?: boolean;
  /** Why it is not ok; undefined if it is. */
  readonly error: string | undefined;
}

/** Sends one kind over one connection at a time. */
export interface Sender {
  /** Never rejects: what goes wrong is in the answer. */
  send(id: string): Promise<Answer>;
  /** Ends the connection; what is still in flight is cut. */
  close(): Promise<void>;
}

/** Where and how a sender connects, resolved from LoadOptions. */
export interface Target {
  readonly url: URL;
  /** The name sent to the server. */
  readonly host: string;
  readonly path: string;
  readonly idleMs: number;
  readonly timeoutMs: number;
}

/** Milliseconds since the epoch by the monotonic clock that all results are stamped with. */
export function epochNow(): number {
  return performance.timeOrigin + performance.now();
}

/** The name to ask for in TLS: that of the host, and none for an address. */
export function serverName({ host }: Target): string {
  const name = new URL(`https://${host}`).hostname;
  return isIP(name.replace(/^\[|\]$/g, '')) ? '' : name;
}
