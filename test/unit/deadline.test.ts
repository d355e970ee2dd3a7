import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as timeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask } from '../../src/adapters/http/ask.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let server: Server;
beforeEach(async () => {
  server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

describe('a question that nobody answers', () => {
  it('ends at its deadline, however much garbage is collected meanwhile', async () => {
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const question = { url, method: 'GET', headers: {}, body: null, timeoutMs: 300 };
    const answer = ask(question, new AbortController().signal);
    for (let passed = 0; passed < 10; passed += 1) {
      await timeout(20);
      collectGarbage();
    }
    const late = timeout(3000, 'nothing: it would have waited for ever');
    expect(await Promise.race([answer, late])).toEqual({ kind: 'none', reason: 'no answer within 300 ms' });
  });
});
