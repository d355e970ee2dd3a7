import type { ProxyKind } from '../support/project.ts';
import { agentCell } from './agents.ts';
import type { Cell } from './cell.ts';
import { FOREIGN, foreignCell } from './foreign.ts';
import { type Kill, KILLS, killCell, type VerbName } from './kills.ts';
import { type Kind, STRATEGIES, type Strategy } from './subjects.ts';

const PROXIES: readonly ProxyKind[] = ['caddy', 'nginx'];
const ALL = Object.keys(STRATEGIES) as readonly Strategy[];

function kind(strategy: Strategy, proxy: ProxyKind, services: 1 | 3 = 1): Kind {
  return { strategy, proxy, services };
}

/** What a person runs before a release: every strategy, verb, proxy and fault. */
export function longPlan(all: boolean): readonly Cell[] {
  const both = (make: (proxy: ProxyKind) => readonly Cell[]): readonly Cell[] => PROXIES.flatMap(make);
  const other = Object.keys(KILLS).filter(
    (name) => !name.startsWith('SIGKILL,') && name !== 'SIGKILL',
  ) as readonly Kill[];
  return [
    ...both((proxy) => ALL.map((strategy) => killCell(kind(strategy, proxy), 'deploy', 'SIGKILL', all))),
    ...ALL.map((strategy) => killCell(kind(strategy, 'caddy', 3), 'deploy', 'SIGKILL', all)),
    ...both((proxy) =>
      (['rollback', 'cleanup'] as const satisfies readonly VerbName[]).map((verb) =>
        killCell(kind('blue-green', proxy), verb, 'SIGKILL', all),
      ),
    ),
    killCell(kind('rolling stop-first', 'caddy'), 'rollback', 'SIGKILL', all),
    ...other.map((fault) => killCell(kind('blue-green', 'caddy'), 'deploy', fault, all)),
    killCell(kind('canary', 'nginx'), 'deploy', 'Ctrl-C', all),
    ...ALL.map((strategy) =>
      killCell({ ...kind(strategy, 'caddy'), agent: true }, 'deploy', 'SIGKILL, an agent goes on', all),
    ),
    ...ALL.map((strategy) => agentCell(kind(strategy, 'caddy'), all)),
    ...both((proxy) => FOREIGN.map((fault) => foreignCell(kind('blue-green', proxy), fault))),
    ...FOREIGN.map((fault) => foreignCell(kind('rolling start-first', 'caddy'), fault)),
  ];
}

/** What every change has to pass: a few minutes. */
export function shortPlan(): readonly Cell[] {
  return [
    killCell(kind('blue-green', 'caddy'), 'deploy', 'SIGKILL', false),
    foreignCell(kind('blue-green', 'caddy'), 'candidate killed'),
  ];
}
