import { describe, expect, test } from 'vitest';
import { checkedFolder, checkedRoutes, sameRoutes } from '../../src/adapters/proxy/routes.ts';
import type { Backend, RouteState, Sticky } from '../../src/core/observed.ts';

function route(more: Partial<RouteState> = {}): RouteState {
  return { service: 'web', host: null, path: null, backends: [], ...more };
}

function backend(more: Partial<Backend> = {}): Backend {
  return { container: 'shop-green-web-green-1', port: 3000, weight: 1, ...more };
}

function matching(
  headers: Record<string, string>,
  cookies: Record<string, string> = {},
  container = 'shop-green-web-green-1',
): RouteState {
  return route({ matched: { match: { headers, cookies }, backends: [backend({ container })] } });
}

function sticking(more: Partial<Sticky>): RouteState {
  return route({ sticky: { cookie: 'deploy-bg', maxAgeMs: 60_000, key: 'r', candidates: [], ...more } });
}

describe('routes that may be written into a proxy', () => {
  test.each([
    ['/', null],
    ['/*', null],
    ['/api', '/api'],
    ['/api/', '/api'],
    ['/api/*', '/api'],
    [null, null],
  ])('path %s is %s', (path, normal) => {
    expect(checkedRoutes([route({ path })])[0]?.path).toBe(normal);
  });

  test.each<[string, RouteState]>([
    ['a service that ends its line', route({ service: 'web;\n}' })],
    ['a service that leaves the folder', route({ service: '../web' })],
    ['a host with a placeholder', route({ host: '{env.SECRET}' })],
    ['a host with a variable', route({ host: '$host' })],
    ['two hosts', route({ host: 'a.example b.example' })],
    ['a path with a brace', route({ path: '/a{' })],
    ['a path with a space', route({ path: '/a b' })],
    ['a path with a newline', route({ path: '/a\nb' })],
    ['a relative path', route({ path: 'api' })],
    ['a container with a newline', route({ backends: [backend({ container: 'a\nb' })] })],
    ['a container with a brace', route({ backends: [backend({ container: '{env.X}' })] })],
    ['a container that DNS cannot carry', route({ backends: [backend({ container: 'a'.repeat(64) })] })],
    ['port 0', route({ backends: [backend({ port: 0 })] })],
    ['a port that is none', route({ backends: [backend({ port: 3000.5 })] })],
    ['weight 0', route({ backends: [backend({ weight: 0 })] })],
    ['an endless weight', route({ backends: [backend({ weight: Infinity })] })],
    ['a match of nothing', matching({})],
    ['a match by host', matching({ Host: 'x' })],
    ['a header that nginx drops', matching({ x_canary: '1' })],
    ['a header that is another placeholder', matching({ 'X}{env.SECRET': '1' })],
    ['a value with a newline', matching({ 'X-Canary': 'a\nb' })],
    ['a value with a tab', matching({ 'X-Canary': 'a\tb' })],
    ['a value that ends with a space', matching({ 'X-Canary': 'a ' })],
    ['an empty value', matching({ 'X-Canary': '' })],
    ['a value beyond ASCII', matching({ 'X-Canary': 'é' })],
    ['a cookie of two', matching({}, { 'a; b': '1' })],
    ['a cookie’s value of two', matching({}, { a: '1; b=2' })],
    ['a cookie that ends its line', sticking({ cookie: 'a;' })],
    ['a cookie that lives for no time', sticking({ maxAgeMs: 0 })],
    ['a key with a quote', sticking({ key: 'a"' })],
    ['a candidate with a comma', sticking({ candidates: ['a,b'] })],
    ['a mirror of nothing', route({ mirror: { percent: 0, backends: [backend()] } })],
    ['a mirror to nobody', route({ mirror: { percent: 5, backends: [] } })],
    ['a matched container with a newline', matching({ a: 'b' }, {}, 'a\nb')],
  ])('refuses %s', (_, refused) => {
    expect(() => checkedRoutes([refused])).toThrow(expect.objectContaining({ code: 'invalid-config' }));
  });

  test('refuses two routes for one place, and tells all findings at once', () => {
    const refused = [route(), route({ service: 'api', path: '/' }), route({ service: '{', host: '}' })];
    expect(() => checkedRoutes(refused)).toThrow(
      expect.objectContaining({
        details: [
          'route "{": not a service name',
          'route "{": not a host name: "}"',
          'two routes for host (any), path /',
        ],
      }),
    );
  });

  test('accepts what Compose and DNS allow', () => {
    const routes = [
      route({ host: '*.shop.example', path: '/api/v1.2/~a-b_c', backends: [backend()] }),
      route({ service: 'a_b.c-d', host: 'localhost' }),
    ];
    expect(checkedRoutes(routes).map(({ service }) => service)).toEqual(['a_b.c-d', 'web']);
  });

  test('a folder cannot break out either', () => {
    expect(checkedFolder('/etc/caddy/deploy-bg')).toBe('/etc/caddy/deploy-bg');
    expect(() => checkedFolder('/etc/caddy/deploy bg')).toThrow();
    expect(() => checkedFolder('/etc/{env.X}')).toThrow();
  });
});

describe('sameRoutes', () => {
  const [a, b] = [backend({ container: 'a' }), backend({ container: 'b' })];

  test('neither order nor unit counts', () => {
    const one = [route({ backends: [a, { ...b, weight: 3 }] }), route({ service: 'api' })];
    const two = [
      route({ service: 'api' }),
      route({
        backends: [
          { ...b, weight: 6 },
          { ...a, weight: 2 },
        ],
      }),
    ];
    expect(sameRoutes(one, two)).toBe(true);
  });

  test.each<[string, RouteState]>([
    ['another share', route({ backends: [a, { ...b, weight: 2 }] })],
    ['another port', route({ backends: [a, { ...b, port: 1 }] })],
    ['another host', route({ host: 'x', backends: [a, b] })],
    ['one backend less', route({ backends: [a] })],
    ['a mirror', route({ backends: [a, b], mirror: { percent: 5, backends: [a] } })],
    ['a cookie', { ...sticking({}), backends: [a, b] }],
    ['a match', { ...matching({ a: 'b' }), backends: [a, b] }],
  ])('%s counts', (_, other) => {
    expect(sameRoutes([route({ backends: [a, b] })], [other])).toBe(false);
  });
});
