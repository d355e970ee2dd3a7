import type { Millis } from './observed.ts';

/** Limits of a measured value, inclusive; what is null is no limit. `equals` compares as text. */
export interface Bounds {
  readonly min: number | null;
  readonly max: number | null;
  readonly equals: string | null;
}

/** An HTTP question, asked from the host. */
export interface HttpQuestion {
  readonly url: string;
  readonly method: string;
  /** Secret: they may carry tokens. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Where in the JSON of the answer the value is (`core/json-path.ts`); null for the whole text. */
  readonly json: string | null;
}

/** A command without a shell, or one line for a shell. */
export type Command = string | readonly string[];

/** What a check can measure of what the proxy sees of the candidate (DESIGN section 4). */
export type Figure = 'error_rate' | 'latency_p50' | 'latency_p95' | 'latency_p99' | 'requests';

/** Who is asked for a value. */
export type Provider =
  | ({ readonly kind: 'http' } & HttpQuestion)
  | { readonly kind: 'prometheus'; readonly url: string; readonly query: string }
  | { readonly kind: 'command'; readonly run: Command; readonly in: 'candidate' | 'image' }
  | { readonly kind: 'builtin'; readonly figure: Figure };

/** What one measurement says. */
export type OutcomeKind = 'pass' | 'fail' | 'inconclusive' | 'error';

/**
 * How often a check is made and how much of what is tolerated. It holds no secret, so that a record and its journal
 * may; what is asked of whom stays in the release.
 */
export interface CheckPolicy {
  readonly name: string;
  /** Between two measurements; null for a check that is made once. */
  readonly intervalMs: Millis | null;
  readonly initialDelayMs: Millis;
  /** Measurements that are no errors; null for one. A watch has no end. */
  readonly count: number | null;
  /** For one measurement. */
  readonly timeoutMs: Millis;
  /** As many are tolerated; one more is too many. Errors count in a row, the others altogether. */
  readonly failureLimit: number;
  readonly inconclusiveLimit: number;
  readonly errorLimit: number;
  /** Its result is told and decides nothing. */
  readonly dryRun: boolean;
}

/** A named check, resolved (DESIGN section 4, "Checks"); times in milliseconds. */
export interface CheckSpec extends CheckPolicy {
  readonly provider: Provider;
  readonly pass: Bounds | null;
  readonly fail: Bounds | null;
  /** What it means that there is nothing to measure. */
  readonly noData: OutcomeKind;
}

/** What a provider found out. It judges nothing. */
export type Raw =
  /** `detail` is evidence for people: the last lines of a command, the status of an answer. */
  | { readonly kind: 'value'; readonly value: number | string | boolean; readonly detail: string | null }
  | { readonly kind: 'no-data'; readonly detail: string }
  | { readonly kind: 'error'; readonly detail: string }
  /** It cannot be asked at all, and a second try changes nothing: an image that cannot be had (ORACLE A13). */
  | { readonly kind: 'cannot-run'; readonly detail: string };

/** A measurement as it is judged. */
export interface Outcome {
  readonly kind: OutcomeKind;
  /** For people: the value with its bound, or why there is none. */
  readonly text: string;
}

/** The part of a check that a record may hold. */
export function policyOf(spec: CheckSpec): CheckPolicy {
  const { name, intervalMs, initialDelayMs, count, timeoutMs, dryRun } = spec;
  const { failureLimit, inconclusiveLimit, errorLimit } = spec;
  return { name, intervalMs, initialDelayMs, count, timeoutMs, failureLimit, inconclusiveLimit, errorLimit, dryRun };
}

/** How often a pause asks whether it may end (ORACLE A14). */
const GATE_POLL_MS = 10_000;
const GATE_TIMEOUT_MS = 10_000;
const UNLIMITED = Number.MAX_SAFE_INTEGER;

/** The check of `pause: {until: …}`: the pause ends with the first pass, and everything else means "not yet". */
export function gateCheck(question: HttpQuestion): CheckSpec {
  return {
    name: 'until',
    provider: { kind: 'http', ...question },
    intervalMs: GATE_POLL_MS,
    initialDelayMs: 0,
    count: null,
    timeoutMs: GATE_TIMEOUT_MS,
    pass: null,
    fail: null,
    failureLimit: UNLIMITED,
    inconclusiveLimit: UNLIMITED,
    errorLimit: UNLIMITED,
    noData: 'error',
    dryRun: false,
  };
}
