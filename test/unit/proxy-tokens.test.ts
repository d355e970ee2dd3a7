import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conditionText } from '../../src/adapters/proxy/caddy/condition.ts';
import { renderCaddy } from '../../src/adapters/proxy/caddy/render.ts';
import { featuresOf } from '../../src/adapters/proxy/nginx/features.ts';
import { renderNginx } from '../../src/adapters/proxy/nginx/render.ts';
import { matchedText, parseMatched } from '../../src/adapters/proxy/route-text.ts';
import { checkedRoutes } from '../../src/adapters/proxy/routes.ts';
import { packaged } from '../../src/adapters/proxy/template.ts';
import type { RouteState } from '../../src/core/observed.ts';

const [routes, readBack, http, log, all, route] = await Promise.all(
  [
    'caddy/routes.caddy.hbs',
    'caddy/read-back.caddy.hbs',
    'nginx/http.conf.hbs',
    'nginx/access-log.conf.hbs',
    'nginx/routes.conf.hbs',
    'nginx/route.conf.hbs',
  ].map(packaged),
);
if (!routes || !readBack || !http || !log || !all || !route) throw new Error('a template is missing');

const features = { ...featuresOf('nginx version: nginx/1.30.6'), ownPages: false };
const RENDERERS = {
  caddy: (given: readonly RouteState[]) =>
    renderCaddy(given, { project: 'shop', directory: '/etc/caddy/deploy-bg', templates: { routes, readBack } }),
  nginx: (given: readonly RouteState[]) =>
    renderNginx(given, {
      ...{ project: 'shop', directory: '/etc/nginx/deploy-bg', token: 'secret', features, endpoints: null },
      templates: { http, log, routes: all, route },
    }),
};

/** Everything that a person or a name can put into the files, with a value that means nothing to anybody. */
interface Values {
  readonly service: string;
  readonly host: string;
  readonly path: string;
  readonly container: string;
  readonly cookie: string;
  readonly header: string;
  readonly value: string;
}
const PLAIN: Values = { service: 'v', host: 'v', path: '/v', container: 'v', cookie: 'v', header: 'v', value: 'v' };

function routesOf({ service, host, path, container, cookie, header, value }: Values): readonly RouteState[] {
  const backends = [container, `${container}2`].map((name) => ({ container: name, port: 3000, weight: 1 }));
  const match = { headers: { [header]: value }, cookies: { [cookie]: 'b' } };
  const sticky = { cookie, maxAgeMs: 60_000, key: 'r1', candidates: [`${container}2`] };
  return [{ service, host, path, backends, matched: { match, backends }, sticky }];
}

/**
 * The kinds of tokens of a configuration, in order: words, quoted texts, and what ends or opens something. What a
 * value is made of does not show in it, unless the value is more than one token or takes part of its surroundings in.
 */
function shape(driver: keyof typeof RENDERERS, values: Values): string {
  return RENDERERS[driver](checkedRoutes(routesOf(values)))
    .files.flatMap(({ content }) => content.split('\n'))
    .filter((line) => !line.trim().startsWith('#'))
    .map((line) => line.replaceAll(/"(?:[^"\\]|\\.)*"|'[^']*'|`[^`]*`/g, 'Q').replaceAll(/[^\s;{}"'`#\\$()]+/g, 'w'))
    .join('\n');
}

/** Characters that mean something to one of the proxies are as likely as all others. */
const NASTY = Array.from(' ;{}"\'`#\\$()*:/=,\n\r\t%&~^<>[]|@\0\u2028\u00e9abcABC019._-');
const nasty = fc.string({ unit: fc.constantFrom(...NASTY), minLength: 1, maxLength: 8 });
const ordinary = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,6}[a-z0-9])?$/);
const either = fc.oneof(nasty, ordinary);

function accepted(values: Values): boolean {
  try {
    return checkedRoutes(routesOf(values)).length === 1;
  } catch {
    return false;
  }
}

describe.each(['caddy', 'nginx'] as const)('in the files of %s', (driver) => {
  it.each<[keyof Values, fc.Arbitrary<string>]>([
    ['service', either],
    [
      'host',
      fc.oneof(
        either,
        ordinary.map((text) => `*.${text}`),
      ),
    ],
    ['path', either.map((text) => `/${text}`)],
    ['container', either],
    ['cookie', either],
    ['header', either],
    ['value', either],
  ])('an accepted %s is one token, or no part of them at all', (key, arbitrary) => {
    const wildcard = shape(driver, { ...PLAIN, host: '*.v' });
    const plain = shape(driver, PLAIN);
    fc.assert(
      fc.property(arbitrary, (text) => {
        const values = { ...PLAIN, [key]: text };
        fc.pre(accepted(values));
        // `/` is no path, and then there is nothing to tell.
        fc.pre(key !== 'path' || /[^/*]/.test(text));
        expect(shape(driver, values)).toBe(text.startsWith('*.') ? wildcard : plain);
      }),
      { numRuns: 80 },
    );
  });
});

it.each([';', '{', '}', '\n', '"', "'", '$', '\\', '#', ' ', '`', '(', '\t', '\r', '\0'])(
  '%j is accepted in no name, host, path or cookie',
  (character) => {
    for (const key of ['service', 'host', 'path', 'container', 'cookie', 'header'] as const)
      for (const text of [`${PLAIN[key]}${character}`, `${PLAIN[key]}${character}x`, `${character}${PLAIN[key]}`])
        expect([key, accepted({ ...PLAIN, [key]: text })]).toEqual([key, false]);
  },
);

it('any accepted match is read back as it is, and stands on one line for Caddy', () => {
  fc.assert(
    fc.property(either, either, (header, value) => {
      const values = { ...PLAIN, header, value };
      fc.pre(accepted(values));
      const matched = routesOf(values)[0]?.matched;
      expect(parseMatched(matchedText(matched))).toEqual(matched);
      expect(conditionText(matched?.match).split('\t')).toHaveLength(2);
      expect(conditionText(matched?.match)).not.toMatch(/[\n\r]/);
    }),
  );
});
