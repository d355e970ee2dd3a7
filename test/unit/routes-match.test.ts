import { describe, expect, it } from 'vitest';
import type { Backend, RouteState, Sticky } from '../../src/core/observed.ts';
import { routesMatch } from '../../src/core/routes-match.ts';

const of = (container: string, weight = 1): Backend => ({ container, port: 3000, weight });

function route(over: Partial<RouteState> = {}): RouteState {
  return { service: 'web', host: null, path: null, backends: [of('a', 3), of('b', 1)], ...over };
}

/** True if a proxy that says the one is taken to do the other. */
function matches(read: RouteState, wanted: RouteState, parts: number | null = null): boolean {
  return routesMatch({ kind: 'routes', routes: [read], parts }, [wanted]);
}

describe('what a proxy says is what is wanted if', () => {
  it('its backends have the same shares, whatever their order and unit', () => {
    expect(matches(route(), route({ backends: [of('b', 2), of('a', 6)] }))).toBe(true);
    expect(matches(route(), route({ backends: [of('a', 2), of('b', 1)] }))).toBe(false);
    expect(matches(route(), route({ backends: [of('a')] }))).toBe(false);
  });

  it('its shares are as near as its parts allow', () => {
    const exact = route({ backends: [of('a', 99), of('b', 1)] });
    expect(matches(route({ backends: [of('a', 119), of('b', 1)] }), exact, 120)).toBe(true);
    expect(matches(route({ backends: [of('a', 119), of('b', 1)] }), exact)).toBe(false);
  });

  it('it answers at all', () => {
    expect(routesMatch({ kind: 'unreadable', reason: 'silent' }, [])).toBe(false);
  });

  it('it copies as many requests, to the same backends', () => {
    const mirror = { percent: 25, backends: [of('c')] };
    expect(matches(route({ mirror }), route({ mirror: { ...mirror, backends: [of('c', 4)] } }))).toBe(true);
    expect(matches(route({ mirror: { ...mirror, percent: 50 } }), route({ mirror }))).toBe(false);
    expect(matches(route({ mirror: { ...mirror, backends: [of('d')] } }), route({ mirror }))).toBe(false);
    expect(matches(route({ mirror }), route())).toBe(false);
    expect(matches(route(), route({ mirror }))).toBe(false);
  });

  it('the same requests match, to the same backends', () => {
    const matched = { match: { headers: { a: '1', b: '2' }, cookies: {} }, backends: [of('c')] };
    const turned = { ...matched, match: { headers: { b: '2', a: '1' }, cookies: {} } };
    expect(matches(route({ matched }), route({ matched: turned }))).toBe(true);
    expect(matches(route({ matched }), route())).toBe(false);
    expect(matches(route({ matched }), route({ matched: { ...matched, backends: [of('d')] } }))).toBe(false);
  });

  describe('clients are kept', () => {
    const sticky: Sticky = { cookie: 'side', maxAgeMs: 60_000, key: 'r1', candidates: ['b', 'c'] };

    it('by the same cookie for the same time, with the same key', () => {
      expect(matches(route({ sticky }), route({ sticky: { ...sticky, candidates: ['c', 'b'] } }))).toBe(true);
      for (const other of [{ cookie: 'other' }, { maxAgeMs: 1000 }, { key: 'r2' }])
        expect(matches(route({ sticky: { ...sticky, ...other } }), route({ sticky })), JSON.stringify(other)).toBe(
          false,
        );
    });

    it('by the same candidates', () => {
      expect(matches(route({ sticky: { ...sticky, candidates: ['b'] } }), route({ sticky }))).toBe(false);
    });

    it('by both or by neither', () => {
      expect(matches(route({ sticky }), route())).toBe(false);
      expect(matches(route(), route({ sticky }))).toBe(false);
    });
  });
});
