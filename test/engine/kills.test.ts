import { describe, expect, it } from 'vitest';
import { type NextCommand, surviveAll } from '../support/kill-matrix.ts';
import { CALM_HEALTHCHECK, type ProxyKind } from '../support/project.ts';

/** All lines of the journal, instead of the first of each sort: takes hours. */
const ALL = process.env['DEPLOY_BG_FAULTS'] === 'all';

const NEXT: readonly NextCommand[] = [
  { args: ({ wanted }) => ['deploy', wanted], serves: ({ wanted }) => wanted },
  { args: ({ other }) => ['deploy', other], serves: ({ other }) => other },
  { args: () => ['rollback'], serves: ({ stable }) => stable },
];

const UPDATE = { monitor: '0s' };
const ROUTE = { route: { port: 3000, probe: { path: '/health' } } };

/** How `web` is replaced; the first is what continuous integration runs, the others are for DEPLOY_BG_FAULTS. */
const STRATEGIES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'blue-green': { 'x-deploy-bg': ROUTE, deploy: { replicas: 2, update_config: UPDATE } },
  'rolling start-first': {
    'x-deploy-bg': { ...ROUTE, strategy: 'rolling' },
    deploy: { replicas: 2, update_config: { ...UPDATE, order: 'start-first' } },
  },
  'rolling stop-first': {
    'x-deploy-bg': { ...ROUTE, strategy: 'rolling' },
    deploy: { replicas: 2, update_config: { ...UPDATE, order: 'stop-first' } },
  },
  canary: {
    'x-deploy-bg': { ...ROUTE, strategy: 'canary', steps: [50] },
    deploy: { replicas: 2, update_config: UPDATE },
  },
  recreate: { 'x-deploy-bg': { ...ROUTE, strategy: 'recreate' }, deploy: { replicas: 2, update_config: UPDATE } },
};

const CASES = (['caddy', 'nginx'] as const satisfies readonly ProxyKind[]).flatMap((proxy) =>
  Object.keys(STRATEGIES).map((strategy) => ({ proxy, strategy })),
);
const WANTED = process.env['DEPLOY_BG_KILLS'] ?? 'caddy blue-green';

describe.each(CASES.filter(({ proxy, strategy }) => `${proxy} ${strategy}`.includes(WANTED)))(
  'behind $proxy a $strategy deploy',
  ({ proxy, strategy }) => {
    it(
      'that is killed at a line of its journal leaves what the next command makes whole',
      { timeout: 3_600_000 },
      async () => {
        const { points, broken, requests } = await surviveAll({
          project: { proxy, web: { healthcheck: CALM_HEALTHCHECK, ...STRATEGIES[strategy] } },
          verb: ({ wanted }) => ['deploy', wanted],
          signals: ['SIGKILL'],
          next: NEXT,
          mayLose: strategy === 'recreate',
          projects: 4,
          all: ALL,
        });
        console.log(`${String(points.length)} points under ${String(requests)} requests`);
        expect(broken).toEqual([]);
        expect(points.length).toBeGreaterThan(20);
      },
    );
  },
);
