import { describe, expect, it } from 'vitest';
import type { RolloutView, StatusView } from '../../../src/app/status-view.ts';
import { shownError } from '../../../src/cli/shown-error.ts';
import { PLAIN_STYLE, styleFor } from '../../../src/cli/style.ts';
import { cleanupView } from '../../../src/cli/views/cleanup.ts';
import { errorView } from '../../../src/cli/views/error.ts';
import { historyView } from '../../../src/cli/views/history.ts';
import { outcomeView } from '../../../src/cli/views/outcome.ts';
import { statusView } from '../../../src/cli/views/status.ts';
import { age, cut, cutStart, dateTime, elapsed, wrap } from '../../../src/cli/views/text.ts';
import { timelineView } from '../../../src/cli/views/timeline.ts';
import { DeployError } from '../../../src/core/errors.ts';
import { FakeOutput, NOON, STATUS } from './support.ts';

const HOUR = 3_600_000;

describe('status', () => {
  const show = (view: StatusView, width: number) => statusView(view, width, PLAIN_STYLE);

  it('says in the first line what serves', () => {
    expect(show(STATUS, 80)).toEqual([
      '● shop  green serves v2  for 3m  r-0002',
      '',
      'SERVICE  WHERE     WANT  RUN  READY  TRAFFIC  AGE  IMAGE',
      'web      green v2     2    2      2    100 %   3m  …stry.example.com/shop/web:v2',
      'api      green v2     2    2      1        -   3m  …stry.example.com/shop/api:v2',
      'db       shared       1    1      1        -  12d  postgres:17',
      '  ! shop-green-api-green-2: unhealthy, connection refused',
      '',
      'proxy    caddy, traffic as it reports it',
      'rollout  deploy v1 → v2 completed 3m ago in 12.1 s',
    ]);
  });

  it('leaves columns out where there is no room', () => {
    expect(show(STATUS, 40).slice(2, 6)).toEqual([
      'SERVICE  WHERE     RUN  READY  TRAFFIC',
      'web      green v2    2      2    100 %',
      'api      green v2    2      1        -',
      'db       shared      1      1        -',
    ]);
  });

  it('is never wider than the terminal', () => {
    for (const width of [40, 60, 80, 132]) {
      for (const line of show(busy(), width)) expect(line.length).toBeLessThanOrEqual(width);
    }
  });

  it('names what is off, each remedy once', () => {
    expect(show(busy(), 80).slice(-16)).toEqual([
      'proxy    nginx cannot be read: connection refused',
      'rollout  deploy v1 → v2 paused – step 3/9 (failure) for 3m: ready: web',
      '         (candidate): web-green-1 exited with 3',
      'running  deploy v2 by anna@build-1 (pid 4711) for 12s',
      '',
      'left over',
      '  ! container shop-blue-web-blue-1: stopped, of the failed rollout d-6',
      '  ! network shop-blue_default: nothing uses it',
      '  → docker-deploy-bg cleanup',
      '  ! container shop-web-1: started by docker compose up beside the colors; it is',
      '    not routed',
      '  → docker compose rm -sf web',
      '',
      'does not agree',
      '  ! .deployment-color says blue, the proxy sends its traffic to green',
      '  → docker-deploy-bg cleanup',
    ]);
  });

  it('knows the state before the first deploy, and plain containers', () => {
    expect(show({ ...STATUS, live: null, services: [], shared: [], lastRollout: null }, 80)).toEqual([
      '○ shop  nothing is deployed',
      '',
      'proxy    caddy, traffic as it reports it',
    ]);
    const adopted = { color: null, version: null, release: null, since: null };
    expect(show({ ...STATUS, live: adopted }, 80)[0]).toBe('● shop  plain Compose containers serve');
  });

  it('can be shown without any sign beyond ASCII', () => {
    const style = styleFor(new FakeOutput(), { LANG: 'C' }, 'never');
    for (const line of statusView(busy(), 80, style)) expect(line).toMatch(/^[\x20-\x7e]*$/);
  });
});

function busy(): StatusView {
  const { lastRollout } = STATUS;
  if (lastRollout === null) throw new Error('no rollout');
  return {
    ...STATUS,
    router: { driver: 'nginx', readable: false, reason: 'connection refused' },
    lastRollout: {
      ...lastRollout,
      ...{ state: 'paused', pauseReason: 'failure', endedAt: null, message: 'web-green-1 exited with 3' },
      step: { index: 3, total: 9, text: 'ready: web (candidate)' },
    },
    inFlight: { who: 'anna@build-1 (pid 4711)', verb: 'deploy v2', since: NOON - 12_000 },
    leftovers: [
      {
        ...{ kind: 'container', name: 'shop-blue-web-blue-1', why: 'stopped, of the failed rollout d-6' },
        remedy: 'docker-deploy-bg cleanup',
      },
      { kind: 'network', name: 'shop-blue_default', why: 'nothing uses it', remedy: 'docker-deploy-bg cleanup' },
      {
        ...{ kind: 'container', name: 'shop-web-1' },
        why: 'started by docker compose up beside the colors; it is not routed',
        remedy: 'docker compose rm -sf web',
      },
    ],
    disagreements: [
      {
        what: '.deployment-color says blue, the proxy sends its traffic to green',
        remedy: 'docker-deploy-bg cleanup',
      },
    ],
  };
}

describe('history --timeline', () => {
  const rollout = (to: string, over: Partial<RolloutView>): RolloutView => ({
    ...{ id: 'd', verb: 'deploy', state: 'completed', pauseReason: null, message: null, from: 'v1', to, step: null },
    ...{ startedAt: NOON, endedAt: NOON + 4200, downMs: null },
    ...over,
  });

  it('tells one rollout after the other, how it ended and why', () => {
    const rollouts = [
      rollout('v2', { downMs: 3200 }),
      rollout('v3', { state: 'rollback_completed', message: 'check errors failed' }),
      rollout('v4', { state: 'paused', endedAt: null }),
    ];
    const day = dateTime(NOON);
    expect(timelineView(rollouts, NOON + 60_000, 100, PLAIN_STYLE)).toEqual([
      `   WHEN                 ROLLOUT         RESULT        TOOK  WHY`,
      `✔  ${day}  deploy v1 → v2  completed    4.2 s  3.2 s without service`,
      `✖  ${day}  deploy v1 → v3  rolled back  4.2 s  check errors failed`,
      `●  ${day}  deploy v1 → v4  paused          1m`,
    ]);
    for (const line of timelineView(rollouts, NOON, 60, PLAIN_STYLE)) expect(line.length).toBeLessThanOrEqual(60);
    const wordy = [rollout('v3', { state: 'rollback_completed', message: 'words '.repeat(100).trim() })];
    expect(timelineView(wordy, NOON, Number.MAX_SAFE_INTEGER, PLAIN_STYLE).at(-1)).toContain('words '.repeat(99));
  });
});

describe('history', () => {
  const entry = (release: string, version: string, live: boolean, state: 'completed' | 'rollback_completed') => ({
    ...{ release, version, live, createdAt: NOON - 30 * HOUR },
    rollouts: [
      {
        ...{ id: 'd', verb: 'deploy' as const, state, startedAt: NOON - 30 * HOUR, endedAt: NOON - 29 * HOUR },
        downMs: state === 'completed' ? 3200 : null,
      },
    ],
  });

  it('marks the release that serves', () => {
    const entries = [
      entry('r-0003', 'v3', false, 'rollback_completed'),
      entry('r-0002', 'v2', true, 'completed'),
      { ...entry('r-0001', 'v1', false, 'completed'), rollouts: [] },
    ];
    expect(historyView(entries, NOON, 80, PLAIN_STYLE)).toEqual([
      '   VERSION  RELEASE  CREATED  LAST ROLLOUT',
      '   v3       r-0003   30h ago  rolled back 29h ago',
      '●  v2       r-0002   30h ago  completed 29h ago, 3.2 s without service',
      '   v1       r-0001   30h ago  -',
    ]);
    expect(historyView([], NOON, 80, PLAIN_STYLE)).toEqual(['nothing has been deployed yet']);
  });
});

describe('outcome', () => {
  const outcome = {
    ...{ exit: 0, state: 'completed' as const, rollout: 'd-1', version: 'v2', color: 'green' as const },
    ...{ message: 'v2 (green) serves all traffic', plan: null, durationMs: 12_100, downMs: null, holdUntil: null },
  };

  it('is one line', () => {
    expect(outcomeView(outcome, PLAIN_STYLE)).toEqual(['✔ v2 (green) serves all traffic (12.1 s)']);
  });

  it('says what cleanup removed', () => {
    const removed = [{ kind: 'container', name: 'shop-blue-web-blue-1', why: 'of a failed rollout' }];
    expect(cleanupView({ removed, corrected: [] }, false, 80, PLAIN_STYLE)).toEqual([
      'removed container shop-blue-web-blue-1: of a failed rollout',
    ]);
    expect(cleanupView({ removed, corrected: removed }, true, 80, PLAIN_STYLE)).toEqual([
      'would correct container shop-blue-web-blue-1: of a failed rollout',
      'would remove container shop-blue-web-blue-1: of a failed rollout',
    ]);
    expect(cleanupView({ removed: [], corrected: [] }, true, 80, PLAIN_STYLE)).toEqual(['✔ nothing is left over']);
  });
});

describe('error', () => {
  const error = new DeployError('rollout-failed', {
    what: 'deploy of v2: web-green-1 exited with 3',
    serves: 'v1 (blue) serves all traffic',
    details: ['health: connection refused', 'log: boom'],
  });

  it('has three parts and the evidence between them', () => {
    expect(errorView(shownError(error, false), PLAIN_STYLE)).toEqual([
      '✖ deploy of v2: web-green-1 exited with 3 [rollout-failed]',
      '    health: connection refused',
      '    log: boom',
      '  serving: v1 (blue) serves all traffic',
      '  next:    correct the cause named above and deploy again, with --build where',
      '           the image changes',
    ]);
  });

  it('fits into a narrow terminal', () => {
    const lines = errorView({ ...shownError(error, false), details: [] }, PLAIN_STYLE, 40);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(40);
  });

  it('shows a stack only to whoever debugs', () => {
    const defect = new TypeError('x is undefined');
    expect(shownError(defect, false)).toMatchObject({ code: 'internal', exit: 1, details: [] });
    expect(shownError(defect, true).details.join()).toContain('views.test.ts');
  });
});

describe('texts', () => {
  it('have ages and clocks that are short', () => {
    expect([0, 59_000, 60_000, 3_600_000, 47 * HOUR, 48 * HOUR].map(age)).toEqual([
      '0s',
      '59s',
      '1m',
      '1h',
      '47h',
      '2d',
    ]);
    expect([-5, 999, 7000, 65_000].map(elapsed)).toEqual(['0 s', '0 s', '7 s', '1m05s']);
  });

  it('are cut and wrapped', () => {
    expect(cut('abcdef', 4, '…')).toBe('abc…');
    expect(cutStart('abcdef', 4, '…')).toBe('…def');
    expect(wrap('a bb ccc dddddddd', 5)).toEqual(['a bb', 'ccc', 'dddddddd']);
  });

  it('are colored only where that is wanted', () => {
    const terminal = Object.assign(new FakeOutput(), { isTTY: true });
    const red = (env: Record<string, string>, ansi: 'auto' | 'never' | 'always') =>
      styleFor(terminal, env, ansi).paint.red('x');
    expect(red({}, 'auto')).not.toBe('x');
    expect(red({ NO_COLOR: '1' }, 'auto')).toBe('x');
    expect(red({ TERM: 'dumb' }, 'auto')).toBe('x');
    expect(red({}, 'never')).toBe('x');
    expect(styleFor(new FakeOutput(), {}, 'auto').paint.red('x')).toBe('x');
    expect(styleFor(new FakeOutput(), {}, 'always').paint.red('x')).not.toBe('x');
  });
});
