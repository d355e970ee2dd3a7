import { monitorEventLoopDelay } from 'node:perf_hooks';
import { epochNow, type Answer, type Kind, type LoadReport, type Result } from './types.ts';

interface Open {
  readonly kind: Kind;
  readonly startedAt: number;
}

type Counts = { requests: number; ok: number; failed: number; retried: number };
type KindCounts = Counts & { slowestMs: number };

const LAG_RESOLUTION_MS = 10;

function add(counts: Counts, result: Result): void {
  counts.requests += 1;
  counts[result.outcome] += 1;
  if (result.retried) counts.retried += 1;
}

/** When the answer could first have known of a switch: see LoadReport.newRequestsAnsweredBy. */
function askedAt(result: Result): number {
  return result.kind === 'websocket' ? (result.connectedAt ?? result.startedAt) : result.startedAt;
}

/** Accounts for every request: opened once, settled once, counted once. */
export class Ledger {
  private readonly open = new Map<string, Open>();
  private readonly settled: Result[] = [];
  private readonly failures: Result[] = [];
  private readonly totals: Counts = { requests: 0, ok: 0, failed: 0, retried: 0 };
  private readonly byKind = new Map<Kind, KindCounts>();
  private readonly byVersion = new Map<string, number>();
  private readonly lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  private readonly startedAt = epochNow();
  private readonly onChange: () => void;
  private sequence = 0;

  /** `onChange` is called after each request that was begun or settled. */
  constructor(onChange: () => void) {
    this.onChange = onChange;
    this.lag.enable();
  }

  /** Opens a request and returns its id. */
  begin(kind: Kind): string {
    const id = `${kind}-${(this.sequence += 1)}`;
    this.open.set(id, { kind, startedAt: epochNow() });
    this.onChange();
    return id;
  }

  /** Closes a request. One that was given up already stays as it is. */
  settle(id: string, answer: Answer): void {
    const opened = this.open.get(id);
    if (!opened) return;
    this.open.delete(id);
    this.record({
      kind: opened.kind,
      id,
      startedAt: opened.startedAt,
      endedAt: epochNow(),
      connectedAt: answer.connectedAt,
      status: answer.status,
      version: answer.version ?? '',
      outcome: answer.error === undefined ? 'ok' : 'failed',
      complete: answer.complete,
      retried: answer.retried ?? false,
      error: answer.error,
    });
  }

  /** Counts a failure that belongs to no request, as one of its own. */
  loss(kind: Kind, error: string): void {
    this.settle(this.begin(kind), { complete: false, error });
  }

  /** Counts all that is still open as failed. */
  giveUp(error: string): void {
    for (const id of [...this.open.keys()]) this.settle(id, { complete: false, error });
  }

  /** No more is to come: the measuring of the client's own lag ends. */
  finish(): void {
    this.lag.disable();
  }

  report(): LoadReport {
    const { settled } = this;
    const length = settled.length;
    return {
      ...this.totals,
      startedAt: this.startedAt,
      at: epochNow(),
      inFlight: this.open.size,
      byKind: Object.fromEntries([...this.byKind].map(([kind, counts]) => [kind, { ...counts }])),
      byVersion: Object.fromEntries(this.byVersion),
      failures: [...this.failures],
      clientLagMs: Math.max(0, this.lag.max / 1e6 - LAG_RESOLUTION_MS),
      results: () => settled.slice(0, length),
      newRequestsAnsweredBy: (version, { startedAfter }) => answeredBy(settled, length, version, startedAfter),
    };
  }

  private record(result: Result): void {
    this.settled.push(result);
    add(this.totals, result);
    const counts = this.byKind.get(result.kind) ?? { requests: 0, ok: 0, failed: 0, retried: 0, slowestMs: 0 };
    add(counts, result);
    counts.slowestMs = Math.max(counts.slowestMs, result.endedAt - result.startedAt);
    this.byKind.set(result.kind, counts);
    if (result.outcome === 'failed') this.failures.push(result);
    else this.byVersion.set(result.version, (this.byVersion.get(result.version) ?? 0) + 1);
    this.onChange();
  }
}

/** Backwards: results are in the order of their ends, and none that ended before the time was started after it. */
function answeredBy(results: readonly Result[], length: number, version: string, startedAfter: number): Result[] {
  const found: Result[] = [];
  for (let n = length - 1; n >= 0; n -= 1) {
    const result = results[n];
    if (!result || result.endedAt < startedAfter) break;
    if (result.version === version && askedAt(result) > startedAfter) found.push(result);
  }
  return found.reverse();
}
