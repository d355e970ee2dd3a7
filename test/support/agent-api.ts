import { createLog, type AgentLog } from '../../src/agent/log.ts';
import { Metrics } from '../../src/agent/metrics.ts';
import { type Answering, Orders } from '../../src/agent/routes.ts';
import type { Host } from './host.ts';

/** What the agents of tests say of themselves. */
export const ABOUT = { version: '1.2.3', since: '2026-01-02T03:04:05.000Z', next: null };

/** What the API of an agent on this host answers with; it says nothing, unless it is given another log. */
export function answering(host: Host, over: Partial<Answering> = {}): Answering {
  const { ports } = host.run('agent', () => new Promise(() => undefined));
  const log = createLog('info', { write: () => undefined });
  return { ports, about: () => ABOUT, metrics: new Metrics(), orders: new Orders(), log, ...over };
}

/** A log that is kept, line by line. */
export function keptLog(level = 'info'): {
  readonly log: AgentLog;
  readonly lines: Readonly<Record<string, unknown>>[];
} {
  const lines: Readonly<Record<string, unknown>>[] = [];
  const write = (line: string): number => lines.push(JSON.parse(line) as Readonly<Record<string, unknown>>);
  return { log: createLog(level, { write }), lines };
}
