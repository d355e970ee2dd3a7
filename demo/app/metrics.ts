import type { ServerResponse } from 'node:http';

/** Requests that were answered, by status, for Prometheus. */
export class Metrics {
  private readonly version: string;
  private readonly byStatus = new Map<number, number>();

  constructor(version: string) {
    this.version = version;
  }

  /** Counts an answer when it has gone out. */
  follow(response: ServerResponse): void {
    response.once('finish', () => {
      this.byStatus.set(response.statusCode, (this.byStatus.get(response.statusCode) ?? 0) + 1);
    });
  }

  /** Everything counted, in Prometheus' text format. */
  text(): string {
    const name = 'app_requests_total';
    // A rate needs a first value: a series that begins at its first error has grown by nothing.
    const counts = new Map([[200, 0], [500, 0], ...this.byStatus]);
    const samples = [...counts].map(
      ([status, count]) => `${name}{version="${this.version}",status="${status}"} ${count}`,
    );
    return [`# HELP ${name} Requests answered.`, `# TYPE ${name} counter`, ...samples, ''].join('\n');
  }
}
