import { describe, expect, it } from 'vitest';
import { diagnosticText } from '../../../src/config/findings.ts';
import { build, codes, type Given } from './support.ts';

/** The same behind an nginx. */
function nginx(settings: readonly string[]): Given {
  const { yaml } = web(settings);
  const proxy = '  p: {image: nginx, volumes: [{type: bind, source: /shop/n, target: /etc/nginx/deploy-bg}]}';
  return { yaml: `${yaml.replace('  proxy: {driver: none}', '  proxy: {service: p}')}\n${proxy}` };
}

/** A routed service with extra lines of `x-deploy-bg` (line 8 on) and of the service (after them). */
function web(
  settings: readonly string[],
  keys: readonly string[] = [],
  top: readonly string[] = [],
  route = 'probe: {path: /}',
): Given {
  const yaml = [
    'name: shop',
    'x-deploy-bg:',
    '  proxy: {driver: none}',
    ...top.map((line) => `  ${line}`),
    'services:',
    '  web:',
    '    image: "app:VERSION"',
    '    x-deploy-bg:',
    `      route: {port: 3000, ${route}}`,
    ...settings.map((line) => `      ${line}`),
    ...keys.map((line) => `    ${line}`),
  ].join('\n');
  return { yaml };
}

const UNWATCHED = 'deploy: {update_config: {monitor: 0s}}';

const CASES: readonly [name: string, given: Given, expected: readonly string[]][] = [
  ['nothing wrong', web([]), []],
  ['V01 weights out of range', web(['strategy: canary', 'steps: [101, -1, 10]']), ['E02 10', 'E02 10']],
  ['V01 every weight is checked', web(['strategy: canary', 'steps:', '  - 1', '  - weight: 200']), ['E02 12']],
  [
    'V02 a step with several kinds, and with none',
    web(['strategy: canary', 'steps:', '  - {weight: 10, pause: 5s}', '  - {}']),
    ['E03 11', 'E03 12'],
  ],
  [
    'V03 negative durations and ratios',
    web([], ['deploy:', '  update_config:', '    delay: -1s', '    monitor: -1s', '    max_failure_ratio: 1.1']),
    ['E04 11', 'E04 12', 'E04 13'],
  ],
  ['V03 a negative ratio', web([], ['deploy:', '  update_config:', '    max_failure_ratio: -0.1']), ['E04 11']],
  ['V03 a negative pause', web(['strategy: canary', 'steps: [{pause: -1s}]']), ['E04 10']],
  ['a duration without a unit', web(['drain_timeout: 30', 'progress_deadline: soon']), ['E04 10', 'E04 9']],
  [
    'V04 the way back of the way back',
    web([], ['deploy:', '  rollback_config:', '    failure_action: rollback']),
    ['E05 11'],
  ],
  [
    'an unknown action and order',
    web([], ['deploy:', '  update_config:', '    failure_action: explode', '    order: whenever']),
    ['E05 11', 'E05 12'],
  ],
  ['V05 a fixed port in both colors', web([], ['ports:', '  - {target: 80, published: "80"}']), ['E06 9']],
  ['a range of ports is not fixed', web([], ['ports:', '  - {target: 80, published: "80-90"}']), []],
  ['V05 container_name with two replicas', web([], ['container_name: web', 'deploy: {replicas: 2}']), ['E06 9']],
  ['container_name with one replica gets the color', web([], ['container_name: web']), []],
  ['V05 container_name, in place, start-first', web(['strategy: rolling'], ['container_name: web']), ['E06 10']],
  ['the network of the host', web([], ['network_mode: host']), ['E06 9']],
  ['a fixed address', web([], ['networks:', '  front: {ipv4_address: 10.0.0.2}']), ['E06 10']],
  ['a fixed MAC address', web([], ['mac_address: 02:42:ac:11:65:43']), ['E06 9']],
  ['blue-green, but stop-first', web([], ['deploy: {update_config: {order: stop-first}}']), ['E07 9']],
  [
    'V06 what needs a route',
    { yaml: 'services:\n  w:\n    image: a\n    x-deploy-bg: {strategy: canary, steps: [{replicas: 2}], sticky: {}}' },
    ['E08 4', 'E08 4'],
  ],
  [
    'canaries that switch together have one list of steps',
    {
      yaml: [
        'services:',
        '  web: {image: "a:VERSION", x-deploy-bg: {strategy: canary, steps: [10], route: {port: 80, probe: {path: /}}}}',
        '  api: {image: "a:VERSION", x-deploy-bg: {strategy: canary, steps: [20], route: {port: 81, path: /api, probe: {path: /}}}}',
      ].join('\n'),
    },
    ['E02 3', 'E14 2'],
  ],
  ['mirror, where the proxy cannot', web(['strategy: canary', 'steps: [{mirror: 10}]']), ['E08 10']],
  [
    'a match that no proxy could tell apart, or that would break out of its files',
    nginx([
      'strategy: canary',
      'steps:',
      '  - match: {headers: {"X-Canary: x": "1"}}',
      '  - match: {headers: {x-canary: "a\\nb"}}',
      '  - match: {headers: {host: shop.example}}',
      '  - match: {cookies: {"a;b": "1"}}',
      '  - match: {cookies: {beta: "1; admin=1"}}',
      '  - match: {}',
    ]),
    ['E01 11', 'E01 12', 'E01 13', 'E01 14', 'E01 15', 'E01 16'],
  ],
  [
    'a preview by something else than a header or a cookie, and one that would break out',
    {
      yaml: [
        'x-deploy-bg: {proxy: {driver: none}}',
        'services:',
        '  a: {image: x, x-deploy-bg: {route: {port: 1, probe: {path: /}, preview: {header: x}}}}',
        '  b: {image: x, x-deploy-bg: {route: {port: 1, path: /b, probe: {path: /}, preview: {headers: {x-a: "$host\\r"}}}}}',
      ].join('\n'),
    },
    ['E01 3', 'E01 3', 'E01 4'],
  ],
  [
    'a preview for a strategy that has none, or with no proxy of ours',
    web(['strategy: rolling'], [], [], 'probe: {path: /}, preview: {headers: {x-preview: candidate}}'),
    ['E02 8', 'E08 8'],
  ],
  ['a match with no proxy of ours', web(['strategy: canary', 'steps: [{match: {headers: {a: b}}}]']), ['E08 10']],
  [
    'routes that would break out of the proxy’s files, or that no proxy could tell apart',
    {
      yaml: [
        'x-deploy-bg: {strategy: blue-green}',
        'services:',
        '  p: {image: nginx, volumes: [{type: bind, source: /shop/n, target: /etc/nginx/deploy-bg}]}',
        '  a: {image: x, x-deploy-bg: {route: {port: 1, host: "a;b", probe: {path: /}}}}',
        '  b: {image: x, x-deploy-bg: {route: {port: 1, path: "/{$x}", probe: {path: /}}}}',
        '  c: {image: x, x-deploy-bg: {route: {port: 1, path: /c/*, probe: {path: /}}}}',
        '  d: {image: x, x-deploy-bg: {route: {port: 1, path: /c, probe: {path: /}}}}',
      ].join('\n'),
    },
    ['E01 4', 'E01 5', 'E14 7'],
  ],
  [
    'images that nobody can look for',
    {
      yaml: [
        'services:',
        '  a: {image: ":VERSION"}',
        '  b: {image: "acme/Web:VERSION"}',
        '  c: {image: "reg.example:5000/a__b/c---d:VERSION"}',
        '  d: {image: "acme/web@sha256:VERSION"}',
        '  built: {build: {context: /x}}',
      ].join('\n'),
    },
    ['E15 2', 'E15 3', 'E15 5'],
  ],
  [
    'services named like what every object has, or like a flag',
    {
      yaml: [
        'services:',
        '  constructor: {image: "a:VERSION"}',
        '  __proto__: {image: b}',
        '  --remove-orphans: {image: c}',
      ].join('\n'),
    },
    ['E01 2', 'E01 3', 'E01 4'],
  ],
  [
    'a provider makes no container',
    { yaml: 'services:\n  web: {image: "a:VERSION"}\n  db:\n    provider: {type: cloud}' },
    ['E99 4'],
  ],
  ['a sticky cookie of no name', web(['sticky: {cookie: "a;b"}']), ['E01 9']],
  [
    'V07 checks: no provider, two, count without interval, no bounds, unknown name',
    web([
      'checks:',
      '  a: {}',
      '  b: {http: {url: x}, command: {run: x}}',
      '  c: {http: {url: x}, count: 3}',
      '  d: {builtin: error_rate}',
      'watch: [nope]',
    ]),
    ['E09 10', 'E09 11', 'E09 12', 'E09 13', 'E09 14'],
  ],
  ['a check that cannot be read is there', web(['checks: {a: {http: {url: x, nope: 1}}}', 'before: [a]']), ['E01 9']],
  ['watching needs an interval', web(['checks: {a: {http: {url: x}}}', 'watch: [a]']), ['E09 10']],
  ['V08 an unknown key', web(['stratgy: canary']), ['E01 9']],
  ['an unknown key, deep', web(['hooks: {pre_deplo: x}', 'preview_replicas: many']), ['E01 10', 'E01 9']],
  ['unknown keys at top level', web([], [], ['proxi: {}', 'histroy: 3']), ['E01 4', 'E01 5']],
  [
    'V09 a deadline shorter than monitor',
    web(['progress_deadline: 5s'], ['deploy: {update_config: {monitor: 10s}}']),
    ['E11 9'],
  ],
  ['V10 more preview than replicas', web(['preview_replicas: 3'], ['deploy: {replicas: 2}']), ['E10 9']],
  [
    'V11 a health check slower than monitor',
    web([], ['healthcheck: {test: [CMD, x], interval: 3s, retries: 3}', 'deploy: {update_config: {monitor: 5s}}']),
    ['W02 10'],
  ],
  ['a health check that each deploy waits long for', web([], ['healthcheck: {test: [CMD, x]}', UNWATCHED]), ['W11 9']],
  [
    'one that runs often while a container starts',
    web([], ['healthcheck: {test: [CMD, x], start_period: 60s, start_interval: 1s}', UNWATCHED]),
    [],
  ],
  [
    'an explicit monitor of 0s is no window',
    web([], ['healthcheck: {test: [CMD, x], interval: 5s}', 'deploy: {update_config: {monitor: 0s}}']),
    [],
  ],
  [
    'rollout keys on a one-shot',
    {
      yaml: [
        'services:',
        '  migrate:',
        '    image: "app:VERSION"',
        '    x-deploy-bg: {promote: manual}',
        '  web:',
        '    image: "app:VERSION"',
        '    depends_on: {migrate: {condition: service_completed_successfully}}',
        '    x-deploy-bg: {strategy: blue-green}',
      ].join('\n'),
    },
    ['E12 4'],
  ],
  ['a volume written by both', web([], ['volumes:', '  - {type: volume, source: data, target: /data}']), ['W01 10']],
  [
    'a volume that is only read',
    web([], ['volumes:', '  - {type: volume, source: data, target: /d, read_only: true}']),
    [],
  ],
  ['an anonymous volume', web([], ['volumes:', '  - {type: volume, target: /data}']), ['W08 10']],
  ['labels for another proxy', web([], ['labels: {traefik.enable: "true"}']), ['W04 9']],
  [
    'not available yet',
    { yaml: 'x-deploy-bg: {proxy: {driver: caddy, host: true}}\nservices:\n  w: {image: "app:VERSION"}' },
    ['E99 1'],
  ],
  [
    'updates by a tag, in a range, at some hours',
    web([], [], ['update: {version: latest, schedule: "0 4 * * *", window: "22:00-06:00"}']),
    [],
  ],
  ['updates in a range', web([], [], ['update: {image: web, range: ">=1.2 <2"}']), []],
  [
    'updates that nobody can do',
    web(
      [],
      [],
      [
        'update:',
        '    image: web',
        '    range: newest',
        '    schedule: daily',
        '    window: at night',
        '    every: 5m',
      ],
    ),
    ['E01 6', 'E01 7', 'E01 8', 'E01 9'],
  ],
  ['updates of what no deploy replaces', web([], [], ['update: {image: proxy}']), ['E01 4']],
  ['updates in a range of nobody’s versions', web([], [], ['update: {range: ^1}']), ['E01 4']],
  ['updates to two things', web([], [], ['update: {image: web, range: ^1, version: latest}']), ['E01 4']],
  [
    'a route that nobody checks',
    { yaml: 'x-deploy-bg: {proxy: {driver: none}}\nservices:\n  w: {image: a, x-deploy-bg: {route: {port: 80}}}' },
    ['W03 3'],
  ],
  [
    'namespaces across the border, both ways',
    {
      yaml: [
        'services:',
        '  web: {image: a, network_mode: "service:vpn", x-deploy-bg: {strategy: blue-green}}',
        '  vpn: {image: b}',
        '  spy:',
        '    image: c',
        '    pid: service:web',
        '    volumes_from: [web]',
      ].join('\n'),
    },
    ['E13 2', 'E13 6', 'E13 7'],
  ],
  [
    'D09 a dependency that may be missing, and is',
    {
      yaml: [
        'services:',
        '  web:',
        '    image: a',
        '    depends_on:',
        '      cache: {condition: service_healthy, required: false}',
      ].join('\n'),
    },
    ['W09 5'],
  ],
  [
    'callers outside',
    {
      yaml: [
        'services:',
        '  web: {image: a, x-deploy-bg: {strategy: blue-green}}',
        '  cron:',
        '    image: b',
        '    environment: {URL: "http://web:3000/x", OTHER: "cobweb:1", WEB: web}',
        '  wait: {image: c, command: [wait-for, "web:3000"]}',
      ].join('\n'),
    },
    ['W05 5', 'W05 6'],
  ],
];

describe('diagnostics', () => {
  it.each(CASES)('%s', (_, given, expected) => {
    expect(codes(given)).toEqual([...expected].toSorted());
  });

  it('names the path, the file and the line', () => {
    const [found] = build(web(['stratgy: canary'])).diagnostics.map(diagnosticText);
    expect(found).toMatch(/^compose\.yml:9: E01 unknown key services\.web\.x-deploy-bg\.stratgy; remove it/);
  });

  it.each([
    [
      web(['strategy: rolling'], ['ports: [{target: 80, published: "80"}]']),
      'deploy: {update_config: {order: stop-first}}',
    ],
    [web([], ['network_mode: host']), 'strategy: recreate'],
    [web(['strategy: rolling'], ['scale: 2', 'ports: [{target: 80, published: "80"}]']), 'remove the port'],
  ])('E06 says how it goes without two copies (%#)', (given, way) => {
    expect(build(given).diagnostics[0]?.hint.endsWith(way)).toBe(true);
  });

  it('finds keys that an anchor or a merge brings in', () => {
    const yaml = [
      'x-common: &common',
      '  x-deploy-bg: &settings',
      '    stratgy: x',
      '    strategy: blue-green',
      'services:',
      '  web: {image: a, <<: *common}',
      '  api:',
      '    image: a',
      '    x-deploy-bg: *settings',
    ].join('\n');
    expect(codes({ yaml })).toEqual(['E01 3', 'E01 3']);
  });

  it('allows fixed values that each color has for itself', () => {
    const overlay = (n: number) =>
      `services:\n  web:\n    ports: [{target: 80, published: "800${n}"}]\n    networks: {front: {ipv4_address: 10.0.0.${n}}}`;
    expect(codes({ ...web([]), overlays: { blue: overlay(1), green: overlay(2) } })).toEqual([]);
    expect(codes({ ...web([]), overlays: { blue: overlay(1), green: overlay(1) } })).toEqual(['E06 3', 'E06 4']);
    const two = { ...web([], ['scale: 2']), overlays: { blue: overlay(1), green: overlay(2) } };
    expect(build(two).diagnostics.map(({ code, file }) => `${code} ${file ?? ''}`)).toContain('E06 compose.green.yml');
  });

  it('W06: nginx on the host follows nobody, but each color may have a port that stays', () => {
    const onHost = { yaml: web([]).yaml.replace('driver: none', 'driver: nginx, host: true') };
    const overlay = (port: number, n: number) =>
      `services:\n  web:\n    ports: [{target: ${port}, published: "800${n}"}]`;
    const both = (port: number) => ({ ...onHost, overlays: { blue: overlay(port, 1), green: overlay(port, 2) } });
    expect(codes(onHost)).toEqual(['W06 8']);
    expect(codes(both(3000))).toEqual([]);
    expect(codes(both(9000))).toEqual(['W06 8']);
    expect(codes({ ...onHost, overlays: { blue: overlay(3000, 1) } })).toEqual(['W06 8']);
  });

  it('a folder for a proxy on the host whose path nginx could misread is refused', () => {
    const yaml = web([]).yaml.replace('driver: none', 'driver: nginx, host: true, output: "./a b"');
    expect(codes({ yaml })).toContain('E14 3');
  });

  it('refuses overlays of services that are not there, and settings in them', () => {
    const overlays = { green: 'services:\n  wob: {}\n  web:\n    x-deploy-bg: {promote: manual}' };
    expect(codes({ ...web([]), overlays })).toEqual(['E01 4', 'E12 2']);
  });
});
