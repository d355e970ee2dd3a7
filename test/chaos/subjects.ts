import {
  CALM_HEALTHCHECK,
  type ProjectOptions,
  type ProxyKind,
  type TestProject,
  webService,
} from '../support/project.ts';

type Keys = Readonly<Record<string, unknown>>;

/** How a project is replaced, under the name that the table has for it. */
export const STRATEGIES = {
  'blue-green': {},
  'rolling start-first': { strategy: 'rolling', order: 'start-first' },
  'rolling stop-first': { strategy: 'rolling', order: 'stop-first' },
  canary: { strategy: 'canary', steps: [50] },
  recreate: { strategy: 'recreate' },
} as const satisfies Readonly<Record<string, Keys>>;
export type Strategy = keyof typeof STRATEGIES;

/** What is broken: a project of one kind behind one proxy. */
export interface Kind {
  readonly strategy: Strategy;
  readonly proxy: ProxyKind;
  /** Services that a deploy replaces; all but the first are called by nobody outside. */
  readonly services: 1 | 3;
}

/** In place nothing of an old replica is left beside the new one. */
export function isInPlace({ strategy }: Kind): boolean {
  return strategy.startsWith('rolling') || strategy === 'recreate';
}

/** The compose file of such a project. */
export function composeOf(kind: Kind, project: TestProject): Omit<ProjectOptions, 'proxy'> {
  const { order, ...keys }: Keys = STRATEGIES[kind.strategy];
  const update = { monitor: '0s', ...(order === undefined ? {} : { order }) };
  const service = (over: Keys, replicas: number): Keys =>
    webService(project, {
      healthcheck: CALM_HEALTHCHECK,
      deploy: { replicas, update_config: update },
      ...over,
    });
  const web = { 'x-deploy-bg': { ...keys, route: { port: 3000, probe: { path: '/health' } } } };
  if (kind.services === 1) return { web: service(web, 2) };
  const inside = { 'x-deploy-bg': kind.strategy === 'canary' ? { strategy: 'blue-green' } : keys };
  const after = (name: string): Keys => ({ depends_on: { [name]: { condition: 'service_healthy' } } });
  return {
    web: service({ ...web, ...after('api') }, 2),
    services: { api: service({ ...inside, ...after('worker') }, 1), worker: service(inside, 1) },
  };
}
