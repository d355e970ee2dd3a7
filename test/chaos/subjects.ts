import {
  CALM_HEALTHCHECK,
  docker,
  type ProjectOptions,
  type ProxyKind,
  type TestProject,
  webService,
} from '../support/project.ts';

/** Enough for the application, and soon eaten by who is let loose in there. */
const MEMORY = '192m';

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
  /** Asks a check and runs a hook, which can be kept from ever ending. */
  readonly guarded?: true;
  /** Watched over by an agent, which goes on where a command dies. */
  readonly agent?: true;
  /** Everything is started again by an engine that starts. */
  readonly restarted?: true;
}

/** A file in the project folder: while it is there, hooks do not end. */
export const HANGING = 'hanging';

/** What guards a rollout of ours; the endpoint is asked all the time. */
function guards(endpoint: string): Keys {
  const hook = `while test -e ${HANGING}; do sleep 0.1; done`;
  return {
    checks: { asked: { http: { url: endpoint }, timeout: '1s', interval: '1s' } },
    before: ['asked'],
    watch: ['asked'],
    hooks: { pre_switch: { run: hook, timeout: '2s' }, post_switch: { run: hook, timeout: '2s' } },
  };
}

/** In place nothing of an old replica is left beside the new one. */
export function isInPlace({ strategy }: Kind): boolean {
  return strategy.startsWith('rolling') || strategy === 'recreate';
}

const handedOut = new Set<string>();

/** Addresses that nobody has: those that are chosen by hand can be given to somebody else, and no others. */
export async function freeSubnet(): Promise<string> {
  const networks = await docker.listNetworks();
  const taken = new Set(networks.flatMap(({ IPAM }) => (IPAM?.Config ?? []).map(({ Subnet }) => Subnet)));
  const all = Array.from({ length: 256 }, (_, third) => `10.214.${String(third)}.0/24`);
  const free = all.find((subnet) => !taken.has(subnet) && !handedOut.has(subnet));
  if (free === undefined) throw new Error('all of 10.214.0.0/16 is taken by networks');
  handedOut.add(free);
  return free;
}

/** What of a project's surroundings its compose file says. */
export interface Around {
  /** What its checks ask. */
  readonly endpoint: string;
  readonly subnet: string;
}

/** The compose file of such a project. */
export function composeOf(
  kind: Kind,
  project: TestProject,
  { endpoint, subnet }: Around,
): Omit<ProjectOptions, 'proxy'> {
  const { order, ...keys }: Keys = STRATEGIES[kind.strategy];
  const update = { monitor: '0s', ...(order === undefined ? {} : { order }) };
  const restart = kind.restarted === true ? { restart: 'always' } : {};
  const service = (over: Keys, replicas: number): Keys =>
    webService(project, {
      healthcheck: CALM_HEALTHCHECK,
      deploy: { replicas, update_config: update },
      mem_limit: MEMORY,
      ...restart,
      ...over,
    });
  const web = { 'x-deploy-bg': { ...keys, route: { port: 3000, probe: { path: '/health' } } } };
  const settings = kind.guarded === true ? guards(endpoint) : {};
  const top = { networks: { default: { ipam: { config: [{ subnet }] } } } };
  const around = { top, settings, proxyService: restart };
  if (kind.services === 1) return { ...around, web: service(web, 2) };
  const inside = { 'x-deploy-bg': kind.strategy === 'canary' ? { strategy: 'blue-green' } : keys };
  const after = (name: string): Keys => ({ depends_on: { [name]: { condition: 'service_healthy' } } });
  return {
    ...around,
    web: service({ ...web, ...after('api') }, 2),
    services: { api: service({ ...inside, ...after('worker') }, 1), worker: service(inside, 1) },
  };
}
