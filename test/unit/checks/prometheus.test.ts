import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createChecker } from '../../../src/adapters/checks/checker.ts';
import type { Commands } from '../../../src/adapters/commands/commands.ts';
import type { Raw } from '../../../src/core/checks.ts';
import { check, context, listen } from '../../support/checks.ts';

/** Answers by query, in the form of Prometheus' HTTP API. */
const ANSWERS: Readonly<Record<string, unknown>> = {
  scalar: { status: 'success', data: { resultType: 'scalar', result: [1.5, '0.25'] } },
  one: { status: 'success', data: { resultType: 'vector', result: [{ metric: { a: 'b' }, value: [1.5, '3'] }] } },
  two: {
    status: 'success',
    data: { resultType: 'vector', result: [{ value: [1, '3'] }, { value: [1, '4'] }] },
  },
  none: { status: 'success', data: { resultType: 'vector', result: [] } },
  nan: { status: 'success', data: { resultType: 'scalar', result: [1, 'NaN'] } },
  infinite: { status: 'success', data: { resultType: 'scalar', result: [1, '+Inf'] } },
  range: { status: 'success', data: { resultType: 'matrix', result: [] } },
  wrong: { status: 'error', errorType: 'bad_data', error: 'parse error: unexpected end of input' },
  odd: { status: 'success' },
};

let server: Awaited<ReturnType<typeof listen>>;
const asked: string[] = [];

beforeAll(async () => {
  server = await listen(({ request }, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    asked.push(`${url.pathname}${url.search}`);
    const query = url.searchParams.get('query') ?? '';
    response.statusCode = query === 'wrong' ? 400 : 200;
    response.end(JSON.stringify(ANSWERS[query] ?? 'no JSON of ours'));
  });
});
afterAll(() => {
  server.close();
});

const checker = createChecker({ commands: {} as Commands, accessLog: null });

function measure(query: string, path = ''): Promise<Raw> {
  const provider = { kind: 'prometheus', url: `${server.url}${path}`, query } as const;
  return checker.measure(check({ provider, timeoutMs: 1000 }), context(), new AbortController().signal);
}

describe('a Prometheus check', () => {
  it.each([
    ['a scalar', 'scalar', { kind: 'value', value: 0.25, detail: null }],
    ['a vector of one sample', 'one', { kind: 'value', value: 3, detail: null }],
    ['infinite', 'infinite', { kind: 'value', value: Infinity, detail: null }],
    ['an empty vector', 'none', { kind: 'no-data', detail: 'the query gives no sample' }],
    ['NaN', 'nan', { kind: 'no-data', detail: 'the query gives NaN' }],
    ['several samples', 'two', { kind: 'error', detail: 'the query gives 2 samples; wrap it in sum(…) or max(…)' }],
    ['a matrix', 'range', { kind: 'error', detail: 'the query gives a matrix, not one number' }],
    ['a query that is refused', 'wrong', { kind: 'error', detail: 'Prometheus: parse error: unexpected end of input' }],
    ['an answer of another kind', 'odd', { kind: 'error', detail: 'Prometheus answered 200, and no result' }],
    ['no JSON', 'else', { kind: 'error', detail: 'Prometheus answered 200, and no result' }],
  ])('%s', async (_, query, expected) => {
    expect(await measure(query)).toEqual(expected);
  });

  it('goes to the API under the path of the server, and keeps its parameters', async () => {
    await measure('one', '/prometheus/?tenant=a');
    expect(asked.at(-1)).toBe('/prometheus/api/v1/query?tenant=a&query=one');
  });

  it('an unreachable server is an error', async () => {
    const provider = { kind: 'prometheus', url: 'http://127.0.0.1:1', query: 'x' } as const;
    const raw = await checker.measure(check({ provider }), context(), new AbortController().signal);
    expect(raw).toEqual({ kind: 'error', detail: 'Prometheus: connection refused' });
  });
});
