import type { LoadReport } from './types.ts';

interface Waiter {
  readonly predicate: (report: LoadReport) => boolean;
  readonly resolve: (report: LoadReport) => void;
  readonly reject: (error: Error) => void;
}

/** Promise.withResolvers, which Node 20 does not have. */
function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((...settle) => ([resolve, reject] = settle));
  return { promise, resolve, reject };
}

// Results come by the hundred a second, and predicates may look at many of them.
const AT_MOST_EVERY_MS = 20;

/** Those who wait for the report to say something. */
export class Waiters {
  private readonly waiting = new Set<Waiter>();
  private readonly report: () => LoadReport;
  private timer: NodeJS.Timeout | undefined;

  constructor(report: () => LoadReport) {
    this.report = report;
  }

  /** Resolves with the first report for which `predicate` holds; rejects, saying `what`, after `deadlineMs`. */
  async add(predicate: Waiter['predicate'], deadlineMs: number, what: string): Promise<LoadReport> {
    const { promise, resolve, reject } = deferred<LoadReport>();
    const waiter: Waiter = { predicate, resolve, reject };
    const deadline = setTimeout(() => {
      this.check(waiter);
      reject(new Error(`not within ${deadlineMs} ms: ${what}; ${summary(this.report())}`));
    }, deadlineMs);
    this.waiting.add(waiter);
    this.check(waiter);
    try {
      return await promise;
    } finally {
      clearTimeout(deadline);
      this.waiting.delete(waiter);
    }
  }

  /** Something has changed. */
  notify(): void {
    if (this.waiting.size === 0) return;
    this.timer ??= setTimeout(() => {
      this.checkAll();
    }, AT_MOST_EVERY_MS);
  }

  /** Nothing will change any more: who still waits, waits in vain. */
  finish(): void {
    this.checkAll();
    for (const waiter of this.waiting) waiter.reject(new Error('the load was stopped meanwhile'));
  }

  private checkAll(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const waiter of [...this.waiting]) this.check(waiter);
  }

  private check(waiter: Waiter): void {
    try {
      const report = this.report();
      if (waiter.predicate(report)) waiter.resolve(report);
    } catch (error) {
      waiter.reject(error as Error);
    }
  }
}

/** One line: `3214 requests, 0 failed (v1 2010, v2 1204)`. */
export function summary(report: LoadReport): string {
  const versions = Object.entries(report.byVersion).map(([version, count]) => `${version || 'unnamed'} ${count}`);
  const retried = report.retried > 0 ? `, ${report.retried} retried` : '';
  return `${report.requests} requests, ${report.failed} failed${retried} (${versions.join(', ') || 'none answered'})`;
}
