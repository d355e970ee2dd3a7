import { describe, expect, it } from 'vitest';
import { keptSpares, sparesText } from '../../src/adapters/proxy/nginx/spares.ts';
import type { Backend, RouteState } from '../../src/core/observed.ts';

const backends = (...names: readonly string[]): readonly Backend[] =>
  names.map((container) => ({ container, port: 3000, weight: 1 }));
const web = (...names: readonly string[]): RouteState => ({
  service: 'web',
  host: null,
  path: null,
  backends: backends(...names),
});

describe('the version before, behind the backends of a route', () => {
  const known = sparesText([{ ...web('green-1', 'green-2'), spare: backends('blue-1') }]);
  const kept = (...names: readonly string[]) => keptSpares([web(...names)], known)[0]?.spare;

  it('stays behind all of them, and behind those that are left when some have gone', () => {
    for (const names of [['green-1', 'green-2'], ['green-2']]) expect(kept(...names)).toEqual(backends('blue-1'));
  });

  it('stands behind nobody else', () => {
    for (const names of [['red-1'], ['green-1', 'red-1'], []]) expect(kept(...names)).toBeUndefined();
  });
});
