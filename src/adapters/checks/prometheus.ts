import * as z from 'zod';
import type { Raw } from '../../core/checks.ts';
import { ask } from '../http/ask.ts';
import { jsonOf } from '../http/json.ts';

/** A sample is its time and its value as text (Prometheus HTTP API, "Expression query result formats"). */
const sample = z.tuple([z.number(), z.string()]);

const answerSchema = z.union([
  z.object({
    status: z.literal('success'),
    data: z.union([
      z.object({ resultType: z.literal('scalar'), result: sample }),
      z.object({ resultType: z.literal('vector'), result: z.array(z.object({ value: sample })) }),
      z.object({ resultType: z.enum(['matrix', 'string']), result: z.unknown() }),
    ]),
  }),
  z.object({ status: z.literal('error'), error: z.string() }),
]);

export interface PrometheusQuery {
  readonly url: string;
  readonly query: string;
}

/** An instant query: a scalar, or a vector of one sample. No sample and NaN are no data. */
export async function measurePrometheus(
  { url, query }: PrometheusQuery,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Raw> {
  const answer = await ask({ url: queryUrl(url, query), method: 'GET', headers: {}, body: null, timeoutMs }, signal);
  if (answer.kind === 'none') return { kind: 'error', detail: `Prometheus: ${answer.reason}` };
  return parse(answer.text) ?? { kind: 'error', detail: `Prometheus answered ${answer.status}, and no result` };
}

/** The server may stand under a path, and behind a gateway that wants parameters of its own. */
function queryUrl(base: string, query: string): string {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/api/v1/query`;
  url.searchParams.set('query', query);
  return url.href;
}

function parse(text: string): Raw | null {
  const answer = answerSchema.safeParse(jsonOf(text));
  if (!answer.success) return null;
  if (answer.data.status === 'error') return { kind: 'error', detail: `Prometheus: ${answer.data.error}` };
  const { data } = answer.data;
  if (data.resultType === 'scalar') return valueOf(data.result[1]);
  if (data.resultType !== 'vector')
    return { kind: 'error', detail: `the query gives a ${data.resultType}, not one number` };
  const [first, ...others] = data.result;
  if (first === undefined) return { kind: 'no-data', detail: 'the query gives no sample' };
  if (others.length === 0) return valueOf(first.value[1]);
  return { kind: 'error', detail: `the query gives ${data.result.length} samples; wrap it in sum(…) or max(…)` };
}

function valueOf(text: string): Raw {
  const value = Number(text.replace(/Inf$/, 'Infinity'));
  if (Number.isNaN(value)) return { kind: 'no-data', detail: 'the query gives NaN' };
  return { kind: 'value', value, detail: null };
}
