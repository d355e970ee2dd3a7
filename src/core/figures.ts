import type { Figure, Raw } from './checks.ts';
import type { Millis, ObservedContainer } from './observed.ts';

/** One request as the proxy's access log has it. */
export interface AccessRecord {
  /** When its answer ended. */
  readonly at: Millis;
  /** What the client got. */
  readonly status: number;
  /** Until the upstream began to answer, as far as the proxy knows that; else the whole request. */
  readonly durationMs: number;
  /** `name:port` or `address:port` of the upstream that answered, or that did not; null if none was asked. */
  readonly upstream: string | null;
}

/** The records of requests that went to these containers since a moment. */
export function seenBy(
  containers: readonly ObservedContainer[],
  records: readonly AccessRecord[],
  since: Millis,
): readonly AccessRecord[] {
  const hosts = new Set(containers.flatMap((c) => [c.name, ...Object.values(c.addresses)]));
  return records.filter(({ at, upstream }) => at >= since && upstream !== null && hosts.has(hostOf(upstream)));
}

/** Without the port; an IPv6 address stands in brackets. */
function hostOf(upstream: string): string {
  return upstream.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

const PERCENT: Readonly<Partial<Record<Figure, number>>> = { latency_p50: 50, latency_p95: 95, latency_p99: 99 };

/**
 * A figure of these requests: `error_rate` is the share of answers of 500 and above, 0 to 1; latencies are in
 * milliseconds; `requests` is their number. Of no requests at all only the number is known.
 */
export function figure(kind: Figure, records: readonly AccessRecord[]): Raw {
  const detail = records.length === 1 ? 'of 1 request' : `of ${String(records.length)} requests`;
  if (kind === 'requests') return { kind: 'value', value: records.length, detail: null };
  if (records.length === 0) return { kind: 'no-data', detail: 'no request to the candidate yet' };
  const percent = PERCENT[kind];
  const value = percent === undefined ? errorRate(records) : percentile(records, percent);
  return { kind: 'value', value, detail };
}

function errorRate(records: readonly AccessRecord[]): number {
  return records.filter(({ status }) => status >= 500).length / records.length;
}

/** The nearest rank: the smallest duration that this share of the requests did not exceed. */
function percentile(records: readonly AccessRecord[], percent: number): number {
  const sorted = records.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
  return sorted[Math.ceil((percent / 100) * sorted.length) - 1] ?? NaN;
}
