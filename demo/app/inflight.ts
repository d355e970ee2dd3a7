import type { ServerResponse } from 'node:http';

/** The application's own count of what it is working on: the measure that every drain detector is held against. */
export class InFlight {
  private readonly open = new Set<ServerResponse>();
  /** Answers that went out whole. */
  finished = 0;
  /** Answers whose connection was lost before their end. */
  cut = 0;

  get count(): number {
    return this.open.size;
  }

  /** Follows one answer to its end, whichever it is. */
  follow(response: ServerResponse): void {
    this.open.add(response);
    response.once('close', () => {
      this.open.delete(response);
      if (response.writableFinished) this.finished += 1;
      else this.cut += 1;
    });
  }

  /** Asks the clients of answers that have not begun to close their connection afterwards. */
  askToClose(): void {
    for (const response of this.open) {
      if (!response.headersSent) response.setHeader('connection', 'close');
    }
  }
}
