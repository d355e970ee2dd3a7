import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  withItem,
  withKey,
  withKeyBeside,
  withoutItem,
  withoutKey,
  withScalar,
} from '../../../src/config/compose-text.ts';
import { caddyWiring } from '../../../src/config/init/caddy-wiring.ts';
import { familyOf, kindOf, versionPlace } from '../../../src/config/init/images.ts';
import { nginxWiring } from '../../../src/config/init/nginx-wiring.ts';

const WEB = ['services', 'web'] as const;

describe('an edit of a compose file changes the lines of one key', () => {
  it.each([
    ['services:\n  web:\n    image: a # now\n', 'services:\n  web:\n    image: b # now\n'],
    ['services:\n  web: { image: "a" }\n', 'services:\n  web: { image: "b" }\n'],
    [`x: &x\n  image: 'a'\nservices:\n  web:\n    <<: *x\n`, `x: &x\n  image: 'b'\nservices:\n  web:\n    <<: *x\n`],
  ])('a scalar keeps its quotes and its comment: %j', (before, after) => {
    expect(withScalar(before, [...WEB, 'image'], 'b')).toBe(after);
  });

  it.each([
    [
      'services:\n  web:\n    image: a\n\n  db:\n    image: b\n',
      'services:\n  web:\n    image: a\n    k: {p: 1}\n\n  db:\n    image: b\n',
    ],
    [
      'services:\r\n    web:\r\n        image: a\r\n',
      'services:\r\n    web:\r\n        image: a\r\n        k: {p: 1}\r\n',
    ],
    ['services:\n  web: {image: a}\n', 'services:\n  web: {image: a, k: {p: 1}}\n'],
    ['services:\n  web:\n    image: a', 'services:\n  web:\n    image: a\n    k: {p: 1}\n'],
  ])('a key comes last in its mapping, in the style of that: %j', (before, after) => {
    const added = withKey(before, WEB, 'k', { p: 1 });
    expect(parse(added ?? '')).toEqual(parse(after.replace('{p: 1}', '{ p: 1 }')));
    expect(added?.replaceAll(/k:\r?\n\s+p: 1/g, 'k: {p: 1}')).toBe(after);
  });

  it.each([
    'services:\n  web: &web\n    image: a\n  other:\n    <<: *web\n',
    'x: &x {image: a}\nservices:\n  web: *x\n',
    'services: []\n',
  ])('no key is added where it would be another one’s as well: %j', (text) => {
    expect(withKey(text, WEB, 'k', 1)).toBeNull();
  });

  it('a key is added beside another one, in the anchor that both come from', () => {
    const text = 'x: &x\n  build: .\nservices:\n  web:\n    <<: *x\n';
    expect(withKeyBeside(text, WEB, 'build', 'image', 'a')).toBe(text.replace('build: .\n', 'build: .\n  image: a\n'));
  });

  it.each([
    ['l: [a, b]\n', 'l: [a, b, "c:d"]\n'],
    ['l:\n- a # one\n- b\nm: 1\n', 'l:\n- a # one\n- b\n- "c:d"\nm: 1\n'],
  ])('an item comes last in its list: %j', (before, after) => {
    expect(withItem(before, ['l'], 'c:d')).toBe(after);
  });

  it.each([
    ['l: [a, b, c]\n', 0, 'l: [b, c]\n'],
    ['l: [a, b, c]\n', 2, 'l: [a, b]\n'],
    ['l:\n  - a\n  # of b\n  - b\nm: 1\n', 1, 'l:\n  - a\n  # of b\nm: 1\n'],
    ['k: 1\nl: [a]\n', 0, 'k: 1\n'],
  ])('an item is taken out, and the key with the last one: %j', (before, index, after) => {
    expect(withoutItem(before, ['l'], index)).toBe(after);
  });

  it('a key is taken out with its lines, and what stands around stays', () => {
    expect(withoutKey('a: 1\n# of b\nb:\n  - 1\n  - 2 # two\nc: 3\n', ['b'])).toBe('a: 1\n# of b\nc: 3\n');
    expect(withoutKey('w: {a: 1, b: [2], c: 3}\n', ['w', 'b'])).toBe('w: {a: 1, c: 3}\n');
  });
});

describe('what an image is', () => {
  it.each([
    ['nginx:stable', 'nginx'],
    ['nginxinc/nginx-unprivileged', 'nginx'],
    ['registry.example:5000/shop/nginx:1', 'nginx'],
    ['openresty/openresty', 'other-proxy'],
    ['jc21/nginx-proxy-manager', 'other-proxy'],
    ['nginx/nginx-prometheus-exporter:1', 'tool'],
    ['nginxproxy/nginx-proxy', 'label-proxy'],
    ['trafex/php-nginx', 'unknown'],
    ['caddy:2-alpine', 'caddy'],
    ['bitnami/postgresql:16', 'store'],
    ['mcr.microsoft.com/mssql/server:2022', 'store'],
    ['shop/server:1', 'unknown'],
  ])('%s: %s', (image, kind) => {
    expect(kindOf(image)).toBe(kind);
  });

  it.each([
    ['shop', 'shop:${V:-latest}'],
    ['localhost:5000/shop:1.2', 'localhost:5000/shop:${V:-1.2}'],
    ['${REGISTRY:-a:5000}/shop:1.2', '${REGISTRY:-a:5000}/shop:${V:-1.2}'],
  ])('the tag of %s becomes a variable, with what it is as default', (image, wanted) => {
    const place = versionPlace(image);
    expect(place.kind === 'tag' ? place.withVariable('V') : place).toBe(wanted);
  });

  it.each(['shop@sha256:00', '${IMAGE}', '$IMAGE'])('%s has no tag that could be chosen', (image) => {
    expect(versionPlace(image).kind).toBe('none');
  });

  it('a tag that is a variable says which', () => {
    expect(versionPlace('shop:${TAG:-v1}')).toEqual({ kind: 'variable', name: 'TAG' });
  });

  it('images of one owner are one family, those of a publisher are not', () => {
    expect(familyOf('ghcr.io/acme/api:1')).toBe(familyOf('ghcr.io/acme/web:2'));
    expect(familyOf('lscr.io/linuxserver/a')).not.toBe(familyOf('lscr.io/linuxserver/b'));
    expect(familyOf('ghost')).not.toBe(familyOf('wordpress'));
  });
});

const NAMES = new Map([
  ['web', 'web'],
  ['api', 'api'],
]);

function nginx(text: string) {
  const wiring = nginxWiring([{ path: '/p/site.conf', target: '/etc/nginx/conf.d/site.conf', text }], NAMES);
  return { ...wiring, ...wiring.rewire(new Set(['web', 'api'])) };
}

function location(body: string, before = ''): string {
  return `server {\n  ${before}\n  location / {\n    ${body}\n  }\n}\n`;
}

describe('nginx is made to send by the generated files', () => {
  it.each([
    ['https', 'proxy_pass https://web:3000;'],
    ['a path in the place of a pattern', 'proxy_pass http://web:3000/x;', 'location ~ ^/a'],
    ['a cache', 'proxy_cache c; proxy_pass http://web:3000;'],
    ['a condition', 'if ($arg_a) { proxy_pass http://web:3000; }'],
    ['a variable', 'proxy_pass http://$backend;'],
    ['Lua', 'content_by_lua_block { ngx.say("}") }'],
    ['a header of another value', 'proxy_set_header X-Forwarded-Proto https; proxy_pass http://web:3000;'],
    ['streams of a day', 'proxy_read_timeout 24h; proxy_pass http://web:3000;'],
    ['answers that are kept back', 'proxy_buffering on; proxy_pass http://web:3000;'],
    ['a location in it', 'proxy_pass http://web:3000; location ~ \\.png$ { proxy_pass http://web:3000; }'],
  ])('and not where that could change what it does: %s', (_, body, match = 'location /') => {
    const text = location(body).replace('location /', match);
    const { problems, files } = nginx(text);
    expect(problems).not.toEqual([]);
    expect(files).toEqual([]);
  });

  it('an upstream of several services is left as it is', () => {
    const text = `upstream u { server web:1; server api:2; }\n${location('proxy_pass http://u;')}`;
    expect(nginx(text)).toMatchObject({
      files: [],
      problems: [expect.stringContaining('the upstream u'), expect.anything()],
    });
  });

  it('a header from around it that has another value is not lost', () => {
    const text = location('proxy_pass http://web:3000;', 'proxy_set_header X-Real-IP $http_cf_connecting_ip;');
    expect(nginx(text)).toMatchObject({ files: [], problems: [expect.stringContaining('$http_cf_connecting_ip')] });
  });

  it('what is said as the generated file says it gives way to that', () => {
    const said = `proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto "$scheme"; proxy_read_timeout 300s;`;
    const [file] = nginx(location(`${said} proxy_pass http://web:3000;`)).files;
    expect(file?.text).not.toContain('proxy_set_header');
    expect(file?.reasons.at(-1)).toContain(
      '(proxy_read_timeout 300s is 1h there: proxy.template takes a file of yours)',
    );
  });

  it('headers that a location had from around it are not lost', () => {
    const around = 'proxy_set_header X-Tenant a; proxy_set_header Host $host;';
    const [file] = nginx(location('proxy_pass http://web:3000;', around)).files;
    expect(file?.text).toContain(
      '    proxy_set_header X-Tenant a;\n    include /etc/nginx/deploy-bg/route-web.conf;\n',
    );
  });

  it('a comment in a location stays there', () => {
    const [file] = nginx(location('# why\n    proxy_pass http://web:3000;')).files;
    expect(file?.text).toContain('    # why\n    include /etc/nginx/deploy-bg/route-web.conf;\n');
  });

  it('quotes and braces in texts are none of its own', () => {
    const [file] = nginx(location('add_header X "}{;"; proxy_pass http://web:3000;')).files;
    expect(file?.text).toContain('add_header X "}{;"; include /etc/nginx/deploy-bg/route-web.conf;');
  });

  it('a second time there is nothing to send by name', () => {
    const [file] = nginx(location('proxy_pass http://web:3000;')).files;
    expect(nginx(file?.text ?? '')).toMatchObject({ sends: [], wired: 'all', files: [] });
  });
});

function caddy(text: string, services = ['web', 'api']) {
  const wiring = caddyWiring([{ path: '/p/Caddyfile', target: '/etc/caddy/Caddyfile', text }], NAMES);
  return { ...wiring, ...wiring.rewire(new Set(services)) };
}

describe('Caddy is made to send by the generated files', () => {
  it.each([
    ['options of its own', 'reverse_proxy web:3000 {\n\t\theader_up X-Tenant a\n\t}'],
    ['another address', 'reverse_proxy web:3000 backup.example:80'],
    ['a header of another value', 'reverse_proxy web:3000 {\n\t\theader_up X-Forwarded-Proto https\n\t}'],
    ['who answered some of it first', 'respond /api/version 1\n\treverse_proxy /api/* api:1'],
    ['TLS to it', 'reverse_proxy https://web:3000'],
    ['who answers as well', 'respond /ping 200\n\treverse_proxy web:3000'],
    ['texts of several lines', 'reverse_proxy web:3000\n\trespond /a <<END\n\t\t}\n\t\tEND'],
  ])('and not where that could change what it does: %s', (_, body) => {
    const { problems, files } = caddy(`:80 {\n\t${body}\n}\n`);
    expect(problems).toHaveLength(1);
    expect(files).toEqual([]);
  });

  it('a matcher becomes a handle, so that what takes the rest still gets it', () => {
    const [file] = caddy(':80 {\n\treverse_proxy /api/* api:1\n\treverse_proxy web:2\n}\n').files;
    expect(file?.text).toBe(
      'import /etc/caddy/deploy-bg/*.caddy\n\n:80 {\n\thandle /api/* {\n\t\timport deploy-bg-api\n\t}\n\timport deploy-bg-web\n}\n',
    );
  });

  it('one route with a path is imported alone: the path may be gone where it stands', () => {
    const [file] = caddy(':80 {\n\thandle_path /api/* {\n\t\treverse_proxy api:1\n\t}\n}\n', ['api']).files;
    expect(file?.text).toContain('import deploy-bg-api');
  });

  it('global options stay the first thing in the file', () => {
    const [file] = caddy('{\n\tdebug\n}\n:80 {\n\treverse_proxy web:2\n}\n', ['web']).files;
    expect(file?.text.indexOf('{\n\tdebug\n}\n\nimport /etc/caddy/deploy-bg/*.caddy\n')).toBe(0);
  });
});
