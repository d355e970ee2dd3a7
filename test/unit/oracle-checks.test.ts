import { describe, expect, it } from 'vitest';
import {
  assess,
  type CheckMode,
  type CheckResult,
  nextMeasurement,
  NO_MEASUREMENTS,
  type Phase,
  tallied,
  worst,
} from '../../src/core/assess.ts';
import { type CheckPolicy, gateCheck, type OutcomeKind, policyOf, type Raw } from '../../src/core/checks.ts';
import { judge } from '../../src/core/judge.ts';
import { bounds, check } from '../support/checks.ts';

const NAMES: Readonly<Record<string, OutcomeKind>> = { p: 'pass', f: 'fail', i: 'inconclusive', e: 'error' };

function value(of: number | string | boolean, detail: string | null = null): Raw {
  return { kind: 'value', value: of, detail };
}

/** Phases from the first assessment on, one a measurement: each is taken when it is due, until the run has ended. */
function phases(policy: CheckPolicy, mode: CheckMode, outcomes: string, startedAt = 0): readonly Phase[] {
  let tally = NO_MEASUREMENTS;
  const seen = [assess(policy, mode, tally, startedAt)];
  for (const letter of outcomes.replaceAll(' ', '')) {
    const phase = seen.at(-1);
    if (phase?.kind !== 'running') break;
    tally = tallied(tally, { kind: NAMES[letter] ?? 'error', text: letter, at: phase.nextAt });
    seen.push(assess(policy, mode, tally, startedAt));
  }
  return seen;
}

function kinds(policy: CheckPolicy, mode: CheckMode, outcomes: string): string {
  return phases(policy, mode, outcomes)
    .map(({ kind }) => kind)
    .join(' ');
}

describe('the oracle of checks', () => {
  it('A01 the third failure is one too many for a limit of two', () => {
    const policy = check({ intervalMs: 1000, failureLimit: 2 });
    expect(phases(policy, 'watch', 'pfff')).toEqual([
      { kind: 'running', nextAt: 0 },
      { kind: 'running', nextAt: 1000 },
      { kind: 'running', nextAt: 2000 },
      { kind: 'running', nextAt: 3000 },
      { kind: 'failed', message: 'check smoke: f (3 failures)' },
    ]);
  });

  it('A03 errors count in a row: four, a pass and four more are tolerated, five in a row are not', () => {
    const policy = check({ intervalMs: 1000 });
    expect(new Set(kinds(policy, 'watch', 'eeeep eeeep').split(' '))).toEqual(new Set(['running']));
    expect(phases(policy, 'watch', 'eeeep eeeee').at(-1)).toEqual({
      kind: 'error',
      message: 'check smoke: e (5 errors in a row)',
    });
  });

  it('A04 an inline check without an interval takes exactly one measurement', () => {
    expect(kinds(check(), 'inline', 'pp')).toBe('running passed');
    expect(kinds(check(), 'inline', 'ff')).toBe('running failed');
  });

  it('A05 errors do not use up the count', () => {
    const policy = check({ intervalMs: 60_000, count: 5, failureLimit: 1 });
    expect(kinds(policy, 'inline', 'ppfpp')).toBe('running running running running running passed');
    expect(kinds(policy, 'inline', 'pep epf ep').split(' ')).toEqual([...Array<string>(8).fill('running'), 'passed']);
    expect(phases(policy, 'inline', 'ppfpp').at(-2)).toEqual({ kind: 'running', nextAt: 240_000 });
  });

  it('A07 the worst of several results is the one that counts', () => {
    const result = (name: string, phase: Phase, dryRun = false): CheckResult => ({
      policy: policyOf(check({ name, dryRun })),
      phase,
    });
    const running = result('running', { kind: 'running', nextAt: 5 });
    const passed = result('passed', { kind: 'passed', message: '' });
    const unclear = result('unclear', { kind: 'inconclusive', message: '' });
    const error = result('error', { kind: 'error', message: '' });
    const failed = result('failed', { kind: 'failed', message: '' });
    const order = [passed, running, unclear, error, failed];
    order.forEach((each, index) => {
      const upTo = order.slice(0, index + 1);
      expect(worst(upTo)).toBe(each);
      expect(worst(upTo.toReversed())).toBe(each);
    });
    expect(worst([])).toBeNull();
    expect(nextMeasurement([passed, running, result('later', { kind: 'running', nextAt: 9 })])).toBe(5);
    expect(nextMeasurement([passed])).toBeNull();
  });

  it('A08 a dry run fails for people only', () => {
    const dry = check({ dryRun: true, intervalMs: 1000 });
    const phase = phases(dry, 'watch', 'f').at(-1);
    expect(phase).toEqual({ kind: 'failed', message: 'check smoke: f' });
    expect(worst([{ policy: policyOf(dry), phase: phase ?? { kind: 'running', nextAt: 0 } }])).toBeNull();
  });

  it.each([
    ['pass only, value below', check({ pass: bounds({ min: 10 }) }), 9, 'fail', '9, wanted at least 10'],
    ['pass only, value on the bound', check({ pass: bounds({ min: 10 }) }), 10, 'pass', '10, wanted at least 10'],
    ['fail only, not hit', check({ fail: bounds({ min: 5 }) }), 4.9, 'pass', '4.9, fails if at least 5'],
    ['fail only, value on the bound', check({ fail: bounds({ min: 5 }) }), 5, 'fail', '5, fails if at least 5'],
    [
      'both, between',
      check({ pass: bounds({ max: 0.01 }), fail: bounds({ min: 0.05 }) }),
      0.03,
      'inconclusive',
      '0.03, wanted at most 0.01, fails if at least 0.05',
    ],
    [
      'both hold: fail counts',
      check({ pass: bounds({ max: 5 }), fail: bounds({ min: 5 }) }),
      5,
      'fail',
      '5, wanted at most 5, fails if at least 5',
    ],
    ['a range', check({ pass: bounds({ min: 1, max: 3 }) }), 3, 'pass', '3, wanted 1 to 3'],
    ['a text', check({ pass: bounds({ equals: 'ok' }) }), 'ok', 'pass', '"ok", wanted equal to "ok"'],
    ['another text', check({ pass: bounds({ equals: 'ok' }) }), 'no', 'fail', '"no", wanted equal to "ok"'],
    ['a truth as text', check({ pass: bounds({ equals: 'true' }) }), true, 'pass', '"true", wanted equal to "true"'],
    ['a number in a text', check({ pass: bounds({ max: 5 }) }), '4', 'pass', '"4", wanted at most 5'],
    ['infinite', check({ pass: bounds({ max: 5 }) }), Infinity, 'fail', 'Infinity, wanted at most 5'],
    ['no number for a number’s bound', check({ fail: bounds({ min: 5 }) }), 'many', 'error', '"many" is no number'],
    ['nothing for a number’s bound', check({ pass: bounds({ min: 0 }) }), '', 'error', '"" is no number'],
  ] as const)('A09 bounds are inclusive: %s', (_, spec, given, kind, text) => {
    expect(judge(spec, value(given))).toEqual({ kind, text });
  });

  it('A09 without bounds only what is false fails, and its detail says why', () => {
    expect(judge(check(), value(true, '204'))).toEqual({ kind: 'pass', text: '204' });
    expect(judge(check(), value(false, 'exit code 3: boom'))).toEqual({ kind: 'fail', text: 'exit code 3: boom' });
  });

  it('A11 an error is tried again, in its interval or after 10 s', () => {
    expect(judge(check(), { kind: 'error', detail: 'answered 500' })).toEqual({ kind: 'error', text: 'answered 500' });
    expect(phases(check(), 'inline', 'e').at(-1)).toEqual({ kind: 'running', nextAt: 10_000 });
    expect(phases(check({ intervalMs: 3000 }), 'inline', 'e').at(-1)).toEqual({ kind: 'running', nextAt: 3000 });
    expect(kinds(check(), 'inline', 'eeeep')).toBe('running running running running running passed');
    expect(kinds(check(), 'inline', 'eeeee')).toBe('running running running running running error');
    expect(kinds(check({ errorLimit: 0 }), 'inline', 'e')).toBe('running error');
  });

  it('A12 the first measurement waits for the initial delay, the next ones do not', () => {
    const policy = check({ initialDelayMs: 30_000, intervalMs: 5000 });
    expect(phases(policy, 'watch', 'p', 1000)).toEqual([
      { kind: 'running', nextAt: 31_000 },
      { kind: 'running', nextAt: 36_000 },
    ]);
  });

  it('A13 what cannot be made is inconclusive', () => {
    const outcome = judge(check(), { kind: 'cannot-run', detail: 'no such image: app:v2' });
    expect(outcome).toEqual({ kind: 'inconclusive', text: 'cannot be made: no such image: app:v2' });
    expect(kinds(check(), 'inline', 'i')).toBe('running inconclusive');
    expect(kinds(check({ intervalMs: 1, inconclusiveLimit: 1 }), 'watch', 'ipi')).toBe(
      'running running running inconclusive',
    );
  });

  it.each(['error', 'pass', 'fail', 'inconclusive'] as const)('no data is what the check says: %s', (noData) => {
    expect(judge(check({ noData }), { kind: 'no-data', detail: 'nothing' })).toEqual({
      kind: noData,
      text: 'no data: nothing',
    });
  });

  it('a watch has no end, whatever its count', () => {
    expect(kinds(check({ intervalMs: 1, count: 2 }), 'watch', 'ppp')).toBe('running running running running');
  });

  it('A14 a pause until a URL says so is not ended by what is no pass, however often, and asks each 10 s', () => {
    const gate = gateCheck({ url: 'http://x/', method: 'GET', headers: {}, body: null, json: null });
    expect(new Set(kinds(gate, 'watch', 'eeeeee ffffff iiiiii').split(' '))).toEqual(new Set(['running']));
    expect(phases(gate, 'inline', 'e').at(-1)).toEqual({ kind: 'running', nextAt: 10_000 });
  });
});
