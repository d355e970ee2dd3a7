import { describe, expect, it } from 'vitest';
import { createChecker } from '../../../src/adapters/checks/checker.ts';
import type { Commands } from '../../../src/adapters/commands/commands.ts';
import { parseCaddyLine } from '../../../src/adapters/proxy/caddy/access-log.ts';
import { parseNginxLine } from '../../../src/adapters/proxy/nginx/access-log.ts';
import { NGINX_LOG_FORMAT } from '../../../src/adapters/proxy/nginx/log-format.ts';
import type { Figure } from '../../../src/core/checks.ts';
import { type AccessRecord, figure, seenBy } from '../../../src/core/figures.ts';
import { check, context, replica } from '../../support/checks.ts';

function record(over: Partial<AccessRecord> = {}): AccessRecord {
  return { at: 1000, status: 200, durationMs: 10, upstream: 'web-1:3000', ...over };
}

const hundred = Array.from({ length: 100 }, (_, index) =>
  record({ durationMs: 100 - index, status: index < 3 ? 503 : 200 }),
);

describe('what the proxy saw of the candidate', () => {
  it.each<[Figure, number]>([
    ['error_rate', 0.03],
    ['latency_p50', 50],
    ['latency_p95', 95],
    ['latency_p99', 99],
    ['requests', 100],
  ])('%s of a hundred requests', (kind, expected) => {
    expect(figure(kind, hundred)).toMatchObject({ kind: 'value', value: expected });
  });

  it('is no data where nothing was asked, but for the number itself', () => {
    expect(figure('error_rate', [])).toMatchObject({ kind: 'no-data' });
    expect(figure('latency_p99', [])).toMatchObject({ kind: 'no-data' });
    expect(figure('requests', [])).toEqual({ kind: 'value', value: 0, detail: null });
    expect(figure('latency_p99', [record({ durationMs: 7 })])).toEqual({
      kind: 'value',
      value: 7,
      detail: 'of 1 request',
    });
  });

  it('a client that was told of its own mistake is no error', () => {
    expect(figure('error_rate', [record({ status: 404 }), record({ status: 499 })])).toMatchObject({ value: 0 });
  });

  it('counts by name and by address, from a moment on', () => {
    const web = replica({ name: 'web-1', addresses: { front: '10.0.0.2', six: 'fd00::2' } });
    const mine = [record(), record({ upstream: '10.0.0.2:3000' }), record({ upstream: '[fd00::2]:3000' })];
    const others = [
      record({ at: 999 }),
      record({ upstream: 'web-11:3000' }),
      record({ upstream: '10.0.0.22:3000' }),
      record({ upstream: null }),
    ];
    expect(seenBy([web], [...mine, ...others], 1000)).toEqual(mine);
  });

  it('is measured where the proxy can say it', async () => {
    const spec = check({ provider: { kind: 'builtin', figure: 'requests' } });
    const never = new AbortController().signal;
    const accessLog = { since: () => Promise.resolve([record(), record({ at: 1 })]) };
    const seeing = createChecker({ commands: {} as Commands, accessLog });
    expect(await seeing.measure(spec, context({ since: 1000 }), never)).toMatchObject({ kind: 'value', value: 1 });
    const blind = createChecker({ commands: {} as Commands, accessLog: null });
    expect(await blind.measure(spec, context(), never)).toMatchObject({ kind: 'cannot-run' });
    const broken = createChecker({
      commands: {} as Commands,
      accessLog: { since: () => Promise.reject(new Error('no log')) },
    });
    expect(await broken.measure(spec, context(), never)).toEqual({ kind: 'error', detail: 'no log' });
  });
});

describe('an access log', () => {
  const caddy = (over: Record<string, unknown> = {}): string =>
    JSON.stringify({
      level: 'info',
      ts: 1700000000.1234,
      logger: 'http.log.access.log0',
      msg: 'handled request',
      request: { uri: '/' },
      duration: 0.25,
      status: 200,
      deploy_bg_upstream: 'shop-green-web-green-1:3000',
      deploy_bg_latency_ms: 12.5,
      ...over,
    });

  it.each<[string, string, AccessRecord | null]>([
    [
      'a request',
      caddy(),
      { at: 1700000000123, status: 200, durationMs: 12.5, upstream: 'shop-green-web-green-1:3000' },
    ],
    [
      'a latency as text',
      caddy({ deploy_bg_latency_ms: '3.5' }),
      { at: 1700000000123, status: 200, durationMs: 3.5, upstream: 'shop-green-web-green-1:3000' },
    ],
    [
      'no upstream was asked',
      caddy({ status: 503, deploy_bg_upstream: '', deploy_bg_latency_ms: '' }),
      { at: 1700000000123, status: 503, durationMs: 250, upstream: null },
    ],
    [
      'placeholders that stayed',
      caddy({ deploy_bg_upstream: '{http.reverse_proxy.upstream.hostport}', deploy_bg_latency_ms: undefined }),
      { at: 1700000000123, status: 200, durationMs: 250, upstream: null },
    ],
    ['another logger', caddy({ logger: 'admin.api' }), null],
    ['no JSON', 'level=info', null],
  ])('of Caddy: %s', (_, line, expected) => {
    expect(parseCaddyLine(line)).toEqual(expected);
  });

  /** As nginx would fill in the format. */
  function nginx(values: Record<string, string>): string {
    const given: Record<string, string> = {
      msec: '1700000000.123',
      status: '200',
      upstream_addr: '10.0.0.2:3000',
      upstream_header_time: '0.012',
      request_time: '0.250',
      ...values,
    };
    return NGINX_LOG_FORMAT.replaceAll(/\$(\w+)/g, (_, name: string) => given[name] ?? '?');
  }

  it.each<[string, string, AccessRecord | null]>([
    ['a request', nginx({}), { at: 1700000000123, status: 200, durationMs: 12, upstream: '10.0.0.2:3000' }],
    [
      'a request that was tried twice',
      nginx({ upstream_addr: '10.0.0.2:3000, 10.0.0.3:3000', upstream_header_time: '-, 0.020' }),
      { at: 1700000000123, status: 200, durationMs: 20, upstream: '10.0.0.3:3000' },
    ],
    [
      'an upstream that did not answer',
      nginx({ status: '502', upstream_header_time: '-' }),
      { at: 1700000000123, status: 502, durationMs: 250, upstream: '10.0.0.2:3000' },
    ],
    [
      'a relay that hung up, since the replica could not be asked',
      nginx({ status: '444', upstream_header_time: '-' }),
      { at: 1700000000123, status: 502, durationMs: 250, upstream: '10.0.0.2:3000' },
    ],
    [
      'no upstream was asked',
      nginx({ status: '503', upstream_addr: '', upstream_header_time: '' }),
      { at: 1700000000123, status: 503, durationMs: 250, upstream: null },
    ],
    [
      'a connection that ended before its status',
      nginx({ status: '000' }),
      { at: 1700000000123, status: 0, durationMs: 12, upstream: '10.0.0.2:3000' },
    ],
    ['another format', '10.0.0.9 - - [date] "GET / HTTP/1.1" 200', null],
  ])('of nginx: %s', (_, line, expected) => {
    expect(parseNginxLine(line)).toEqual(expected);
  });
});
