import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { frame } from '../../../src/cli/reporters/frame.ts';
import { initialProgress, progress } from '../../../src/cli/reporters/progress-state.ts';
import { createReporter, resolveMode } from '../../../src/cli/reporters/reporter.ts';
import { windowOf } from '../../../src/cli/reporters/step-window.ts';
import { PLAIN_STYLE } from '../../../src/cli/style.ts';
import { shownError } from '../../../src/cli/shown-error.ts';
import type { ProgressMode } from '../../../src/cli/globals.ts';
import { DeployError } from '../../../src/core/errors.ts';
import type { ProgressEvent } from '../../../src/core/events.ts';
import { fakeIo, GLOBALS, NOON } from './support.ts';

process.env['TZ'] = 'UTC';

const STEPS = ['create web ×2 (candidate)', 'ready: web (candidate)', 'weight 100', 'drain web (stable)'];
const WEB = { service: 'web', container: 'shop-green-web-green-1' };

const started = (index: number): ProgressEvent => ({
  ...{ kind: 'step-started', index, total: STEPS.length, text: STEPS[index] ?? '' },
});
const finished = (index: number, ms: number): ProgressEvent => ({
  ...{ kind: 'step-finished', index, total: STEPS.length, text: STEPS[index] ?? '', ms },
});
const probed = (detail: string): ProgressEvent => ({ kind: 'container', ...WEB, change: 'probed', detail });

const DEPLOY: readonly ProgressEvent[] = [
  { kind: 'phase', text: 'pulling or building images' },
  { kind: 'warning', code: 'W03', message: 'nobody checks api', hint: 'add a healthcheck' },
  {
    ...{ kind: 'rollout-started', rollout: 'd-7', verb: 'deploy', project: 'shop', color: 'green' },
    ...{ from: 'v1 (blue)', to: 'v2 (green)', steps: STEPS, continued: false },
  },
  started(0),
  finished(0, 620),
  started(1),
  { kind: 'waiting', what: `${WEB.container}: the probe says 503 in 3 ms`, until: NOON + 57_000 },
  probed('503 in 3 ms'),
  probed('503 in 4 ms'),
  probed('200 in 2 ms'),
  { kind: 'container', ...WEB, change: 'ready', detail: null },
  finished(1, 4200),
  started(2),
  { kind: 'weight', weight: 100, to: 'v2' },
  finished(2, 34),
  started(3),
  {
    ...{ kind: 'drained', container: 'shop-blue-web-blue-1', inFlightAtSwitch: 3, finished: 3, cut: 0, ms: 2100 },
  },
  finished(3, 2100),
  {
    ...{ kind: 'finished', rollout: 'd-7', state: 'completed', version: 'v2', color: 'green', message: null },
    ms: 7000,
    downMs: null,
  },
];

const GATES: readonly ProgressEvent[] = [
  { kind: 'hook', moment: 'pre_deploy', hook: 'exec pg_dump … in db', change: 'started', detail: null },
  { kind: 'hook', moment: 'pre_deploy', hook: 'exec pg_dump … in db', change: 'printed', detail: 'table users' },
  { kind: 'hook', moment: 'pre_deploy', hook: 'exec pg_dump … in db', change: 'failed', detail: 'exit code 3' },
  {
    ...{ kind: 'measured', service: 'web', check: 'errors', outcome: 'fail', dryRun: false },
    text: '0.2, wanted at most 0.01',
  },
  { kind: 'paused', rollout: 'd-7', reason: 'inconclusive', message: 'check smoke: 5', until: null },
];

const FAILURE: ProgressEvent = { kind: 'failure', message: 'web exited with 3', details: ['log: boom'] };

const error = shownError(
  new DeployError('rollout-failed', { what: 'deploy of v2: web exited with 3', serves: 'v1', details: ['log: boom'] }),
  false,
);

async function report(mode: ProgressMode, events: readonly ProgressEvent[]) {
  const io = fakeIo();
  const reporter = await createReporter({ ...GLOBALS, progress: mode }, io);
  events.forEach(reporter.emit);
  return { io, reporter };
}

describe('plain', () => {
  it('writes a line for everything that is news', async () => {
    const { io } = await report('plain', DEPLOY);
    expect(io.stderr.lines).toEqual([
      '14:03:07 pulling or building images',
      '14:03:07 warning W03: nobody checks api (add a healthcheck)',
      '14:03:07 deploy shop v1 (blue) → v2 (green): 4 steps, rollout d-7',
      '14:03:07   1. create web ×2 (candidate)',
      '14:03:07   2. ready: web (candidate)',
      '14:03:07   3. weight 100',
      '14:03:07   4. drain web (stable)',
      '14:03:07 [1/4] create web ×2 (candidate)',
      '14:03:07 [1/4] create web ×2 (candidate): done in 620 ms',
      '14:03:07 [2/4] ready: web (candidate)',
      '14:03:07 waiting for shop-green-web-green-1: the probe says 503 in 3 ms, until 14:04:04',
      '14:03:07 shop-green-web-green-1 probed: 503 in 3 ms',
      '14:03:07 shop-green-web-green-1 probed: 200 in 2 ms',
      '14:03:07 shop-green-web-green-1 ready',
      '14:03:07 [2/4] ready: web (candidate): done in 4.2 s',
      '14:03:07 [3/4] weight 100',
      '14:03:07 100 % of the traffic to v2',
      '14:03:07 [3/4] weight 100: done in 34 ms',
      '14:03:07 [4/4] drain web (stable)',
      '14:03:07 drained shop-blue-web-blue-1: 3 in flight at switch, 3 finished, 0 cut in 2.1 s',
      '14:03:07 [4/4] drain web (stable): done in 2.1 s',
      '14:03:07 completed: v2 on green (7 s)',
    ]);
    expect(io.stdout.text).toBe('');
  });

  it('shows hooks with what they print, values with their bounds, and why it stands', async () => {
    const { io } = await report('plain', GATES);
    expect(io.stderr.lines).toEqual([
      '14:03:07 hook pre_deploy: exec pg_dump … in db started',
      '14:03:07   pre_deploy | table users',
      '14:03:07 hook pre_deploy: exec pg_dump … in db failed: exit code 3',
      '14:03:07 check errors of web: fail: 0.2, wanted at most 0.01',
      '14:03:07 paused: check smoke: 5, until a person goes on',
    ]);
  });

  it('says of an answer that does not suit once what it is, whatever it tells', async () => {
    const said = (words: string): ProgressEvent => ({
      ...{ kind: 'container', container: 'web-1', service: 'web', change: 'probed' },
      detail: `503, wanted 200 to 399 (“${words}”)`,
    });
    const { io } = await report('plain', [said('request 1'), said('request 2')]);
    expect(io.stderr.lines).toEqual(['14:03:07 web-1 probed: 503, wanted 200 to 399 (“request 1”)']);
  });

  it('says of a download when it begins, and at each quarter', async () => {
    const at = (doneBytes: number, totalBytes: number | null = 40_000_000): ProgressEvent => ({
      ...{ kind: 'fetching', service: 'web', doing: 'downloading', doneBytes, totalBytes },
    });
    const { io } = await report('plain', [at(1e6, null), at(2e6, null), at(11e6), at(12e6), at(21e6), at(40e6)]);
    expect(io.stderr.lines.map((line) => line.slice(9))).toEqual([
      'web downloading 977 KiB',
      'web downloading 10 MiB of 38 MiB',
      'web downloading 20 MiB of 38 MiB',
      'web downloading 38 MiB of 38 MiB',
    ]);
  });

  it('does not repeat the evidence of a failure', async () => {
    const { io, reporter } = await report('plain', [FAILURE]);
    reporter.failed(error);
    expect(io.stderr.lines).toEqual([
      '14:03:07 failed: web exited with 3',
      '14:03:07     log: boom',
      '✖ deploy of v2: web exited with 3 [rollout-failed]',
      '  serving: v1',
      '  next:    correct the cause named above and deploy again, with --build where',
      '           the image changes',
    ]);
  });
});

describe('json', () => {
  it('writes every event, the error and the outcome as lines', async () => {
    const { io, reporter } = await report('json', DEPLOY);
    reporter.failed(error);
    const lines = io.stderr.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toHaveLength(DEPLOY.length + 1);
    expect(lines[0]).toEqual({
      time: '2026-01-02T14:03:07.000Z',
      kind: 'phase',
      text: 'pulling or building images',
    });
    expect(lines.at(-1)).toMatchObject({ kind: 'error', code: 'rollout-failed', exit: 1, serves: 'v1' });
    reporter.outcome({
      ...{ exit: 0, state: 'completed', rollout: 'd-7', version: 'v2', color: 'green', message: 'm', plan: null },
      ...{ durationMs: 1, downMs: null, holdUntil: null },
    });
    expect(JSON.parse(io.stdout.text)).toMatchObject({ kind: 'outcome', state: 'completed', version: 'v2' });
  });
});

describe('quiet', () => {
  it('says nothing but errors, and those whole', async () => {
    const { io, reporter } = await report('quiet', [...DEPLOY, FAILURE]);
    expect(io.stderr.text).toBe('');
    reporter.failed(error);
    expect(io.stderr.lines).toContain('    log: boom');
  });
});

describe('auto', () => {
  it('draws on terminals that can be drawn on', () => {
    const terminal = fakeIo({ TERM: 'xterm' });
    terminal.stderr.isTTY = true;
    expect(resolveMode(GLOBALS, terminal)).toBe('tty');
    expect(resolveMode({ ...GLOBALS, ansi: 'never' }, terminal)).toBe('plain');
    expect(resolveMode(GLOBALS, { ...terminal, env: { TERM: 'dumb' } })).toBe('plain');
    expect(resolveMode(GLOBALS, fakeIo())).toBe('plain');
    expect(resolveMode({ ...GLOBALS, progress: 'json' }, terminal)).toBe('json');
  });
});

describe('tty', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const stateAfter = (events: readonly ProgressEvent[]) =>
    events.reduce((state, event) => progress(state, event, NOON), initialProgress(NOON));
  const picture = (events: readonly ProgressEvent[], columns: number, rows: number, at = NOON) =>
    frame(stateAfter(events), at, { columns, rows }, PLAIN_STYLE);

  it('shows what runs, what it waits for and until when', () => {
    expect(picture(DEPLOY.slice(0, 8), 64, 24, NOON + 12_000)).toEqual([
      'deploy shop v1 (blue) → v2 (green)               step 2/4  12 s',
      '  ✔ pulling or building images                             0 ms',
      '  ✔ create web ×2 (candidate)                            620 ms',
      '  ● ready: web (candidate)                                 12 s',
      '      waiting for shop-green-web-green-1: the probe says 503 in',
      '      3 ms',
      '      until 14:04:04 (45 s left)',
      '      shop-green-web-green-1 probed: 503 in 3 ms',
      '  ○ weight 100',
      '  ○ drain web (stable)',
      '  warning W03: nobody checks api (add a healthcheck)',
    ]);
  });

  it('shows the last word of hooks and checks under the step that runs', () => {
    const lines = picture([...DEPLOY.slice(0, 6), ...GATES], 70, 24);
    expect(lines).toContain('      hook pre_deploy exit code 3');
    expect(lines).toContain('      check errors fail: 0.2, wanted at most 0.01');
    expect(lines).toContain('  hook pre_deploy failed: exec pg_dump … in db: exit code 3');
    expect(lines).toContain('      waiting for somebody to go on: check smoke: 5');
  });

  it('shows the way back with steps of its own', () => {
    const back: ProgressEvent = { kind: 'step-started', index: 0, total: 2, text: 'weight 0' };
    const lines = picture([...DEPLOY.slice(0, 8), FAILURE, back], 60, 24);
    expect(lines.join('\n')).toContain('✖ ready: web (candidate)');
    expect(lines.join('\n')).toContain('● weight 0');
    expect(lines.join('\n')).toContain('✖ web exited with 3');
    expect(lines.join('\n')).not.toContain('○');
    expect(lines[0]).toContain('step 1/2');
  });

  it('never is larger than the terminal, and always shows the running step', () => {
    for (let length = 1; length <= DEPLOY.length; length += 1) {
      for (const [columns, rows] of [
        [80, 24],
        [40, 24],
        [40, 8],
        [30, 4],
      ] as const) {
        const lines = picture(DEPLOY.slice(0, length), columns, rows);
        expect(lines.length).toBeLessThan(rows);
        for (const line of lines) expect(line.length).toBeLessThan(columns);
      }
    }
    expect(picture(DEPLOY.slice(0, 8), 40, 5).join('\n')).toContain('● ready: web');
  });

  it('counts the steps that it leaves out', () => {
    const step = (text: string, status: 'todo' | 'running' | 'done') => ({ text, status, startedAt: null, ms: null });
    const steps = Array.from('abcdef').map((c) => step(c, 'done'));
    const many = [...steps, step('g', 'running'), ...Array.from('hij').map((c) => step(c, 'todo'))];
    expect(windowOf(many, 5)).toEqual({ before: 5, shown: [steps[5], many[6], many[7]], after: 2 });
    expect(windowOf(many, 1)).toEqual({ before: 0, shown: [many[6]], after: 0 });
    expect(windowOf(many, 10)).toEqual({ before: 0, shown: many, after: 0 });
  });

  it('redraws in place, and leaves the last picture', async () => {
    const io = fakeIo({ NO_COLOR: '1' });
    Object.assign(io.stderr, { isTTY: true, columns: 60, rows: 12 });
    const reporter = await createReporter({ ...GLOBALS, progress: 'tty' }, io);
    DEPLOY.slice(0, 6).forEach(reporter.emit);
    const before = io.stderr.chunks.length;
    vi.advanceTimersByTime(1000);
    expect(io.stderr.chunks.length).toBe(before);
    io.now = () => NOON + 2000;
    vi.advanceTimersByTime(250);
    expect(io.stderr.chunks.length).toBe(before + 1);
    expect(io.stderr.chunks.at(-1)).toContain('step 2/4  2 s');
    reporter.settle();
    reporter.settle();
    expect(vi.getTimerCount()).toBe(0);
    expect(io.stderr.text).not.toContain('[31m');
  });
});
