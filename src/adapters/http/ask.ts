import type { Dispatcher } from 'undici';
import { withDeadline } from '../../app/signals.ts';
import { messageOf } from '../../core/errors.ts';

/** More of an answer than this is nothing that a person or a bound can use. */
const LONGEST_ANSWER = 1024 * 1024;

/** One HTTP question; times in milliseconds. */
export interface Question {
  /** A user and password in it become a header. */
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly timeoutMs: number;
  /** Bytes of the longest answer that is read; a megabyte, if it is left out. */
  readonly longest?: number;
  /** Whom a server has to be known by; what Node trusts, if it is left out. */
  readonly trust?: Trust;
}

export interface Trust {
  /** Certificates in PEM. */
  readonly ca?: readonly string[];
  /** A server may be anybody. */
  readonly anybody?: boolean;
}

/** By name in small letters. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

export type Answer =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: Headers;
      readonly text: string;
      readonly ms: number;
    }
  | { readonly kind: 'none'; readonly reason: string };

/** A megabyte that is read when something is asked, and not at all by commands that ask nothing. */
const undici = async (): Promise<typeof import('undici')> => (await import('undici')).default;

/** Asks once on a connection of its own, follows no redirect, and never throws. */
export async function ask(question: Question, signal: AbortSignal): Promise<Answer> {
  const { timeoutMs, trust } = question;
  const { Agent } = await undici();
  const connect = { timeout: timeoutMs, ...tlsOf(trust) };
  const agent = new Agent({ pipelining: 0, connect, maxResponseSize: question.longest ?? LONGEST_ANSWER });
  try {
    return await askThrough(agent, question, signal);
  } catch (error) {
    return { kind: 'none', reason: reasonOf(error, timeoutMs) };
  } finally {
    await agent.destroy().catch(() => undefined);
  }
}

function tlsOf({ ca, anybody = false }: Trust = {}): { ca?: string[]; rejectUnauthorized: boolean } {
  return { ...(ca === undefined ? {} : { ca: [...ca] }), rejectUnauthorized: !anybody };
}

async function askThrough(dispatcher: Dispatcher, question: Question, signal: AbortSignal): Promise<Answer> {
  const { method, headers, body, timeoutMs } = question;
  const { request } = await undici();
  const { url, authorization } = withoutCredentials(question.url);
  const started = performance.now();
  return withDeadline(timeoutMs, signal, async (stop) => {
    const response = await request(url, {
      dispatcher,
      method,
      headers: { ...authorization, ...headers },
      body,
      headersTimeout: 0,
      bodyTimeout: 0,
      signal: stop,
    });
    const text = await response.body.text();
    const ms = Math.round(performance.now() - started);
    return { kind: 'answer', status: response.statusCode, headers: response.headers, text, ms };
  });
}

/** undici sends no credentials of a URL. @throws TypeError for what is no URL */
export function withoutCredentials(text: string): {
  readonly url: URL;
  readonly authorization: Record<string, string>;
} {
  const url = new URL(text);
  if (url.username === '' && url.password === '') return { url, authorization: {} };
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = '';
  url.password = '';
  return { url, authorization: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  UND_ERR_SOCKET: 'connection closed without an answer',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'the answer is longer than a megabyte',
};

/** Why there was no answer, in words. */
export function reasonOf(error: unknown, timeoutMs: number): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const late = error instanceof Error && error.name === 'TimeoutError';
  if (late || code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT')
    return `no answer within ${timeoutMs} ms`;
  return REASONS[code] ?? messageOf(error);
}
