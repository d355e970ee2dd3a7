import { request } from 'node:http';
import { type Dispatcher, Pool } from 'undici';
import { messageOf } from '../../src/core/errors.ts';

/** Many requests over kept connections. */
export interface Asking {
  /** Who answers a request, and what cookie it sets. */
  ask(headers?: Readonly<Record<string, string>>): Promise<Told>;
  /** How many of so many requests each version answered. */
  count(requests: number, headers?: Readonly<Record<string, string>>): Promise<Readonly<Record<string, number>>>;
  close(): void;
}

export interface Told {
  /** The version, or the status where nobody answered, or what went wrong. */
  readonly version: string;
  /** `name=value`; null if none is set. */
  readonly cookie: string | null;
}

const CONNECTIONS = 16;

/** By undici, which leaves twice as much of the machine to the proxy as `node:http` does. */
export function asking(url: string): Asking {
  const { origin, pathname, search } = new URL(url);
  const pool = new Pool(origin, { connections: CONNECTIONS });
  const ask = async (headers: Readonly<Record<string, string>> = {}): Promise<Told> => {
    try {
      const answer = await pool.request({
        path: `${pathname}${search}`,
        method: 'GET',
        headers: { host: 'shop.example', ...headers },
      });
      await answer.body.dump();
      return told(answer);
    } catch (error) {
      return { version: messageOf(error), cookie: null };
    }
  };
  return {
    ask,
    count: async (requests, headers) => {
      const counts: Record<string, number> = {};
      let left = requests;
      const one = async (): Promise<void> => {
        while (left > 0) {
          left -= 1;
          const { version } = await ask(headers);
          counts[version] = (counts[version] ?? 0) + 1;
        }
      };
      await Promise.all(Array.from({ length: CONNECTIONS }, one));
      return counts;
    },
    close: () => {
      void pool.destroy();
    },
  };
}

function told({ headers, statusCode }: Dispatcher.ResponseData): Told {
  const cookie = [headers['set-cookie']].flat()[0]?.split(';')[0] ?? null;
  return { version: String(headers['x-version'] ?? statusCode), cookie };
}

/** Who answers a new connection: a version, or the status where nobody does. */
export function whoAnswers(url: URL, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(url, { agent: false, headers }, (answer) => {
      answer.resume().on('end', () => {
        resolve(String(answer.headers['x-version'] ?? answer.statusCode));
      });
    });
    call.on('error', reject).end();
  });
}
