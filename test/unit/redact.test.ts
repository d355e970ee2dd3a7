import { describe, expect, it } from 'vitest';
import type { RecordEvent } from '../../src/core/record.ts';
import { redact, redactWords } from '../../src/core/redact.ts';
import { secretsIn, secretsOf, type SecretSources } from '../../src/core/secrets.ts';
import { NO_CHECKS } from '../../src/core/service-checks.ts';
import { check } from '../support/checks.ts';
import { release, service } from '../support/specs.ts';

const none: SecretSources = { checks: [], questions: [], notify: [], values: [], variables: [] };

function http(url: string, headers: Record<string, string> = {}) {
  return check({ provider: { kind: 'http', url, method: 'GET', headers, body: null, json: null } });
}

const SOURCES: SecretSources = {
  checks: [
    http('https://anna:pa%40ssword@x/health?token=url-token', {
      'Content-Type': 'application/json',
      Authorization: 'Bearer abcdef123456',
      'X-Api-Key': 'key-of-the-api',
      'X-Short': 'abc',
    }),
    check({ provider: { kind: 'prometheus', url: 'http://prom:prometheus-pw@p:9090', query: 'up' } }),
  ],
  questions: [{ url: 'http://x/', method: 'GET', headers: { cookie: 'session=of-the-gate' }, body: null, json: null }],
  notify: [
    { url: 'https://hooks.slack.com/services/T0/B0/webhook', on: 'info', format: 'slack', timeoutMs: 1, retries: 0 },
  ],
  values: ['database-password', '-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END KEY-----\n'],
  variables: [
    ...[
      ['DB_PASSWORD', 'password-of-the-db'],
      ['STRIPE_API_KEY', 'key-of-stripe'],
      ['SLACK_WEBHOOK', 'https://hooks.slack.com/services/T1/B1/variable'],
      ['DATABASE_URL', 'postgres://shop:password-in-url@db/shop'],
      ['ANYTHING', 'sk1live2ABCdef3GHIjkl4'],
      ['BUILD_ID', '6f1ed002ab5595859014ebf0951522d9'],
    ].map(([name = '', value = '']) => ({ name, value })),
  ],
};

describe('A18 secrets', () => {
  const secrets = secretsOf(SOURCES);

  it.each([
    'abcdef123456',
    'Bearer abcdef123456',
    'key-of-the-api',
    'pa%40ssword',
    'pa@ssword',
    Buffer.from('anna:pa@ssword').toString('base64'),
    'url-token',
    'prometheus-pw',
    'session=of-the-gate',
    'https://hooks.slack.com/services/T0/B0/webhook',
    '/services/T0/B0/webhook',
    'database-password',
    'MIIEvQIBADANBgkqhkiG',
    'password-of-the-db',
    'key-of-stripe',
    'https://hooks.slack.com/services/T1/B1/variable',
    'password-in-url',
    'sk1live2ABCdef3GHIjkl4',
    '6f1ed002ab5595859014ebf0951522d9',
  ])('%s is not shown', (secret) => {
    expect(redact(`before ${secret} after`, secrets)).toBe('before *** after');
  });

  it('leaves everything else as it is', () => {
    const text = 'application/json abc 200 in 3 ms from https://hooks.slack.com';
    expect(redact(text, secrets)).toBe(text);
  });

  it('hides the password of any URL', () => {
    expect(redact('GET http://anna:unknown@x/y and ftp://x/y', [])).toBe('GET http://anna:***@x/y and ftp://x/y');
  });

  it('a secret in a longer one does not keep that from being found', () => {
    expect(redact('token-and-more', ['token-', 'token-and-more'])).toBe('***');
  });

  it('what is no URL is no reason to fail', () => {
    const target = { url: 'not a url', on: 'info', format: 'json', timeoutMs: 1, retries: 0 } as const;
    expect(secretsOf({ ...none, checks: [http('also not one')], notify: [target] })).toEqual(['not a url']);
    expect(secretsOf({ ...none, checks: [http('http://a:%E0%A4%A@x/')] })).toContain('%E0%A4%A');
  });

  it('are found in a project and in a release', () => {
    const [smoke = http('http://x/')] = SOURCES.checks;
    const steps = SOURCES.questions.map((until) => ({ kind: 'pause', ms: null, until }) as const);
    const web = service('web', { checks: { ...NO_CHECKS, specs: { smoke } }, steps });
    const [values = '', text = ''] = SOURCES.values;
    const environment = Object.fromEntries(SOURCES.variables.map(({ name, value }) => [name, value]));
    const base = { name: 'shop', services: { web: { environment } } };
    const models = { base, overlays: { blue: base, green: base } };
    const parts = { notify: SOURCES.notify, environmentValues: { DB: values }, secretTexts: [text], models };
    const holder = release('v2', [web], parts);
    expect([...secretsIn(holder)].toSorted()).toEqual(secretsOf({ ...SOURCES, checks: [smoke] }).toSorted());
  });

  /** Secrets of a project whose Compose model has these services, and whatever else. */
  function inModel(services: object, more: object = {}, version = 'v2'): readonly string[] {
    const base = { name: 'shop-of-anna', services, ...more };
    return secretsIn(release(version, [service('web')], { models: { base, overlays: { blue: base, green: base } } }));
  }

  it('are found in build arguments, in lists and in what a config assigns', () => {
    const web = { environment: ['PGPASSWORD=a$$b-c-d'], build: { args: { NPM_TOKEN: 'token-of-npm', NODE: '24' } } };
    const content = 'listen 80;\napi_key = "key-in-a-config"\n{"secret": "secret-in-json"}\nmode: production';
    expect(inModel({ web }, { configs: { app: { content } } }).toSorted()).toEqual(
      ['a$b-c-d', 'key-in-a-config', 'secret-in-json', 'token-of-npm'].toSorted(),
    );
  });

  it('are not what people have to read: names of services, the version, places, switches', () => {
    const environment = {
      POSTGRES_PASSWORD: 'postgres',
      SECRET_OF: 'shop-of-anna',
      TOKEN: 'c3d21f89ab5595859014ebf0951522d9',
      DB_PASSWORD_FILE: '/run/secrets/db',
      SSH_KEY: '~/.ssh/id',
      TOKEN_URL: 'https://login.example/token',
      KEYCLOAK_REALM: 'customers',
      COMPASS: 'north-by-northwest',
      TOKENIZER: 'sentencepiece',
      MODE: 'production',
    };
    expect(inModel({ web: { environment }, postgres: {} }, {}, 'c3d21f89ab5595859014ebf0951522d9')).toEqual([]);
  });

  it('only the words of an event or an entry are touched, however deep', () => {
    const event = {
      kind: 'container-failed',
      failure: {
        side: 'candidate',
        service: 'completed',
        container: 'web-1',
        id: null,
        reason: 'said completed',
        at: 1,
      },
    } satisfies RecordEvent;
    expect(redactWords({ kind: 'event', at: 1, rollout: 'completed', event }, ['completed'])).toEqual({
      kind: 'event',
      at: 1,
      rollout: 'completed',
      event: { ...event, failure: { ...event.failure, reason: 'said ***' } },
    });
    const done: RecordEvent = { kind: 'step-done', warning: 'completed with token-of-npm' };
    expect(redactWords(done, ['token-of-npm'])).toEqual({ kind: 'step-done', warning: 'completed with ***' });
    expect(redactWords({ kind: 'failure', details: ['a completed b'] }, ['completed'])).toEqual({
      kind: 'failure',
      details: ['a *** b'],
    });
  });
});
