import { afterEach, describe, expect, it } from 'vitest';
import { createNotifier, type Notifier } from '../../src/adapters/notify/notifier.ts';
import type { GateEvent } from '../../src/core/check-events.ts';
import type { ProgressEvent } from '../../src/core/events.ts';
import { noticeOf } from '../../src/core/notice.ts';
import type { NotifyTarget } from '../../src/core/notify.ts';
import { secretsOf } from '../../src/core/secrets.ts';
import { listen } from '../support/checks.ts';
import { clock } from '../support/proxy-rig.ts';

const started: ProgressEvent = {
  kind: 'rollout-started',
  rollout: 'r1',
  verb: 'deploy',
  project: 'shop',
  from: 'v1 (blue)',
  to: 'v2 (green)',
  color: 'green',
  steps: [],
  continued: false,
};
const weight: ProgressEvent = { kind: 'weight', weight: 25, to: 'v2' };
const paused: GateEvent = {
  kind: 'paused',
  rollout: 'r1',
  reason: 'inconclusive',
  message: 'smoke <is> unclear',
  until: null,
};
const timed: GateEvent = { kind: 'paused', rollout: 'r1', reason: 'step', message: 'waits for its time', until: 5 };
const failure: ProgressEvent = { kind: 'failure', message: 'web-1: exited with code 1', details: ['log: boom'] };
const back: ProgressEvent = {
  kind: 'finished',
  rollout: 'r1',
  state: 'rollback_completed',
  version: 'v2',
  color: 'green',
  message: 'web-1: exited with code 1',
  ms: 4200,
  downMs: null,
};
const done: ProgressEvent = { ...back, state: 'completed', message: null };
const all = [started, weight, timed, paused, failure, back, done];

const closing: (() => void)[] = [];
afterEach(() => {
  closing.splice(0).forEach((close) => {
    close();
  });
});

/** A receiver that gives these answers, one after the other, and then 200; 0 is none at all. */
async function receiver(answers: readonly number[] = [], path = '/hook') {
  const bodies: string[] = [];
  const left = [...answers];
  const server = await listen(({ body }, response) => {
    const status = left.shift() ?? 200;
    if (status === 0) return;
    bodies.push(`${String(status)} ${body}`);
    response.writeHead(status).end();
  });
  closing.push(server.close);
  return { url: `${server.url}${path}`, bodies };
}

function notifier(target: Partial<NotifyTarget> & { url: string }, secrets: readonly string[] = []) {
  const warnings: ProgressEvent[] = [];
  const whole: NotifyTarget = { on: 'info', format: 'json', timeoutMs: 5000, retries: 0, ...target };
  const made: Notifier = createNotifier('shop', [whole], { clock, secrets, warn: (event) => warnings.push(event) });
  return { warnings, ...made };
}

function texts(bodies: readonly string[]): readonly string[] {
  return bodies.map((body) => (JSON.parse(body.slice(4)) as { text: string }).text);
}

describe('notices', () => {
  it('A15 a dead receiver is a warning, once, and nothing else', async () => {
    const { emit, close, warnings } = notifier({ url: 'http://127.0.0.1:1/secret-path-of-a-webhook' });
    all.forEach((event) => {
      emit(event);
    });
    await close();
    expect(warnings).toMatchObject([
      { kind: 'warning', message: '127.0.0.1:1 could not be notified: connection refused' },
    ]);
  });

  it('A15 a receiver that does not answer holds up the end for one try at most', async () => {
    const { url } = await receiver([0, 0, 0]);
    const { emit, close, warnings } = notifier({ url, timeoutMs: 200, retries: 5 });
    const begun = Date.now();
    all.forEach((event) => {
      emit(event);
    });
    expect(Date.now() - begun).toBeLessThan(100);
    await close();
    expect(Date.now() - begun).toBeLessThan(1000);
    expect(warnings).toHaveLength(1);
  });

  it.each([
    ['info', ['deploy', '25 %', 'paused: waits', 'paused: smoke', 'failed', 'rollback completed', 'completed']],
    ['warn', ['paused: smoke', 'failed', 'rollback completed']],
    ['error', ['failed', 'rollback completed']],
  ] as const)('A16 on: %s receives what matters that much, in order', async (on, expected) => {
    const { url, bodies } = await receiver();
    const { emit, close } = notifier({ url, on });
    all.forEach((event) => {
      emit(event);
    });
    await close();
    expect(texts(bodies).map((text, index) => text.startsWith(expected[index] ?? '-'))).toEqual(
      expected.map(() => true),
    );
  });

  it('A17 one retry delivers once after an answer of 500', async () => {
    const { url, bodies } = await receiver([500]);
    const { emit, close, warnings } = notifier({ url, retries: 1 });
    emit(done);
    await close();
    expect(bodies.map((body) => body.slice(0, 3))).toEqual(['500', '200']);
    expect(warnings).toEqual([]);
  });

  it.each([
    ['no retry', [500], 0, 'it answered 500'],
    ['as many answers of 500 as tries', [500, 500], 1, 'it answered 500'],
    ['an answer that no retry mends', [404], 3, 'it answered 404'],
  ])('A17 gives up after %s', async (_, answers, retries, why) => {
    const { url, bodies } = await receiver(answers);
    const { emit, close, warnings } = notifier({ url, retries });
    emit(done);
    await close();
    expect(bodies).toHaveLength(answers.length);
    expect(warnings).toMatchObject([{ message: expect.stringContaining(why) as string }]);
  });

  it('A17 a try again follows where nobody answered in time', async () => {
    const { url, bodies } = await receiver([0]);
    const { emit, close } = notifier({ url, retries: 1, timeoutMs: 700 });
    emit(done);
    await expect.poll(() => bodies.length, { timeout: 5000 }).toBe(1);
    await close();
  });

  it('A18 no secret is sent', async () => {
    const { url, bodies } = await receiver();
    const secrets = secretsOf({
      checks: [],
      questions: [
        { url: 'http://x/', method: 'GET', headers: { authorization: 'Bearer t0psecret"x' }, body: null, json: null },
      ],
      notify: [],
      values: [],
      variables: [],
    });
    const { emit, close } = notifier({ url }, secrets);
    emit({
      kind: 'measured',
      service: 'web',
      check: 'smoke',
      outcome: 'fail',
      text: 'answered t0psecret"x',
      dryRun: false,
    });
    await close();
    expect(bodies.join()).toContain('answered ***');
    expect(bodies.join()).not.toContain('t0psecret');
  });

  it('speaks Slack', async () => {
    const { url, bodies } = await receiver();
    const { emit, close } = notifier({ url, format: 'slack' });
    emit(paused);
    await close();
    expect(bodies).toEqual(['200 {"text":":warning: *shop* paused: smoke &lt;is&gt; unclear"}']);
  });

  it('tells programs the same', async () => {
    const { url, bodies } = await receiver();
    const { emit, close } = notifier({ url });
    emit(weight);
    await close();
    expect(JSON.parse(bodies[0]?.slice(4) ?? '')).toEqual({
      level: 'info',
      project: 'shop',
      text: '25 % of the traffic to v2',
      at: expect.any(String) as string,
      fields: { event: 'weight', weight: 25, to: 'v2' },
    });
  });
});

describe('what is worth a notice', () => {
  const measured = { kind: 'measured', service: 'web', check: 'smoke', text: '500', dryRun: false } as const;
  const hook = { kind: 'hook', moment: 'pre_deploy', hook: 'exec pg_dump … in db', detail: 'exit code 1' } as const;
  const replica = { kind: 'container', service: 'web', container: 'web-1', detail: 'exited' } as const;

  it.each([
    [{ ...measured, outcome: 'pass' } as const, null],
    [{ ...measured, outcome: 'fail' } as const, ['warn', 'check smoke of web: fail: 500']],
    [{ ...measured, outcome: 'fail', dryRun: true } as const, ['info', 'check smoke of web: fail (dry run): 500']],
    [{ ...hook, change: 'printed' } as const, null],
    [{ ...hook, change: 'failed' } as const, ['warn', 'hook pre_deploy failed: exec pg_dump … in db: exit code 1']],
    [{ ...replica, change: 'ready' } as const, null],
    [{ ...replica, change: 'failed' } as const, ['warn', 'web-1 failed: exited']],
    [
      { kind: 'warning', code: 'W03', message: 'nobody checks web', hint: null } as const,
      ['warn', 'warning: nobody checks web'],
    ],
    [{ kind: 'phase', text: 'reading' } as const, null],
    [{ ...done, state: 'superseded' } as const, ['warn', 'superseded: v2 on green (4.2 s)']],
    [back, ['error', 'rollback completed: v2 on green web-1: exited with code 1 (4.2 s)']],
  ] as const)('%#', (event, expected) => {
    const notice = noticeOf(event);
    expect(notice === null ? null : [notice.level, notice.text]).toEqual(expected);
  });
});
