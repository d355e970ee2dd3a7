import { describe, expect, it } from 'vitest';
import { parseJsonPath, valueAt } from '../../src/core/json-path.ts';

const ANSWER = { status: 'ok', data: { result: [{ value: [1, '0.5'] }], 'a.b': true, none: null } };

describe('a path into JSON', () => {
  it.each([
    ['status', 'ok'],
    ['$.status', 'ok'],
    ['.status', 'ok'],
    ['data.result[0].value[1]', '0.5'],
    ['data["a.b"]', true],
    ["$['data']['a.b']", true],
    ['$', ANSWER],
    ['data.missing.more', undefined],
    ['data.none.more', undefined],
    ['data.result[7]', undefined],
    ['status.length', undefined],
    ['constructor', undefined],
  ])('%s', (text, expected) => {
    expect(valueAt(ANSWER, parseJsonPath(text) ?? ['no path'])).toEqual(expected);
  });

  it.each(['a..b', 'a.', 'a[', 'a[x]', 'a b', '[0', '..a'])('%s is none', (text) => {
    expect(parseJsonPath(text)).toBeNull();
  });
});
