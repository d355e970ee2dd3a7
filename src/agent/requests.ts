import type { MiddlewareHandler } from 'hono';
import { randomUUID } from 'node:crypto';
import type { Clock } from '../app/ports.ts';
import { type AgentLog, partsOf, wordsOf } from './log.ts';

const HEADER = 'X-Request-Id';
/** What a caller may call its request: it goes into our log as it is. */
const ID = /^[A-Za-z0-9._-]{1,64}$/;

/** Asked again and again, and of no interest while all is well. */
const POLLED: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);

/**
 * A line of the log for each request, when its answer begins. Its id, the caller's own or a new one, stands in its answer
 * and in every line that it causes.
 */
export function loggedRequests(log: AgentLog, clock: Clock): MiddlewareHandler {
  return async (asked, next) => {
    const given = asked.req.header(HEADER) ?? '';
    const request = ID.test(given) ? given : randomUUID();
    asked.header(HEADER, request);
    const began = clock.now();
    await log.during(request, async () => {
      await next();
      const { method, path } = asked.req;
      const { status } = asked.res;
      const parts = { method, path, status, ms: clock.now() - began };
      const { error } = asked;
      const level = levelOf(path, status);
      if (error === undefined) log.logger[level](parts, `${method} ${path}`);
      else log.logger[level]({ ...parts, ...partsOf(error) }, `${method} ${path}: ${wordsOf(error)}`);
    });
  };
}

/** What the caller did wrong is no failure of ours. */
function levelOf(path: string, status: number): 'debug' | 'info' | 'warn' | 'error' {
  if (status >= 500) return 'error';
  if (status >= 400) return 'warn';
  return POLLED.has(path) ? 'debug' : 'info';
}
