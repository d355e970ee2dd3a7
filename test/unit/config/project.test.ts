import { describe, expect, it } from 'vitest';
import { differingServices, servicesHolding } from '../../../src/config/replaced.ts';
import { build, model } from './support.ts';

const SHOP = `
name: shop
x-deploy-bg: {drain_timeout: 10s, retire_after: 1m}
services:
  caddy:
    image: "caddy:VERSION"
    depends_on: {web: {condition: service_started, required: true}}
    volumes: [{type: bind, source: /shop/proxy, target: /etc/caddy/deploy-bg}]
  web:
    image: "app:VERSION"
    depends_on: {migrate: {condition: service_completed_successfully}, gone: {condition: service_started, required: false}}
    stop_grace_period: 1m30s
    scale: 3
    pre_stop: [{command: [sh, -c, "echo $$X"], environment: {A: "1"}, user: app}]
    x-deploy-bg: {route: {port: 3000, host: shop.test, probe: {path: /up, status: 204}}, drain_timeout: 20s, preview_replicas: 2}
  api: {image: fixed, configs: [{source: version}]}
  worker: {image: fixed, deploy: {update_config: {parallelism: 0, delay: 1.5s}}}
  overlaid: {image: fixed}
  named: {image: fixed, x-deploy-bg: }
  migrate: {image: "app:VERSION"}
  db: {image: postgres, depends_on: {init: {condition: service_completed_successfully}}}
  init: {image: busybox}
  side: {image: envoy, network_mode: "service:named", depends_on: {named: {restart: true}}}
  sniffer: {image: tcpdump, pid: "service:side"}
configs: {version: {content: "VERSION"}}
`;

describe('what a deploy replaces', () => {
  const { project } = build({ yaml: SHOP, overlays: { green: 'services: {overlaid: {}}' } });
  const placed = (name: string) => [project.services[name]?.placement, project.services[name]?.strategy];

  it.each([
    ['a routed service', 'web', ['colored', 'blue-green']],
    ['one that an overlay names', 'overlaid', ['colored', 'blue-green']],
    ['one whose config depends on the version', 'api', ['in-place', 'rolling']],
    ['one with update_config', 'worker', ['in-place', 'rolling']],
    ['one with an empty x-deploy-bg', 'named', ['in-place', 'rolling']],
    ['D06 one in the network of a service that is replaced in place', 'side', ['in-place', 'rolling']],
    ['D06 one in the namespace of such a one', 'sniffer', ['in-place', 'rolling']],
    ['a one-shot', 'migrate', ['one-shot', 'rolling']],
    ['a database', 'db', ['shared', 'rolling']],
    ['the proxy, even if its image depends on the version', 'caddy', ['shared', 'rolling']],
    ['what only prepares a shared service is left to Compose', 'init', [undefined, undefined]],
  ])('%s', (_, name, expected) => {
    expect(placed(name)).toEqual(expected);
  });

  it('a strategy at top level is the default of all', () => {
    const yaml = 'x-deploy-bg: {strategy: blue-green}\nservices: {worker: {image: "app:VERSION"}}';
    expect(build({ yaml }).project.services['worker']?.placement).toBe('colored');
  });

  it('compares everything but extensions', () => {
    const one = model('services: {a: {image: x, x-a: 1}, b: {image: x}}');
    const other = model('services: {a: {image: x, x-a: 2}, b: {image: y}}');
    expect([...differingServices(one, other)]).toEqual(['b']);
    expect([...servicesHolding(other, 'y')]).toEqual(['b']);
    expect([...servicesHolding(other, '')]).toEqual([]);
  });

  it('knows whether anything depends on the version', () => {
    expect(project.dependsOnVersion).toBe(true);
    expect(build({ yaml: 'services: {a: {image: x, x-deploy-bg: {}}}' }).project.dependsOnVersion).toBe(false);
  });
});

describe('what a service is', () => {
  const { project } = build({ yaml: SHOP });

  it('takes keys from the service, then the top level, then the defaults', () => {
    expect(project.services['web']).toMatchObject({
      replicas: 3,
      image: 'app:v1',
      dependsOn: [{ service: 'migrate', condition: 'service_completed_successfully' }],
      drainTimeoutMs: 20_000,
      retireAfterMs: 60_000,
      progressDeadlineMs: 300_000,
      stopGraceMs: 90_000,
      previewReplicas: 2,
      promote: 'auto',
      hasHealthcheck: false,
      route: {
        port: 3000,
        host: 'shop.test',
        path: null,
        probe: { path: '/up', port: 3000, intervalMs: 250, timeoutMs: 2000, status: [204, 204] },
      },
      preStop: [
        { command: ['sh', '-c', 'echo $X'], environment: ['A=1'], user: 'app', workingDir: null, privileged: false },
      ],
    });
    expect(project.services['db']?.drainTimeoutMs).toBe(10_000);
    expect(project.history).toBe(5);
  });

  it('takes what Compose can say from the standard keys', () => {
    expect(project.services['worker']?.update).toEqual({
      parallelism: 0,
      delayMs: 1500,
      monitorMs: 5000,
      maxFailureRatio: 0,
      failureAction: 'rollback',
      order: 'start-first',
    });
    expect(project.services['worker']?.rollback.failureAction).toBe('pause');
  });

  it('gives what is only built the name that Compose gives it', () => {
    const { services } = build({ yaml: 'name: shop\nservices: {a: {build: {context: /x}, x-deploy-bg: {}}}' }).project;
    expect(services['a']?.image).toBe('shop-a');
  });
});

describe('the proxy', () => {
  const routed = 'web: {image: "app:VERSION", x-deploy-bg: {route: {port: 1, probe: {path: /}}}}';
  const withProxy = (proxy: string, top = '') =>
    build({ yaml: `name: shop\n${top}\nservices:\n  ${routed}\n  ${proxy}` });

  it.each([
    [
      'the mount at its usual place',
      'p: {image: "docker.io/library/caddy:2", dns_opt: ["ndots:1"], volumes: [{type: bind, source: /shop/gen, target: /etc/caddy/deploy-bg}]}',
      '',
      { driver: 'caddy', service: 'p', output: '/shop/gen', mounted: '/etc/caddy/deploy-bg' },
    ],
    [
      'a mount of a folder above',
      'p: {image: my-nginx, volumes: [{type: bind, source: /shop/nginx, target: /etc/nginx}]}',
      '',
      { driver: 'nginx', service: 'p', output: '/shop/nginx/deploy-bg', mounted: '/etc/nginx/deploy-bg' },
    ],
    [
      'a folder with a dollar, which Compose doubles',
      'p: {image: caddy, dns_opt: ["ndots:1"], volumes: [{type: bind, source: /shop/$$1/gen, target: /etc/caddy/deploy-bg}]}',
      '',
      { driver: 'caddy', service: 'p', output: '/shop/$1/gen', mounted: '/etc/caddy/deploy-bg' },
    ],
    [
      'an output of one’s own',
      'p: {image: edge, volumes: [{type: bind, source: /shop/conf, target: /conf}]}',
      'x-deploy-bg: {proxy: {driver: nginx, service: p, output: ./conf/gen, template: t.hbs}}',
      { driver: 'nginx', service: 'p', output: '/shop/conf/gen', mounted: '/conf/gen', template: '/shop/t.hbs' },
    ],
    [
      'a proxy on the host',
      'db: {image: x}',
      'x-deploy-bg: {proxy: {driver: nginx, host: true}}',
      { driver: 'nginx', service: null, output: '/shop/deploy-bg-proxy', mounted: '/shop/deploy-bg-proxy' },
    ],
    ['none', 'p: {image: caddy}', 'x-deploy-bg: {proxy: {driver: none}}', { driver: 'none', service: null }],
  ])('%s', (_, proxy, top, expected) => {
    const { project, diagnostics } = withProxy(proxy, top);
    // What asks by addresses has nobody to follow them.
    expect(diagnostics.map(({ code }) => code)).toEqual(top.includes('host: true') ? ['W06'] : []);
    expect(project.proxy).toMatchObject(expected);
  });

  it.each([
    ['', ['W10']],
    ['dns_opt: ["ndots:0"], ', ['W10']],
    ['dns_opt: ["use-vc", "ndots:1"], ', []],
  ])('W10: Caddy asks nobody outside for the names of dead replicas: {%s}', (options, codes) => {
    const volumes = 'volumes: [{type: bind, source: /x, target: /etc/caddy}]';
    const { diagnostics } = withProxy(`p: {image: caddy, ${options}${volumes}}`);
    expect(diagnostics.map(({ code }) => code)).toEqual(codes);
  });

  it.each([
    [
      'nothing mounted',
      'p: {image: caddy}',
      '',
      /nothing is mounted/,
      /volumes: \["\.\/deploy-bg-proxy:\/etc\/caddy\/deploy-bg"\]/,
    ],
    [
      'a single file',
      'p: {image: nginx, volumes: [{type: bind, source: /x/a.conf, target: /etc/nginx/deploy-bg/a.conf}]}',
      '',
      /a single file is mounted/,
      /mount the directory/,
    ],
    [
      'a read-only mount for caddy',
      'p: {image: caddy, dns_opt: ["ndots:1"], volumes: [{type: bind, source: /x, target: /etc/caddy/deploy-bg, read_only: true}]}',
      '',
      /read-only/,
      /without :ro/,
    ],
    [
      'a named volume',
      'p: {image: nginx, volumes: [{type: volume, source: x, target: /etc/nginx/deploy-bg}]}',
      '',
      /no directory of the host/,
      /volumes/,
    ],
    ['no proxy at all', 'db: {image: x}', '', /which service is the proxy/, /name it/],
    ['two proxies', 'p: {image: caddy}\n  q: {image: nginx}', '', /which service is the proxy/, /name it/],
    [
      'an unknown service',
      'db: {image: x}',
      'x-deploy-bg: {proxy: {service: p}}',
      /no service of the project/,
      /correct/,
    ],
    ['an unknown image', 'p: {image: x}', 'x-deploy-bg: {proxy: {service: p}}', /kind of proxy/, /driver: caddy/],
  ])('E14: %s', (_, proxy, top, message, hint) => {
    const [finding, ...more] = withProxy(proxy, top).diagnostics;
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ code: 'E14', file: 'compose.yml' });
    expect(finding?.message).toMatch(message);
    expect(finding?.hint).toMatch(hint);
  });

  it('allows nginx a read-only mount, and needs no proxy without a route', () => {
    const mount = 'volumes: [{type: bind, source: /x, target: /etc/nginx/deploy-bg, read_only: true}]';
    expect(withProxy(`p: {image: nginx, ${mount}}`).diagnostics).toEqual([]);
    expect(build({ yaml: 'services: {p: {image: caddy}, db: {image: x}}' }).diagnostics).toEqual([]);
  });

  it.each([
    ['is somebody else’s proxy', 'p: {image: nginxproxy/nginx-proxy}\n  web: {image: "app:VERSION"}', 'shared'],
    ['is named, and no more than that', 'p: {image: edge-nginx}', 'shared', 'x-deploy-bg: {proxy: {service: p}}'],
    ['is the application itself', 'p: {image: "front-nginx:VERSION"}', 'in-place'],
  ])('without a route, an nginx that lacks our folder %s', (_, services, placement, top = '') => {
    const { project, diagnostics } = build({ yaml: `${top}\nservices:\n  ${services}` });
    expect(diagnostics).toEqual([]);
    expect(project).toMatchObject({ proxy: { driver: 'none' }, services: { p: { placement } } });
  });

  it('without a route, an nginx that has our folder is the proxy still: it drops the routes of before', () => {
    const mount = '{type: bind, source: /shop/n, target: /etc/nginx/deploy-bg}';
    const { project } = build({ yaml: `services: {p: {image: "edge-nginx:VERSION", volumes: [${mount}]}}` });
    expect(project).toMatchObject({
      proxy: { driver: 'nginx', service: 'p' },
      services: { p: { placement: 'shared' } },
    });
  });
});
