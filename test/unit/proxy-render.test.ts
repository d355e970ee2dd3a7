import { describe, expect, test } from 'vitest';
import { parseAnswer } from '../../src/adapters/proxy/answer.ts';
import { parseReadBack, parseUpstreams } from '../../src/adapters/proxy/caddy/read-back.ts';
import { configArguments } from '../../src/adapters/proxy/caddy/command.ts';
import { renderCaddy } from '../../src/adapters/proxy/caddy/render.ts';
import { checkAble, refuseMirror } from '../../src/adapters/proxy/caddy/check.ts';
import { conditionText } from '../../src/adapters/proxy/caddy/condition.ts';
import { matchedSlotAddresses, slotAddresses, stickingText } from '../../src/adapters/proxy/caddy/slots.ts';
import { hasOwnPages } from '../../src/adapters/proxy/nginx/own-pages.ts';
import { nginxCommand } from '../../src/adapters/proxy/nginx/in-container.ts';
import { featuresOf, OLDEST } from '../../src/adapters/proxy/nginx/features.ts';
import { locations } from '../../src/adapters/proxy/nginx/locations.ts';
import { handsOver, renderNginx } from '../../src/adapters/proxy/nginx/render.ts';
import { DOOR } from '../../src/adapters/proxy/nginx/upstreams.ts';
import { compileTemplate } from '../../src/adapters/proxy/compile-template.ts';
import { backendsText, matchedText, stickyText } from '../../src/adapters/proxy/route-text.ts';
import { packaged } from '../../src/adapters/proxy/template.ts';
import type { RouteState } from '../../src/core/observed.ts';

const CADDY = {
  project: 'shop',
  directory: '/etc/caddy/deploy-bg',
  templates: {
    routes: await packaged('caddy/routes.caddy.hbs'),
    readBack: await packaged('caddy/read-back.caddy.hbs'),
  },
};
const NGINX = {
  project: 'shop',
  directory: '/etc/nginx/deploy-bg',
  token: 'secret',
  features: { ...featuresOf('nginx version: nginx/1.30.6'), ownPages: false },
  endpoints: null,
  templates: {
    http: await packaged('nginx/http.conf.hbs'),
    log: await packaged('nginx/access-log.conf.hbs'),
    routes: await packaged('nginx/routes.conf.hbs'),
    route: await packaged('nginx/route.conf.hbs'),
  },
};

function route(service: string, host: string | null, path: string | null, ...containers: string[]): RouteState {
  return { service, host, path, backends: containers.map((container) => ({ container, port: 3000, weight: 2 })) };
}

const backends = (...names: readonly string[]) => names.map((container) => ({ container, port: 3000, weight: 2 }));
const MATCHED = {
  match: { headers: { 'X-Canary': 'a "b"=c' }, cookies: { beta: '1+1', alpha: 'x' } },
  backends: [{ container: 'web-9', port: 3000, weight: 1 }],
};
const STICKY = { cookie: 'deploy-bg', maxAgeMs: 3_600_000, key: 'release-2', candidates: ['b'] };
const STICKY_WEB = { ...route('web', null, null, 'a', 'b'), sticky: STICKY };
const ROUTES = [route('web', null, null, 'web-1', 'web-2'), route('api', 'shop.example', '/api')];

function content(files: readonly { readonly file: string; readonly content: string }[], name: string): string {
  return files.find(({ file }) => file === name)?.content ?? '';
}

/** After that the kernel dials once more: by then somebody else may have the address. */
const DIALLED_AGAIN_MS = 1000;

test.each([
  ['caddy', content(renderCaddy(ROUTES, CADDY).files, 'routes.caddy'), /dial_timeout (\d+)ms/],
  ['nginx', content(renderNginx(ROUTES, NGINX).files, 'route-web.conf'), /proxy_connect_timeout (\d+)ms/],
])('%s dials a replica for less than a second', (_, text, pattern) => {
  expect(Number(pattern.exec(text)?.[1])).toBeLessThan(DIALLED_AGAIN_MS);
});

describe('caddy', () => {
  test('the configuration does not depend on backends, so that a switch needs no reload', () => {
    const other = [route('web', null, null, 'web-9'), route('api', 'shop.example', '/api', 'api-1')];
    expect(renderCaddy(other, CADDY)).toEqual(renderCaddy(ROUTES, CADDY));
  });

  test('a template without the part that matches is refused as soon as something is to match', () => {
    const own = { ...CADDY.templates, routes: { name: 'own.hbs', render: compileTemplate('# nothing') } };
    const place = { project: 'shop', service: 'proxy', output: '/x', mounted: CADDY.directory, template: 'own.hbs' };
    const config = renderCaddy(ROUTES, { ...CADDY, templates: own });
    expect(() => {
      checkAble(config, place, ROUTES);
    }).not.toThrow();
    const matching = ROUTES.map((each) => ({ ...each, matched: MATCHED }));
    expect(() => {
      checkAble(config, place, matching);
    }).toThrow(expect.objectContaining({ code: 'invalid-config' }));
    expect(() => {
      checkAble(renderCaddy(matching, CADDY), place, matching);
    }).not.toThrow();
  });

  test('the digest is that of the routes and is answered', () => {
    const { digest, files } = renderCaddy(ROUTES, CADDY);
    expect(content(files, 'read-back.caddy')).toContain(`config ${digest}`);
    expect(renderCaddy([route('web', null, null)], CADDY).digest).not.toBe(digest);
  });

  test('the more specific route comes first', () => {
    const text = content(renderCaddy(ROUTES, CADDY).files, 'routes.caddy');
    expect(text.indexOf('handle @api')).toBeGreaterThan(0);
    expect(text.indexOf('import deploy-bg-api')).toBeLessThan(text.indexOf('import deploy-bg-web'));
    expect(text).toContain('path /api /api/*');
  });

  test('a template that names what is not there is an error', () => {
    const templates = { ...CADDY.templates, routes: { name: 'own.hbs', render: compileTemplate('{{projct}}') } };
    expect(() => renderCaddy(ROUTES, { ...CADDY, templates })).toThrow(
      expect.objectContaining({ code: 'proxy-rejected' }),
    );
  });

  /** What Caddy answers for one route. */
  function readBack(said: RouteState, slots: RouteState, match = conditionText(said.matched?.match)): string {
    return [
      'config abc',
      'route web - /x',
      'state web on',
      `backends web ${backendsText(said.backends)}`,
      `slots web ${slotAddresses(slots).join(' ')}`,
      `matched web ${matchedText(said.matched)}`,
      `match web ${match}`,
      `matched-slots web ${matchedSlotAddresses(slots).join(' ')}`,
      `sticky web ${stickyText(said.sticky)}`,
      `sticking web ${stickingText(slots)}`,
    ].join('\n');
  }

  test('reads back what the slots hold', () => {
    const said = route('web', null, '/x', 'web-1', 'web-2');
    expect(parseReadBack(readBack(said, said))).toEqual({ digest: 'abc', routes: [said], faults: [] });
  });

  test('believes the slots where they disagree with the list, and says so', () => {
    const read = parseReadBack(readBack(route('web', null, '/x', 'web-1'), route('web', null, '/x', 'a', 'b', 'b')));
    expect(read?.faults).toEqual(['the slots of web are not what its list of backends says']);
    expect(read?.routes[0]?.backends).toEqual([
      { container: 'a', port: 3000, weight: 1 },
      { container: 'b', port: 3000, weight: 2 },
    ]);
  });

  test('reads back who matches, and says where it is not so', () => {
    const said = { ...route('web', null, '/x', 'web-1'), matched: MATCHED };
    expect(parseReadBack(readBack(said, said))).toEqual({ digest: 'abc', routes: [said], faults: [] });
    expect(parseReadBack(readBack(said, said, 'none'))?.faults).toEqual(['web matches by something else']);
    const elsewhere = { ...said, matched: { ...MATCHED, backends: said.backends } };
    expect(parseReadBack(readBack(said, elsewhere))?.faults).toHaveLength(1);
  });

  test('reads back who keeps clients, and says where it is not so', () => {
    const said = { ...route('web', null, '/x', 'a', 'b'), sticky: STICKY };
    expect(parseReadBack(readBack(said, said))).toEqual({ digest: 'abc', routes: [said], faults: [] });
    const text = readBack(said, said).replace('sticking web on', 'sticking web off');
    expect(parseReadBack(text)?.faults).toHaveLength(1);
    const alone = { ...said, sticky: { ...STICKY, candidates: [] } };
    expect(parseReadBack(readBack(alone, alone))?.routes).toEqual([alone]);
  });

  test('the cookie is part of the configuration, and who serves is not', () => {
    const [one, two] = [['a'], ['a', 'b']].map((names) => [{ ...route('web', null, null, ...names), sticky: STICKY }]);
    expect(renderCaddy(one ?? [], CADDY)).toEqual(renderCaddy(two ?? [], CADDY));
    const text = content(renderCaddy(one ?? [], CADDY).files, 'routes.caddy');
    expect(text).toMatch(/lb_policy cookie deploy-bg \{\s+fallback round_robin\s+max_age 3600s/);
  });

  test('the configuration does not depend on what is matched either', () => {
    const matching = ROUTES.map((each) => ({ ...each, matched: MATCHED }));
    expect(renderCaddy(matching, CADDY)).toEqual(renderCaddy(ROUTES, CADDY));
  });

  test('a page that is no read-back is not one', () => {
    expect(parseReadBack('<html>')).toBeNull();
    expect(parseAnswer('')).toBeNull();
  });

  test('requests in flight are summed by host; what is not understood is not zero', () => {
    const text =
      '[{"address":"tcp/{file.x}","num_requests":1},{"address":"a:1","num_requests":2},{"address":"a:2","num_requests":1}]';
    expect(parseUpstreams(text)?.get('a')).toBe(3);
    expect(parseUpstreams('[]')?.size).toBe(0);
    expect(parseUpstreams('{"error":"x"}')).toBeNull();
    expect(parseUpstreams('[{"address":"a"}]')).toBeNull();
    expect(parseUpstreams('no json')).toBeNull();
  });

  test.each([
    [
      ['caddy', 'run', '--config', '/c/My', '--adapter', 'nginx'],
      ['--config', '/c/My', '--adapter', 'nginx'],
    ],
    [
      ['caddy', 'run', '--config=/c/Caddyfile'],
      ['--config', '/c/Caddyfile', '--adapter', 'caddyfile'],
    ],
    [
      ['caddy', 'run', '-c', '/c/caddy.json'],
      ['--config', '/c/caddy.json'],
    ],
    [
      ['caddy', 'run'],
      ['--config', '/etc/caddy/Caddyfile', '--adapter', 'caddyfile'],
    ],
  ])('%j runs with %j', (command, expected) => {
    expect(configArguments(command)).toEqual(expected);
  });
});

describe('nginx', () => {
  test('weights are in their smallest numbers, names are followed, a fallback resolves', () => {
    const http = content(renderNginx(ROUTES, NGINX).files, 'http.conf');
    expect(http).toContain('server web-1:3000 resolve weight=1 max_fails=0;');
    expect(http).toMatch(/server 127\.89\.\d+\.\d+:8088 backup max_fails=0;/);
    expect(http).toContain('50.00% web-1:3000;');
    expect(http).toContain('keepalive_min_timeout 2s;');
    expect(http).not.toContain('upstream deploy-bg-api');
  });

  test('an old nginx gets nothing that it does not know', () => {
    const { files } = renderNginx(ROUTES, { ...NGINX, features: OLDEST });
    const http = content(files, 'http.conf');
    expect(content(files, 'routes.conf')).not.toContain('error_page');
    expect(http).not.toMatch(/keepalive_min_timeout| resolve |backup|bytes_sent/);
    expect(http).toMatch(/server 127\.89\.\d+\.\d+:8088 max_fails=0;/);
  });

  test('each location with a backend has one of its own for requests that nobody was asked for', () => {
    const text = content(
      renderNginx([route('web', null, null, 'web-1'), route('api', null, '/api')], NGINX).files,
      'routes.conf',
    );
    expect(text.match(/error_page 502 = @deploy-bg-again-\d+;/g)).toHaveLength(1);
    expect(text.match(/location @deploy-bg-again-\d+ {[^}]*}[^}]*proxy_pass http:\/\/deploy-bg-web;/g)).toHaveLength(1);
  });

  test.each([
    ['a route', { ...route('my.web', null, null, 'web-2'), spare: [] }, [], []],
    [
      'one with a version before',
      { ...route('my.web', null, null, 'b'), spare: backends('a') },
      ['deploy-bg-my.web deploy_bg_spare-my.web'],
      ['a'],
    ],
    [
      'a sticky one',
      { ...route('web', null, null, 'a', 'b'), sticky: STICKY },
      ['deploy_bg_candidate-web deploy_bg_stable-web'],
      [],
    ],
  ])('who stands behind the backends of %s', (_, wanted, expected, spares) => {
    const { files } = renderNginx([wanted], NGINX);
    const http = content(files, 'http.conf');
    const map = /map \$deploy_bg_asked \$deploy_bg_behind {([^}]*)}/.exec(http)?.[1] ?? '';
    const groups = [...map.matchAll(/"~\^(.*)\$" (.*);/g)].map(([, pattern = '', name = '']) => {
      return `${pattern.replaceAll('\\.', '.')} ${name}`;
    });
    expect(groups).toEqual(expected);
    expect(content(files, 'routes.conf').includes('location @deploy-bg-behind-0 {')).toBe(groups.length > 0);
    // The version before has the relay that it had when it served, and nobody else looks for its names.
    const [relay = ''] =
      /listen 127[^;]*;/.exec(content(renderNginx([route('my.web', null, null, 'a')], NGINX).files, 'http.conf')) ?? [];
    expect(http.includes(relay)).toBe(spares.length > 0);
    for (const name of spares) expect(http).not.toContain(`server ${name}:`);
  });

  test('a worker of another configuration gets whoever a service has in this one, if it asks by any of its groups', () => {
    const sticky = { ...route('my.web', null, null, 'a', 'b'), sticky: STICKY };
    const http = content(
      renderNginx([sticky, route('web', null, '/web', 'c'), route('api', null, '/api')], NGINX).files,
      'http.conf',
    );
    const map = /map \$http_deploy_bg_asked \$deploy_bg_now {(.*?)\n}/s.exec(http)?.[1] ?? '';
    const doors = [...map.matchAll(/"~(.*)" (.*);/g)].map(([, pattern = '', to = '']) => ({
      pattern: new RegExp(pattern),
      to,
    }));
    const to = (asked: string) => doors.find(({ pattern }) => pattern.test(asked))?.to ?? null;
    const before = '0123456789abcdef';
    for (const group of ['deploy-bg-my.web', 'deploy_bg_spare-my.web'])
      expect(to(`${before} ${group}`)).toBe('$deploy_bg_to_my_46_web');
    for (const side of ['deploy_bg_candidate-my.web', 'deploy_bg_stable-my.web'])
      expect(to(`${before} ${side}`)).toBe(side);
    expect(to(`${before} deploy-bg-web`)).toBe('deploy-bg-web');
    expect(to(`${before} deploy-bg-web, ${before} deploy-bg-my.web`)).toBeNull();
    expect(to(`${before} deploy-bg-api`)).toBe('off');
    for (const nobody of ['deploy-bg-myxweb', 'deploy-bg-other-web']) expect(to(`${before} ${nobody}`)).toBeNull();
    const { digest } = renderNginx([sticky, route('web', null, '/web', 'c'), route('api', null, '/api')], NGINX);
    expect(to(`${digest} deploy-bg-web`)).toBe('""');
  });

  test('workers of a configuration that is over ask another one by service, wherever a request comes to', () => {
    const routes = [
      route('web', null, null, 'a'),
      route('shop', 'shop.example', null, 'b'),
      route('api', null, '/api'),
    ];
    const text = content(renderNginx(routes, NGINX).files, 'routes.conf');
    const parts = text.split(/^location /m).slice(1);
    const [ways, others] = [
      parts.filter((part) => !part.startsWith('@')),
      parts.filter((part) => part.startsWith('@')),
    ];
    expect(ways).toHaveLength(3);
    for (const way of ways) {
      const over = /error_page 421 = (@\S+);[^]*if \(-f \$deploy_bg_over\) {\s+return 421;/.exec(way)?.[1] ?? '?';
      expect(others.find((part) => part.startsWith(`${over} {`))).toMatch(
        /Deploy-Bg-Asked "0{16} deploy-bg-\$deploy_bg_service";[^]*proxy_pass http:\/\/deploy_bg_now;/,
      );
    }
    expect(ways[0]).toMatch(/\$deploy_bg_service "web";[^]*shop\.example"\) {\s+set \$deploy_bg_service "shop";/);
  });

  test.each([
    ['another replica', ROUTES, ROUTES.map((each) => ({ ...each, backends: backends('x') })), true],
    ['a service somewhere else', ROUTES, [route('web', null, '/shop', 'x')], false],
    ['a service more', ROUTES, [...ROUTES, route('more', null, '/more', 'x')], false],
    ['clients that begin to stay on a side', [route('web', null, null, 'a')], [STICKY_WEB], false],
    ['clients that stay on a side', [STICKY_WEB], [STICKY_WEB], true],
    ['clients that stay on none any more', [STICKY_WEB], [route('web', null, null, 'b')], true],
  ])('what comes to old workers can be handed over to a configuration with %s: %#', (_, before, after, expected) => {
    const http = (routes: readonly RouteState[]) => content(renderNginx(routes, NGINX).files, 'http.conf');
    expect(handsOver(http(before), http(after))).toBe(expected);
  });

  test('nothing is handed over to or from a configuration without a door', () => {
    const features = { ...NGINX.features, ownPages: true };
    const without = content(renderNginx(ROUTES, { ...NGINX, features }).files, 'http.conf');
    const withDoor = content(renderNginx(ROUTES, NGINX).files, 'http.conf');
    expect([handsOver(without, withDoor), handsOver(withDoor, without)]).toEqual([false, false]);
  });

  test.each([
    ['over TLS', 'proxy_pass https://{{upstream}};\nproxy_set_header Host $http_host;'],
    ['without a host', 'proxy_pass http://{{upstream}};\nproxy_set_header X-A b;'],
    ['with a cache', 'proxy_cache c;\nproxy_pass http://{{upstream}};\nproxy_set_header Host $http_host;'],
  ])('a template that asks %s keeps its requests: no other worker is asked', (_, own) => {
    const templates = { ...NGINX.templates, route: { name: 'own.hbs', render: compileTemplate(own) } };
    const { files } = renderNginx(ROUTES, { ...NGINX, templates });
    expect(files.map(({ content: text }) => text).join('')).not.toContain(DOOR.name);
  });

  test('a server’s own pages for errors are inherited by every location', () => {
    const { files } = renderNginx(ROUTES, { ...NGINX, features: { ...NGINX.features, ownPages: true } });
    expect(files.map(({ content: text }) => text).join('')).not.toMatch(/error_page|deploy_bg_unasked/);
  });

  test('a template that inherits its headers keeps them: no other worker is asked', () => {
    const templates = {
      ...NGINX.templates,
      route: { name: 'own.hbs', render: compileTemplate('proxy_pass http://{{upstream}};') },
    };
    const text = renderNginx(ROUTES, { ...NGINX, templates })
      .files.map(({ content: each }) => each)
      .join('');
    expect(text).toContain('error_page 502 = @deploy-bg-again-');
    expect(text).not.toMatch(/deploy_bg_now|Deploy-Bg-Asked/);
  });

  test('nothing is asked again where a template of the user’s keeps no bodies', () => {
    const own = 'proxy_pass http://{{upstream}};\nproxy_request_buffering off;\n';
    const templates = { ...NGINX.templates, route: { name: 'own.hbs', render: compileTemplate(own) } };
    const { files } = renderNginx(ROUTES, { ...NGINX, templates });
    expect(files.map(({ content: text }) => text).join('')).not.toMatch(/error_page|deploy_bg_unasked/);
  });

  test('in a location of the user’s own there is no place for a second one', () => {
    const file = (name: string) => `# configuration file /etc/nginx/deploy-bg/${name}:\n`;
    const has = (name: string) => hasOwnPages({ exitCode: 0, output: file(name) }, '/etc/nginx/deploy-bg');
    expect([has('route-web.conf'), has('routes.conf')]).toEqual([true, false]);
  });

  test.each([
    ['none', 0, 'listen 80;\n# error_page 502 /x;\n', false],
    ['a page', 0, 'listen 80;\n  error_page 500 502 /50x.html;\n', true],
    ['errors of the application', 0, 'location / { proxy_intercept_errors on; }\n', true],
    ['bodies that are not kept', 0, 'proxy_request_buffering off;\n', true],
    ['bodies that are kept', 0, 'proxy_request_buffering on;\n', false],
    ['workers that hang up', 0, 'worker_shutdown_timeout 10s;\n', true],
    ['pages for pages', 0, 'recursive_error_pages on;\n', true],
    ['what cannot be known', 1, '', true],
  ])('of pages that a configuration shows for errors: %s', (_, exitCode, text, own) => {
    const ours = '# configuration file /etc/nginx/deploy-bg/routes.conf:\nerror_page 502 = @deploy-bg-again-0;\n';
    const output = `nginx: ok\n# configuration file /etc/nginx/nginx.conf:\n${text}\n${ours}`.replaceAll('\n', '\r\n');
    expect(hasOwnPages({ exitCode, output }, '/etc/nginx/deploy-bg')).toBe(own);
  });

  test('a relay has an address of its own, which means the same in every configuration', () => {
    const relays = (routes: readonly RouteState[]): readonly string[] => {
      const http = content(renderNginx(routes, NGINX).files, 'http.conf');
      const all = [...http.matchAll(/listen (127\.89\.[\d.]+:\d+);/g)].map(([, address]) => address ?? '');
      return all.filter((address) => address !== DOOR.address);
    };
    const backend = (container: string) => ({ container, port: 3000, weight: 1 });
    const route = { service: 'web', host: null, path: null, backends: [backend('web-1')] };
    const matched = { match: { headers: { beta: '1' }, cookies: {} }, backends: [backend('web-2')] };
    const [own = ''] = relays([route]);
    const opened = relays([{ ...route, matched }]);
    expect(opened).toContain(own);
    expect(new Set(opened).size).toBe(opened.length);
    expect(relays([{ ...route, backends: [backend('web-2')] }])).not.toContain(own);
    expect(opened.every((address) => address.endsWith(':8088'))).toBe(true);
  });

  test('a route without a backend answers 503', () => {
    const { files } = renderNginx(ROUTES, NGINX);
    expect(content(files, 'route-api.conf')).toContain('return 503;');
    expect(content(files, 'route-web.conf')).toContain('proxy_pass http://deploy-bg-web;');
  });

  test('the digest changes with the backends, and is answered', () => {
    const one = renderNginx(ROUTES, NGINX);
    const two = renderNginx([route('web', null, null, 'web-1'), route('api', 'shop.example', '/api')], NGINX);
    expect(one.digest).not.toBe(two.digest);
    expect(content(one.files, 'http.conf')).toContain(`config ${one.digest}\\n`);
  });

  test('a request that matches in all goes to the candidate, whatever its values may mean to nginx', () => {
    const http = content(
      renderNginx([{ ...route('web', null, null, 'a'), matched: MATCHED }], NGINX).files,
      'http.conf',
    );
    expect(http).toContain('map $http_x_canary $deploy_bg_to_web_0 {\n    "~^a\\x20\\x22b\\x22\\x3dc$" 1;');
    expect(http).toContain('"~(?:^|; *)beta\\x3d1\\x2b1 *(?:;|$)" 1;');
    expect(http).toContain('111 deploy_bg_matched-web;\n    default deploy-bg-web;');
    expect(http).toContain('header:X-Canary=a%20%22b%22%3Dc&cookie:alpha=x&cookie:beta=1%2B1 web-9:3000=1');
  });

  test('clients stay on a side while there are two', () => {
    const sticking = { ...route('web', null, null, 'a', 'b'), sticky: STICKY };
    const { files } = renderNginx([sticking], NGINX);
    expect(content(files, 'http.conf')).toMatch(/50.00% deploy_bg_candidate-web;\s+\* deploy_bg_stable-web;/);
    expect(content(files, 'route-web.conf')).toMatch(/userid on;\s+userid_name deploy-bg;\s+userid_expires 3600s;/);
    const alone = renderNginx([{ ...sticking, sticky: { ...STICKY, candidates: ['a', 'b'] } }], NGINX);
    expect(content(alone.files, 'http.conf')).not.toContain('uid_got');
    expect(content(alone.files, 'route-web.conf')).toMatch(/proxy_pass http:\/\/deploy-bg-web;/);
  });

  test('copies of requests leave no trace when they are over', () => {
    const mirror = { percent: 25, backends: MATCHED.backends };
    const mirrored = renderNginx(
      [{ ...route('web', 'a.example', null, 'a'), mirror }, route('api', null, '/api', 'b')],
      NGINX,
    );
    expect(content(mirrored.files, 'http.conf')).toMatch(/_mirrored \{\s+25.00% 1;\s+\* "";/);
    expect(content(mirrored.files, 'routes.conf')).toMatch(/mirror \/deploy_bg_mirror-web;/);
    const { files } = renderNginx(ROUTES, NGINX);
    expect(files.map((file) => file.content).join('\n')).not.toMatch(/mirrored|_mirror-/);
    expect(() => {
      refuseMirror([{ ...route('web', null, null), mirror }]);
    }).toThrow('Caddy cannot mirror');
  });

  test('a longer path of one host does not take the shorter path of another', () => {
    const [web, api] = [route('web', 'b.example', null), route('api', 'a.example', '/api')];
    expect(locations([web, api])).toEqual([
      { path: null, fallback: null, hosts: [{ host: 'b.example', route: web }] },
      {
        path: '/api',
        fallback: null,
        hosts: [
          { host: 'a.example', route: api },
          { host: 'b.example', route: web },
        ],
      },
    ]);
  });

  test.each([
    ['nginx version: nginx/1.19.2', null, false, false],
    ['nginx version: nginx/1.27.2', null, false, true],
    ['nginx version: nginx/1.27.3', null, true, true],
    ['nginx version: nginx/1.27.4', '2s', true, true],
    ['nginx version: nginx/1.30.6 (Debian)', '2s', true, true],
    ['nginx version: nginx/2.0.0', '2s', true, true],
    ['what?', null, false, false],
  ])('%s', (output, keepaliveMinTimeout, resolve, cookieFlags) => {
    expect(featuresOf(output)).toEqual({ keepaliveMinTimeout, resolve, cookieFlags });
  });

  test('is tested with the arguments that it runs with', () => {
    expect(nginxCommand(['/docker-entrypoint.sh', 'nginx', '-c', '/x', '-g', 'daemon off;'])).toEqual([
      'nginx',
      '-c',
      '/x',
      '-g',
      'daemon off;',
    ]);
    expect(nginxCommand(['/bin/sh'])).toEqual(['nginx']);
  });
});
