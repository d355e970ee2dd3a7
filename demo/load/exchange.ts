import { createHash, randomBytes } from 'node:crypto';
import type { Kind } from './types.ts';

/** One request to send, and how to tell whether its answer is the right one. */
export interface Exchange {
  readonly method: 'GET' | 'POST';
  readonly body?: Buffer;
  /** Why `text`, the whole body of a 200, is not the answer to this request; undefined if it is. */
  readonly check: (text: string) => string | undefined;
}

const BODY_BYTES = 2048;
const EXCERPT = 120;
const filler = randomBytes(BODY_BYTES);

function excerpt(text: string): string {
  return JSON.stringify(text.slice(0, EXCERPT));
}

/** The fields that differ from what was expected of a JSON body. */
function checkFields(text: string, expected: Readonly<Record<string, unknown>>): string | undefined {
  let body: Record<string, unknown>;
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return `the body is no JSON: ${excerpt(text)}`;
  }
  const wrong = Object.keys(expected).filter((key) => body[key] !== expected[key]);
  return wrong.length === 0 ? undefined : `wrong ${wrong.join(', ')}: ${excerpt(text)}`;
}

function checkStream(text: string, id: string): string | undefined {
  const lines = text.trimEnd().split('\n');
  if (!lines[0]?.includes(`id=${id}`)) return `the stream is another one's: ${excerpt(text)}`;
  return lines.at(-1) === 'end' ? undefined : `the stream stops without its end: ${excerpt(text.slice(-EXCERPT))}`;
}

function postExchange(id: string): Exchange {
  const body = Buffer.concat([Buffer.from(id), filler]);
  const sha256 = createHash('sha256').update(body).digest('hex');
  return { method: 'POST', body, check: (text) => checkFields(text, { id, sha256, length: body.length }) };
}

/** The request of a kind with this id. */
export function exchangeOf(kind: Kind, id: string): Exchange {
  if (kind === 'post') return postExchange(id);
  if (kind === 'stream') return { method: 'GET', check: (text) => checkStream(text, id) };
  return { method: 'GET', check: (text) => checkFields(text, { id }) };
}

/** Judges an answer that came to its end. */
export function verdict(exchange: Exchange, status: number | undefined, text: string): string | undefined {
  return status === 200 ? exchange.check(text) : `status ${status}: ${excerpt(text)}`;
}

/** An error in one line, with the codes of its causes: `other side closed (UND_ERR_SOCKET)`. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  const own =
    code !== undefined && !error.message.includes(code)
      ? `${error.message} (${code})`
      : error.message || code || error.name;
  return error.cause === undefined ? own : `${own}: ${describe(error.cause)}`;
}
