import type { ServerResponse } from 'node:http';

/** The application's own count of what it is working on: the measure that every drain detector is held against. */
export class InFlight {
  private readonly open = new Set<ServerResponse>();
  private closing = false;
  /** Answers that went out whole. */
  finished = 0;
  /** Answers whose connection was lost before their end. */
  cut = 0;

  get count(): number {
    return this.open.size;
  }

  /** Follows one answer to its end, whichever it is. */
  follow(response: ServerResponse): void {
    const { socket } = response.req;
    this.open.add(response);
    response.once('close', () => {
      this.open.delete(response);
      if (response.writableFinished) this.finished += 1;
      else this.cut += 1;
      if (this.closing) socket.end();
    });
  }

  /**
   * From now on every connection closes after its answer. A client is told where the answer has not begun; the
   * connection of a stream under way is closed all the same, or it would stay open, idle, for ever.
   */
  closeAfterAnswers(): void {
    this.closing = true;
    for (const response of this.open) {
      if (!response.headersSent) response.setHeader('connection', 'close');
    }
  }
}
