import { request } from 'node:http';
import { parseAnswer, type Answer } from '../answer.ts';
import { READ_BACK_PORT } from './port.ts';

const ASK_DEADLINE_MS = 1000;

/**
 * What nginx answers about itself, by one of its addresses, on a connection of its own. Rejects with the reason if it
 * does not.
 * @param name that the answer about this project is known by
 */
export async function askNginx(addresses: readonly string[], name: string, token: string): Promise<Answer> {
  const answer = parseAnswer(await textOf(addresses, name, `/${token}`));
  if (answer === null) throw new Error('the answer is not a read-back');
  return answer;
}

/** Whether its workers find the folder of the log that it writes for us; they say so in their own log where they may not. */
export async function findsLog(addresses: readonly string[], name: string, token: string): Promise<boolean> {
  return (await textOf(addresses, name, `/${token}/log`)) === 'found';
}

async function textOf(addresses: readonly string[], name: string, path: string): Promise<string> {
  const asked = addresses.map((address) => get(address, name, path));
  return Promise.any(asked).catch((error: unknown) => {
    throw error instanceof AggregateError ? error.errors[0] : error;
  });
}

function get(host: string, name: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ASK_DEADLINE_MS);
    const headers = { host: name };
    const call = request({ host, port: READ_BACK_PORT, path, headers, agent: false, signal }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.on('error', reject).on('end', () => {
        if (answer.statusCode === 200) resolve(text);
        else reject(new Error(`nginx answered ${answer.statusCode ?? 0} on port ${READ_BACK_PORT}`));
      });
    });
    call.on('error', reject).end();
  });
}
