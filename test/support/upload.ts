import { request } from 'node:http';

/** A request whose body comes in two halves. */
export interface Upload {
  /** Sends the other half; resolves with the status of the answer. */
  finish(): Promise<number>;
}

const HALF = 'half';

/** Resolves when the proxy at this URL has the head and the first half of the body. */
export async function beginUpload(url: string): Promise<Upload> {
  const headers = { host: 'shop.example', 'content-length': HALF.length * 2 };
  const call = request(new URL('/echo', url), { method: 'POST', agent: false, headers });
  const status = new Promise<number>((resolve, reject) => {
    call.on('error', reject).on('response', (answer) => {
      answer.resume().on('end', () => {
        resolve(answer.statusCode ?? 0);
      });
    });
  });
  await new Promise((resolve) => call.write(HALF, resolve));
  // Connections are taken in turn: this one's was before.
  await fetch(url).then((answer) => answer.arrayBuffer());
  return {
    finish: () => {
      call.end(HALF);
      return status;
    },
  };
}
