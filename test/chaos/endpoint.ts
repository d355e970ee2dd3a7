import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the checks of a subject ask: it answers, or keeps everybody waiting. */
export class Endpoint {
  readonly #server: Server;
  #hangs = false;
  readonly #waiting: ServerResponse[] = [];

  private constructor() {
    this.#server = createServer((_request, response) => {
      if (this.#hangs) this.#waiting.push(response);
      else response.end('ok');
    });
  }

  static async listen(): Promise<Endpoint> {
    const endpoint = new Endpoint();
    await new Promise<void>((resolve) => endpoint.#server.listen(0, '127.0.0.1', resolve));
    return endpoint;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  hang(): void {
    this.#hangs = true;
  }

  /** Answers everybody who waits, and who comes. */
  answer(): void {
    this.#hangs = false;
    for (const response of this.#waiting.splice(0)) response.end('ok');
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }
}
