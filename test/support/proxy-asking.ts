import { Agent, request, type IncomingMessage } from 'node:http';

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

export function asking(url: string): Asking {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const ask = (headers: Readonly<Record<string, string>> = {}): Promise<Told> =>
    new Promise((resolve) => {
      const call = request(url, { agent, headers: { host: 'shop.example', ...headers } }, (answer) => {
        answer.resume().on('end', () => {
          resolve(told(answer));
        });
      });
      call.on('error', (error) => {
        resolve({ version: error.message, cookie: null });
      });
      call.end();
    });
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
      agent.destroy();
    },
  };
}

function told(answer: IncomingMessage): Told {
  const cookie = answer.headers['set-cookie']?.[0]?.split(';')[0] ?? null;
  return { version: String(answer.headers['x-version'] ?? answer.statusCode), cookie };
}
