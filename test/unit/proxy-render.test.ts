import { describe, expect, test } from 'vitest';
import { parseAnswer } from '../../src/adapters/proxy/answer.ts';
import { parseReadBack, parseUpstreams } from '../../src/adapters/proxy/caddy/read-back.ts';
import { configArguments } from '../../src/adapters/proxy/caddy/command.ts';
import { renderCaddy } from '../../src/adapters/proxy/caddy/render.ts';
import { slotAddresses } from '../../src/adapters/proxy/caddy/slots.ts';
import { nginxCommand } from '../../src/adapters/proxy/nginx/command.ts';
import { featuresOf, OLDEST } from '../../src/adapters/proxy/nginx/features.ts';
import { locations } from '../../src/adapters/proxy/nginx/locations.ts';
import { renderNginx } from '../../src/adapters/proxy/nginx/render.ts';
import { compileTemplate } from '../../src/adapters/proxy/compile-template.ts';
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
  token: 'secret',
  features: featuresOf('nginx version: nginx/1.30.6'),
  templates: {
    http: await packaged('nginx/http.conf.hbs'),
    routes: await packaged('nginx/routes.conf.hbs'),
    route: await packaged('nginx/route.conf.hbs'),
  },
};

function route(service: string, host: string | null, path: string | null, ...containers: string[]): RouteState {
  return { service, host, path, backends: containers.map((container) => ({ container, port: 3000, weight: 2 })) };
}

const ROUTES = [route('web', null, null, 'web-1', 'web-2'), route('api', 'shop.example', '/api')];

function content(files: readonly { readonly file: string; readonly content: string }[], name: string): string {
  return files.find(({ file }) => file === name)?.content ?? '';
}

describe('caddy', () => {
  test('the configuration does not depend on backends, so that a switch needs no reload', () => {
    const other = [route('web', null, null, 'web-9'), route('api', 'shop.example', '/api', 'api-1')];
    expect(renderCaddy(other, CADDY)).toEqual(renderCaddy(ROUTES, CADDY));
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

  test('reads back what the slots hold', () => {
    const slots = slotAddresses(ROUTES[0]?.backends ?? []).join(' ');
    const text = `config abc\nroute web - /x\nstate web on\nbackends web web-1:3000=2 web-2:3000=2\nslots web ${slots}\n`;
    expect(parseReadBack(text)).toEqual({
      digest: 'abc',
      routes: [{ ...ROUTES[0], path: '/x' }],
      faults: [],
    });
  });

  test('believes the slots where they disagree with the list, and says so', () => {
    const slots = slotAddresses(route('web', null, null, 'a', 'b', 'b').backends).join(' ');
    const text = `config abc\nroute web - -\nstate web on\nbackends web web-1:3000=2\nslots web ${slots}`;
    const read = parseReadBack(text);
    expect(read?.faults).toHaveLength(1);
    expect(read?.routes[0]?.backends).toEqual([
      { container: 'a', port: 3000, weight: 1 },
      { container: 'b', port: 3000, weight: 2 },
    ]);
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
    expect(http).toMatch(/server 127\.89\.0\.1:8089 backup;/);
    expect(http).toContain('50.00% web-1:3000;');
    expect(http).toContain('keepalive_min_timeout 2s;');
    expect(http).not.toContain('upstream deploy-bg-api');
  });

  test('an old nginx gets nothing that it does not know', () => {
    const http = content(renderNginx(ROUTES, { ...NGINX, features: OLDEST }).files, 'http.conf');
    expect(http).not.toMatch(/keepalive_min_timeout| resolve |backup/);
    expect(http).toContain('server 127.89.0.1:8089;');
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
    ['nginx version: nginx/1.27.2', null, false],
    ['nginx version: nginx/1.27.3', null, true],
    ['nginx version: nginx/1.27.4', '2s', true],
    ['nginx version: nginx/1.30.6 (Debian)', '2s', true],
    ['nginx version: nginx/2.0.0', '2s', true],
    ['what?', null, false],
  ])('%s', (output, keepaliveMinTimeout, resolve) => {
    expect(featuresOf(output)).toEqual({ keepaliveMinTimeout, resolve });
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
