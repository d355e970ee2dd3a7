import { open } from 'node:fs/promises';
import { request } from 'node:http';
import { basename, dirname } from 'node:path';

const ASK_DEADLINE_MS = 2000;
/** Longer paths do not fit into the address of a unix socket. */
const LONGEST_SOCKET_PATH = 100;

/** The body that Caddy answers on the socket. Rejects with the reason if there is none. */
export async function ask(socket: string, path: string): Promise<string> {
  if (socket.length <= LONGEST_SOCKET_PATH) return get(socket, path);
  const folder = await open(dirname(socket), 'r');
  try {
    return await get(`/proc/self/fd/${folder.fd}/${basename(socket)}`, path);
  } finally {
    await folder.close();
  }
}

function get(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ASK_DEADLINE_MS);
    const headers = { host: 'deploy-bg.invalid' };
    const call = request({ socketPath, path, headers, agent: false, signal }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.on('error', reject).on('end', () => {
        if (answer.statusCode === 200) resolve(text);
        else reject(new Error(`Caddy answered ${answer.statusCode ?? 0} on ${path}`));
      });
    });
    call.on('error', reject).end();
  });
}
