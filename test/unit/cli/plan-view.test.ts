import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../../src/app/outcome.ts';
import type { Plan } from '../../../src/app/plan-view.ts';
import { PLAIN_STYLE } from '../../../src/cli/style.ts';
import { outcomeView } from '../../../src/cli/views/outcome.ts';
import { planView } from '../../../src/cli/views/plan.ts';

const GIB = 1024 ** 3;

const PLAN: Plan = {
  ...{
    project: 'shop',
    version: 'v2',
    state: 'planned',
    message: 'would bring in v2 (green) in the place of v1 (blue)',
  },
  from: { version: 'v1', color: 'blue' },
  to: { version: 'v2', color: 'green' },
  services: [
    {
      ...{ service: 'web', fate: 'switch', strategy: 'blue-green', why: 'default: it has a route' },
      from: { version: 'v1', color: 'blue', replicas: 2 },
      to: { version: 'v2', color: 'green', replicas: 2 },
      image: { reference: 'shop/web:v2', source: 'pull' },
    },
    {
      ...{ service: 'jobs', fate: 'keep', strategy: null, why: 'unchanged: left alone' },
      from: { version: 'v1', color: null, replicas: 3 },
      to: { version: 'v1', color: null, replicas: 3 },
      image: null,
    },
    {
      ...{ service: 'migrate', fate: 'run', strategy: null, why: 'others wait for it to exit with 0' },
      ...{ from: null, to: null, image: { reference: 'shop/web:v2', source: 'here' } },
    },
  ],
  shared: [
    { service: 'db', why: 'nothing in it depends on the version', starts: false },
    { service: 'proxy', why: 'it is the proxy', starts: true },
  ],
  steps: [
    { text: 'create web ×2 (candidate)', atMostMs: 0, until: null },
    { text: 'run migrate once', atMostMs: null, until: 'migrate exits' },
    { text: 'ready: web (candidate)', atMostMs: 300_000, until: null },
    { text: 'weight 100', atMostMs: 90_000, until: null },
  ],
  time: { atMostMs: 390_000, completeMs: 300_000, until: ['migrate exits'] },
  twice: [{ service: 'web', old: 2, new: 2, now: 2 }],
  memory: { neededBytes: 1.5 * GIB, notKnown: [], totalBytes: 8 * GIB, availableBytes: 1 * GIB },
  disk: { neededBytes: null, folder: '/var/lib/docker', freeBytes: 20 * GIB },
  proxy: {
    ...{ driver: 'caddy', before: [], after: [], reload: false, reason: null },
    diff: [' web: host (any), path /', '-  shop-blue-web-blue-1:3000  100 %', '+  shop-green-web-green-1:3000  100 %'],
  },
  notes: [],
  shortages: ['the deploy may need 1.5 GiB of memory more, and the host has left 1 GiB'],
};

const ENDED: Outcome = {
  ...{ exit: 0, state: 'planned', rollout: null, version: 'v2', color: 'green', message: '', plan: null },
  ...{ durationMs: 0, downMs: null, holdUntil: null },
};

describe('a plan', () => {
  const show = (over: Partial<Plan> = {}, width = 80) => planView({ ...PLAN, ...over }, width, PLAIN_STYLE);

  it('shows services, reasons, steps with their deadlines, needs and the proxy', () => {
    expect(show()).toEqual([
      'SERVICE  HOW                   FROM        TO           IMAGE',
      'web      blue-green            v1 blue ×2  v2 green ×2  to be pulled',
      'jobs     left alone            v1 ×3',
      'migrate  runs once                                      here',
      'db       shared, left alone',
      'proxy    shared, starts first',
      '',
      'web      default: it has a route',
      'jobs     unchanged: left alone',
      'migrate  others wait for it to exit with 0',
      'db       nothing in it depends on the version',
      'proxy    it is the proxy',
      '',
      'STEPS                           AT MOST',
      '  1. create web ×2 (candidate)',
      '  2. run migrate once              open',
      '  3. ready: web (candidate)          5m',
      '  4. weight 100                   1m30s',
      '  Completed after 5m at most, and until migrate exits, if every step goes well,',
      '  6m30s with what is left to do then. Pulling or building images comes on top.',
      '',
      'runs    at the same time: web 2 old + 2 new',
      'memory  1.5 GiB more; 1 GiB of 8 GiB available',
      'disk    what the new images take is not known; 20 GiB free in /var/lib/docker',
      '',
      'proxy   caddy, no reload',
      '   web: host (any), path /',
      '  -  shop-blue-web-blue-1:3000  100 %',
      '  +  shop-green-web-green-1:3000  100 %',
      '',
      '  ! the deploy may need 1.5 GiB of memory more, and the host has left 1 GiB',
    ]);
  });

  it.each([80, 60, 40])('fits into %i columns', (width) => {
    const long = { text: `ready: ${'a-service '.repeat(12)}(candidate)`, atMostMs: 300_000, until: null };
    for (const line of show({ steps: [...PLAN.steps, long] }, width)) expect(line.length).toBeLessThanOrEqual(width);
  });

  it('says what is not known, and guesses nothing', () => {
    const memory = { neededBytes: null, notKnown: ['web', 'api'], totalBytes: null, availableBytes: null };
    const disk = { neededBytes: null, folder: null, freeBytes: null };
    const proxy = { ...PLAN.proxy, before: null, diff: [], reload: null, reason: 'it does not run' };
    expect(show({ memory, disk, proxy, twice: [] }).slice(21, -2)).toEqual([
      'runs    nothing runs twice',
      'memory  of web, api not known; what the host has is not known',
      'disk    what the new images take is not known; free space not known',
      '',
      'proxy   caddy, whether it reloads is not known; cannot be asked now: it does not',
      '        run; its routes stay as they are',
    ]);
  });

  it('of a deploy that has nothing to do shows what is left alone', () => {
    const plan = { ...PLAN, state: 'nothing-to-do' as const, services: PLAN.services.slice(1, 2), shared: [] };
    const outcome = { ...ENDED, state: 'nothing-to-do' as const, message: 'v1 already serves: nothing to do' };
    expect(outcomeView({ ...outcome, plan: { ...plan, shortages: [] } }, PLAIN_STYLE)).toEqual([
      'SERVICE  HOW         FROM   TO  IMAGE',
      'jobs     left alone  v1 ×3',
      '',
      'jobs  unchanged: left alone',
      '',
      '✔ v1 already serves: nothing to do',
    ]);
  });

  it('ends with what it comes to', () => {
    const lines = outcomeView({ ...ENDED, plan: PLAN, message: PLAN.message }, PLAIN_STYLE);
    expect(lines.at(-1)).toBe('✔ would bring in v2 (green) in the place of v1 (blue)');
  });
});
