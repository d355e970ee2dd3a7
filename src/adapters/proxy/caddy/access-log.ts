import * as z from 'zod';
import type { AccessRecord } from '../../../core/figures.ts';
import { jsonOf } from '../../http/json.ts';

/** A placeholder without a value is an empty text, or itself. */
const optionalNumber = z.unknown().transform((value) => {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
});

const lineSchema = z.object({
  logger: z.string().startsWith('http.log.access'),
  /** Seconds since the epoch, at the end of the answer. */
  ts: z.number(),
  /** Seconds. */
  duration: z.number(),
  status: z.number(),
  deploy_bg_upstream: z.string().optional(),
  deploy_bg_latency_ms: optionalNumber.optional(),
});

/**
 * One line of Caddy's JSON access log; null for every other line (caddyserver.com/docs/caddyfile/directives/log). The
 * generated snippet `deploy-bg-log` appends who answered and how soon (`log_append`: Caddy 2.8 or later).
 */
export function parseCaddyLine(line: string): AccessRecord | null {
  const parsed = lineSchema.safeParse(jsonOf(line));
  if (!parsed.success) return null;
  const { ts, status, duration, deploy_bg_upstream: upstream = '', deploy_bg_latency_ms: latency } = parsed.data;
  return {
    at: Math.round(ts * 1000),
    status,
    durationMs: latency ?? duration * 1000,
    upstream: /^[^{}]+:\d+$/.test(upstream) ? upstream : null,
  };
}
