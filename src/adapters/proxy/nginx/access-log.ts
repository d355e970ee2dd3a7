import * as z from 'zod';
import type { AccessRecord } from '../../../core/figures.ts';
import { jsonOf } from '../../http/json.ts';

const lineSchema = z.object({
  deploy_bg: z.literal('1'),
  msec: z.string(),
  status: z.string(),
  upstream: z.string(),
  header: z.string(),
  request: z.string(),
});

/** One line of nginx's access log in our format (`log-format.ts`); null for every other line. */
export function parseNginxLine(line: string): AccessRecord | null {
  const parsed = lineSchema.safeParse(jsonOf(line));
  if (!parsed.success) return null;
  const { msec, status, upstream, header, request } = parsed.data;
  const seconds = numberOf(lastTry(header)) ?? numberOf(request);
  const at = numberOf(msec);
  if (at === null || seconds === null) return null;
  const asked = lastTry(upstream);
  return {
    at: Math.round(at * 1000),
    status: statusOf(status),
    durationMs: seconds * 1000,
    upstream: asked === '' || asked === '-' ? null : asked,
  };
}

/** A relay hangs up (444) when it could not reach the replica; for figures of that replica this is a 502. */
const HUNG_UP = 444;

function statusOf(text: string): number {
  const status = numberOf(text) ?? 0;
  return status === HUNG_UP ? 502 : status;
}

/** A request that was tried again names all of its tries: `10.0.0.2:80, 10.0.0.3:80 : unix:/x` (ngx_http_upstream_module). */
function lastTry(text: string): string {
  return text.split(/, | : /).at(-1) ?? '';
}

function numberOf(text: string): number | null {
  const number = text === '' ? NaN : Number(text);
  return Number.isNaN(number) ? null : number;
}
