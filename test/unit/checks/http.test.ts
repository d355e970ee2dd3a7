import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createChecker } from '../../../src/adapters/checks/checker.ts';
import type { Commands } from '../../../src/adapters/commands/commands.ts';
import type { CheckSpec, HttpQuestion, Raw } from '../../../src/core/checks.ts';
import { judge } from '../../../src/core/judge.ts';
import { bounds, check, context, listen, type Received } from '../../support/checks.ts';

const JSON_ANSWER = { data: { rate: 0.02, ok: false, list: [1], nothing: null }, name: 'v2' };
const received: Received[] = [];
let server: Awaited<ReturnType<typeof listen>>;

beforeAll(async () => {
  server = await listen((call, response) => {
    received.push(call);
    const { pathname } = new URL(call.request.url ?? '', 'http://x');
    if (pathname === '/late') setTimeout(() => response.end(), 5000).unref();
    else if (pathname === '/cut') call.request.socket.destroy();
    else if (pathname === '/json') response.end(JSON.stringify(JSON_ANSWER));
    else if (pathname === '/text') response.end(' 41 \n');
    else if (pathname === '/long') response.end('x'.repeat(2 * 1024 * 1024));
    else response.writeHead(Number(pathname.slice(1))).end(pathname === '/204' ? undefined : 'the  cause\nof it');
  });
});
afterAll(() => {
  server.close();
});

const checker = createChecker({ commands: {} as Commands, accessLog: null });
const never = new AbortController().signal;

function http(path: string, question: Partial<HttpQuestion> = {}, over: Partial<CheckSpec> = {}): CheckSpec {
  const asked = { url: `${server.url}${path}`, method: 'GET', headers: {}, body: null, json: null, ...question };
  return check({ provider: { kind: 'http', ...asked }, timeoutMs: 10_000, ...over });
}

const measure = (spec: CheckSpec, signal = never): Promise<Raw> => checker.measure(spec, context(), signal);

describe('an HTTP check', () => {
  it.each([
    ['/500', 'error', /^answered 500: the cause of it$/],
    ['/204', 'pass', /^answered 204 in \d+ ms$/],
    ['/200', 'pass', /^answered 200 in \d+ ms$/],
    ['/302', 'error', /^answered 302/],
    ['/404', 'error', /^answered 404/],
    ['/cut', 'error', /^connection closed without an answer$/],
    ['/long', 'error', /^the answer is longer than a megabyte$/],
  ])('A11 of %s is %s', async (path, kind, text) => {
    const outcome = judge(check(), await measure(http(path)));
    expect(outcome.kind).toBe(kind);
    expect(outcome.text).toMatch(text);
  });

  it('A11 of an answer that is late is error', async () => {
    const outcome = judge(check(), await measure(http('/late', {}, { timeoutMs: 300 })));
    expect(outcome).toMatchObject({ kind: 'error', text: 'no answer within 300 ms' });
  });

  it.each([
    ['a number', 'data.rate', { kind: 'value', value: 0.02, detail: null }],
    ['a text', 'name', { kind: 'value', value: 'v2', detail: null }],
    ['a truth', 'data.ok', { kind: 'value', value: false, detail: 'data.ok is false' }],
    ['nothing', 'data.more', { kind: 'no-data', detail: 'the answer has nothing at data.more' }],
    ['null', 'data.nothing', { kind: 'no-data', detail: 'the answer has nothing at data.nothing' }],
    ['a list', 'data.list', { kind: 'error', detail: 'the answer has more than one value at data.list' }],
  ])('takes its value out of JSON: %s', async (_, json, expected) => {
    expect(await measure(http('/json', { json }))).toEqual(expected);
  });

  it('says what is no JSON', async () => {
    expect(await measure(http('/200', { json: 'a' }))).toEqual({
      kind: 'error',
      detail: 'the answer is no JSON: the cause of it',
    });
  });

  it('compares the whole text where it has bounds and no path', async () => {
    const spec = http('/text', {}, { pass: bounds({ max: 41 }) });
    expect(judge(spec, await measure(spec))).toEqual({ kind: 'pass', text: '"41", wanted at most 41' });
  });

  it('sends method, headers, body and the credentials of its URL', async () => {
    const url = server.url.replace('//', '//anna:s%40cret@');
    await measure(http('', { url: `${url}/200?a=b`, method: 'POST', headers: { 'x-token': 't0p' }, body: '{"a":1}' }));
    const { request, body } = received.at(-1) ?? {};
    expect(request).toMatchObject({ method: 'POST', url: '/200?a=b' });
    expect(request?.headers).toMatchObject({
      'x-token': 't0p',
      authorization: `Basic ${Buffer.from('anna:s@cret').toString('base64')}`,
    });
    expect(body).toBe('{"a":1}');
  });

  it('ends when it is stopped', async () => {
    const stop = new AbortController();
    const measured = measure(http('/late', {}, { timeoutMs: 60_000 }), stop.signal);
    stop.abort();
    expect((await measured).kind).toBe('error');
  });

  it.each(['no url', 'http://127.0.0.1:1/', 'ftp://x/'])('never throws: %s', async (url) => {
    expect((await measure(http('', { url }))).kind).toBe('error');
  });
});
