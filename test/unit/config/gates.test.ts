import { describe, expect, it } from 'vitest';
import { usesAt, usesNamed } from '../../../src/core/service-checks.ts';
import { bounds } from '../../support/checks.ts';
import { build, codes } from './support.ts';

const SHOP = `
name: shop
x-deploy-bg:
  proxy: {driver: none}
  checks:
    home: {http: {url: "http://shop/", headers: {x-token: "a$$b"}}, interval: 10s, initial_delay: 5s, timeout: 2s}
    errors: {builtin: error_rate, pass: {max: 0.01}, fail: {min: 0.1}, failure_limit: 2, inconclusive_limit: 1, error_limit: 0, no_data: pass, interval: 5s}
  before: [home]
  watch: [errors]
  hooks:
    pre_deploy: {exec: {service: db, command: [pg_dump, -f, /backup]}, timeout: 1m}
    on_failure: ./page
  notify: [{url: "https://hooks/x", on: warn, format: slack, timeout: 1s, retries: 2}, {url: "https://other/y"}]
services:
  web:
    image: "app:VERSION"
    x-deploy-bg:
      route: {port: 3000}
      checks: {home: {command: {run: [smoke], in: image}, dry_run: true}, queue: {prometheus: {url: "http://p", query: up}, pass: {equals: 1}, count: 3, interval: 1s}}
      after: [queue]
      hooks:
        pre_switch:
          - {run: {service: web, command: npm run warm}}
          - {run: [./warm, --all]}
          - ls
  api: {image: "app:VERSION", x-deploy-bg: {strategy: blue-green}}
  worker: {image: "app:VERSION", x-deploy-bg: {strategy: blue-green}}
  migrate: {image: "app:VERSION"}
  db: {image: postgres}
  later: {image: x, depends_on: {migrate: {condition: service_completed_successfully, required: true}}}
`;

describe('checks, hooks and notices of a project', () => {
  const { project } = build({ yaml: SHOP });
  const { web, api, worker, migrate, db } = project.services;

  it('checks are resolved with every default', () => {
    expect(api?.checks.specs['home']).toEqual({
      name: 'home',
      provider: {
        kind: 'http',
        url: 'http://shop/',
        method: 'GET',
        headers: { 'x-token': 'a$b' },
        body: null,
        json: null,
      },
      intervalMs: 10_000,
      initialDelayMs: 5000,
      count: null,
      timeoutMs: 2000,
      pass: null,
      fail: null,
      failureLimit: 0,
      inconclusiveLimit: 0,
      errorLimit: 4,
      noData: 'error',
      dryRun: false,
    });
    expect(api?.checks.specs['errors']).toMatchObject({
      provider: { kind: 'builtin', figure: 'error_rate' },
      pass: bounds({ max: 0.01 }),
      fail: bounds({ min: 0.1 }),
      failureLimit: 2,
      inconclusiveLimit: 1,
      errorLimit: 0,
      noData: 'pass',
    });
  });

  it('the top level gives defaults, and a service has its own ones in their place', () => {
    expect(web?.checks.specs['home']).toMatchObject({
      provider: { kind: 'command', run: ['smoke'], in: 'image' },
      dryRun: true,
    });
    expect(web?.checks.specs['queue']).toMatchObject({
      provider: { kind: 'prometheus', url: 'http://p', query: 'up' },
      pass: bounds({ equals: '1' }),
      count: 3,
    });
    expect(web?.checks).toMatchObject({ before: ['home'], watch: ['errors'], after: ['queue'] });
    expect(api?.checks).toMatchObject({ before: ['home'], watch: ['errors'], after: [] });
  });

  it('what is shared or runs once has no checks', () => {
    expect(migrate?.placement).toBe('one-shot');
    expect([migrate?.checks, db?.checks].map((checks) => Object.keys(checks?.specs ?? {}))).toEqual([[], []]);
  });

  it('what asks the same of the same is asked once, what is a service’s own of each', () => {
    const services = [web, api, worker].filter((service) => service !== undefined);
    const said = (uses: ReturnType<typeof usesAt>): string[] =>
      uses.map(({ service, policy }) => `${service} ${policy.name}`);
    expect(said(usesAt(services, 'before'))).toEqual(['web home', 'api home']);
    expect(said(usesAt(services, 'watch'))).toEqual(['web errors', 'api errors', 'worker errors']);
    expect(said(usesNamed(services, ['queue', 'nothing']))).toEqual(['web queue']);
  });

  it('nothing secret is in what a record may hold', () => {
    expect(
      JSON.stringify(
        usesAt(
          [api].filter((service) => service !== undefined),
          'before',
        ),
      ),
    ).not.toContain('a$b');
  });

  it('hooks say where they run', () => {
    expect(project.hooks).toEqual({
      pre_deploy: [{ kind: 'exec', service: 'db', command: ['pg_dump', '-f', '/backup'], timeoutMs: 60_000 }],
      on_failure: [{ kind: 'host', command: './page', timeoutMs: 300_000 }],
    });
    expect(web?.hooks).toEqual({
      pre_switch: [
        { kind: 'run', service: 'web', command: 'npm run warm', timeoutMs: 300_000 },
        { kind: 'host', command: ['./warm', '--all'], timeoutMs: 300_000 },
        { kind: 'host', command: 'ls', timeoutMs: 300_000 },
      ],
    });
    expect(api?.hooks).toEqual({});
  });

  it('receivers of notices', () => {
    expect(project.notify).toEqual([
      { url: 'https://hooks/x', on: 'warn', format: 'slack', timeoutMs: 1000, retries: 2 },
      { url: 'https://other/y', on: 'info', format: 'json', timeoutMs: 10_000, retries: 0 },
    ]);
  });
});

describe('what is wrong with hooks and checks', () => {
  const hooks = (value: string): readonly string[] =>
    codes({
      yaml: `services:\n  web:\n    image: "app:VERSION"\n    x-deploy-bg:\n      hooks: {pre_deploy: ${value}}\n  db: {image: x}`,
    }).filter((code) => !code.startsWith('E99'));

  it.each([
    ['a service that is not there', '{exec: {service: nobody, command: x}}', ['E12 5']],
    ['a new container of a shared service', '{run: {service: db, command: x}}', ['E12 5']],
    ['a running container of a shared service', '{exec: {service: db, command: x}}', []],
    ['two places', '{run: x, exec: {service: web, command: x}}', ['E01 5']],
    ['no command', '{exec: {service: web}}', ['E01 5']],
    ['no place', '{timeout: 5s}', ['E01 5']],
    ['an unknown key', '{run: x, timout: 5s}', ['E01 5']],
  ])('%s', (_, value, expected) => {
    expect(hooks(value)).toEqual(expected);
  });

  it('a path into JSON that is none', () => {
    const yaml = 'services:\n  w:\n    image: a\n    x-deploy-bg:\n      checks: {a: {http: {url: x, json: "a..b"}}}';
    expect(codes({ yaml })).toContain('E01 5');
  });
});
