import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { diagnosticText } from '../../../src/config/findings.ts';
import { build } from './support.ts';

/** Every key of `x-deploy-bg` with a value that is right. */
const TOP = {
  strategy: 'canary',
  proxy: { driver: 'nginx', service: 'proxy' },
  history: 3,
  retire_after: '10m',
  promote: 'auto',
  version_env: 'VERSION',
  notify: [{ url: 'https://hooks.example/x', on: 'warn', format: 'slack', timeout: '5s', retries: 2 }],
  hooks: {
    pre_deploy: ['./a.sh', { run: ['b', 'c'], timeout: '1m' }],
    on_failure: { exec: { service: 'web', command: 'x' } },
  },
  checks: {
    smoke: { http: { url: 'http://web/', json: 'data.result[0].value' }, count: 3, interval: '10s', pass: { max: 1 } },
    rate: { prometheus: { url: 'http://prometheus/', query: 'up' }, interval: '10s', fail: { min: 1, equals: 'x' } },
    own: { command: { run: ['true'], in: 'image' }, timeout: '5s' },
    errors: { builtin: 'error_rate', interval: '5s', pass: { max: 1 } },
  },
};
const OWN = {
  route: {
    port: 3000,
    host: 'shop.example',
    path: '/a',
    probe: { path: '/health', status: '200-299' },
    preview: { headers: { 'x-preview': '1' } },
  },
  steps: [
    5,
    { pause: '5m' },
    { match: { cookies: { beta: '1' } } },
    { replicas: '50%' },
    { mirror: 10 },
    { check: ['smoke'] },
  ],
  before: ['smoke'],
  watch: ['errors'],
  after: ['own'],
  sticky: { cookie: 'side', max_age: '1h' },
  shrink_stable: true,
  preview_replicas: 1,
  progress_deadline: '5m',
  drain_timeout: '30s',
};
/** Compose itself sees to the number of replicas. */
const SERVICE = {
  image: 'acme/web:VERSION',
  scale: 2,
  deploy: {
    update_config: {
      parallelism: 1,
      delay: '5s',
      monitor: '5s',
      max_failure_ratio: 0.5,
      failure_action: 'pause',
      order: 'start-first',
    },
  },
};

interface Settings {
  readonly top: unknown;
  readonly own: unknown;
  readonly deploy?: unknown;
}

function read({ top, own, deploy = SERVICE.deploy }: Settings) {
  const mount = { type: 'bind', source: '/shop/nginx', target: '/etc/nginx/deploy-bg' };
  const services = {
    proxy: { image: 'nginx', volumes: [mount] },
    web: { ...SERVICE, deploy, 'x-deploy-bg': own },
  };
  return build({ yaml: stringify({ name: 'shop', 'x-deploy-bg': top, services }, { aliasDuplicateObjects: false }) });
}

/** Each finding has a code, a place that the user wrote and what to do; whatever is right of the project is read. */
function expectFindings(settings: Settings): void {
  const { project, diagnostics } = read(settings);
  expect(Object.keys(project.services)).toEqual(['proxy', 'web']);
  for (const found of diagnostics) {
    expect(diagnosticText(found)).toMatch(/^compose\.yml:\d+: [EW]\d\d \S[^]*; \S/);
    expect(found.message).not.toContain('[object Object]');
  }
}

const NASTY: readonly unknown[] = [
  ...[
    null,
    true,
    -1,
    0,
    1e308,
    0.5,
    [],
    {},
    [[]],
    '',
    ' ',
    '; rm -rf /',
    '$(reboot)',
    '`id`',
    '${HOME}',
    '../../x',
    '-x',
  ],
  ...[
    'a\nb',
    '\u0000',
    '\u001b[2J',
    'é😀',
    'x'.repeat(3000),
    '9'.repeat(400),
    '1e3s',
    '-5s',
    '99999999999999h',
    '__proto__',
    'constructor',
  ],
];
const nasty = fc.oneof(fc.constantFrom(...NASTY), fc.jsonValue(), fc.string(), fc.double());
const key = fc.constantFrom('__proto__', 'constructor', 'toString', 'startegy', 'é', 'a b', '0', '');

/** The value with one value in it replaced or taken away, or with a key more. */
function edited(value: object): fc.Arbitrary<unknown> {
  const size = JSON.stringify(value).split(/[,:[{]/).length;
  return fc
    .tuple(fc.integer({ min: 2, max: size }), fc.option(nasty, { nil: undefined }), fc.option(key))
    .map(([which, other, more]) => {
      let left = which;
      return JSON.parse(
        JSON.stringify(value, (_key, each: unknown) => {
          left -= 1;
          if (left !== 0) return each;
          const isMapping = typeof each === 'object' && each !== null && !Array.isArray(each);
          return more === null || !isMapping ? other : Object.fromEntries([...Object.entries(each), [more, other]]);
        }),
      ) as unknown;
    });
}

const RUNS = { numRuns: 100 };

describe('whatever x-deploy-bg says', () => {
  it('nothing is wrong with what is right', () => {
    expect(read({ top: TOP, own: OWN }).diagnostics).toEqual([]);
  });

  it('a value that is not right is a finding with its code, its place and what to do', () => {
    const settings = fc.oneof(
      edited(TOP).map((top) => ({ top, own: OWN })),
      edited(OWN).map((own) => ({ top: TOP, own })),
      edited(SERVICE.deploy).map((deploy) => ({ top: TOP, own: OWN, deploy })),
      fc.record({ top: edited(TOP), own: edited(OWN), deploy: edited(SERVICE.deploy) }),
    );
    fc.assert(fc.property(settings, expectFindings), RUNS);
  });

  it('anything else is one as well', () => {
    fc.assert(fc.property(fc.record({ top: nasty, own: nasty, deploy: nasty }), expectFindings), RUNS);
  });
});
