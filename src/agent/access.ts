import type { MiddlewareHandler } from 'hono';
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { type ListenAddress, listenAddress, readToken } from '../cli/listen.ts';
import { DeployError } from '../core/errors.ts';
import { answerOf } from './answers.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Who is answered at a TCP address. The unix socket asks nobody: its file's mode has decided. */
export interface TcpAccess {
  readonly address: ListenAddress;
  /** Null: nobody is known, and told no more than that the agent lives. */
  readonly token: string | null;
}

/** What `DEPLOY_BG_LISTEN` and `DEPLOY_BG_TOKEN_FILE` say; null if there is to be no TCP. @throws invalid-config */
export function tcpAccess(env: Env): TcpAccess | null {
  const text = env['DEPLOY_BG_LISTEN'] ?? '';
  if (text === '') return null;
  const file = env['DEPLOY_BG_TOKEN_FILE'] ?? '';
  const token = file === '' ? null : readToken(file);
  const source = { name: 'DEPLOY_BG_LISTEN', code: 'invalid-config', hasToken: token !== null } as const;
  return { address: listenAddress(text, source), token };
}

export type RefusedStatus = 401 | 403 | 421;

/** What of a request decides whether it is answered. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  /** Headers; undefined where there is none. */
  readonly host: string | undefined;
  readonly authorization: string | undefined;
}

interface Refusal {
  readonly status: RefusedStatus;
  readonly what: string;
  readonly next: string;
}

/** Known to everybody on this machine. */
const OPEN: ReadonlySet<string> = new Set(['/healthz', '/metrics']);
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** Why a request is not answered at a TCP address; null if it is. */
export function refusalOf(asked: Asked, { address, token }: TcpAccess): Refusal | null {
  if (address.isLoopback && !isOfThisMachine(asked.host))
    // A page in a browser can give its own name our address, and would be let in as one of this machine.
    return refusal(421, 'the Host header is a name', 'ask by the IP address, or as localhost');
  if (!READS.has(asked.method))
    return refusal(
      403,
      'nothing is told to the agent over TCP',
      'use its unix socket, .deploy-bg/agent.sock, or the command',
    );
  if (address.isLoopback && OPEN.has(asked.path)) return null;
  if (token === null)
    return refusal(
      403,
      'without a token only /healthz and /metrics are answered over TCP',
      'use its unix socket, or set DEPLOY_BG_TOKEN_FILE',
    );
  if (isToken(asked.authorization, token)) return null;
  return refusal(401, 'who asks is not known', 'send the token: Authorization: Bearer …');
}

function refusal(status: RefusedStatus, what: string, next: string): Refusal {
  return { status, what, next };
}

function isOfThisMachine(host = ''): boolean {
  const [, bracketed, plain = ''] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/.exec(host) ?? [];
  return isIP(bracketed ?? plain) !== 0 || plain.toLowerCase() === 'localhost';
}

/** How long it takes says nothing of where they differ. */
function isToken(authorization = '', token: string): boolean {
  const given = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
  const hashed = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hashed(given), hashed(token));
}

/** Answers those who may ask, and only what changes nothing. */
export function guardedBy(access: TcpAccess): MiddlewareHandler {
  return async (asked, next) => {
    const { method, path } = asked.req;
    const [host, authorization] = [asked.req.header('host'), asked.req.header('authorization')];
    const refused = refusalOf({ method, path, host, authorization }, access);
    if (refused === null) {
      await next();
      return;
    }
    if (refused.status === 401) asked.header('WWW-Authenticate', 'Bearer realm="deploy-bg-agent"');
    return asked.json(answerOf(new DeployError('not-allowed', refused)).body, refused.status);
  };
}
