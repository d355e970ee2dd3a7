import { describe, expect, it } from 'vitest';
import type { RecordEvent } from '../../src/core/record.ts';
import { redact, redactWords, secretsIn, secretsOf, type SecretSources } from '../../src/core/redact.ts';
import { NO_CHECKS } from '../../src/core/service-checks.ts';
import { check } from '../support/checks.ts';
import { release, service } from '../support/specs.ts';

const none: SecretSources = { checks: [], questions: [], notify: [], values: [] };

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
  values: ['database-password'],
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
    const holder = release('v2', [web], { notify: SOURCES.notify, environmentValues: { DB: 'database-password' } });
    expect([...secretsIn(holder)].toSorted()).toEqual(secretsOf({ ...SOURCES, checks: [smoke] }).toSorted());
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
    expect(redactWords({ kind: 'failure', details: ['a completed b'] }, ['completed'])).toEqual({
      kind: 'failure',
      details: ['a *** b'],
    });
  });
});
