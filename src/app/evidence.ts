import type { Engine } from './ports.ts';

const LOG_LINES = 20;
const HEALTH_ENTRIES = 3;

/** What people need to see of a container that failed: its last health answers and its last log lines. */
export async function evidenceOf(engine: Engine, container: string): Promise<readonly string[]> {
  const [health, log] = await Promise.all([
    orNothing(engine.healthLog(container)),
    orNothing(engine.logTail(container, LOG_LINES)),
  ]);
  return [
    ...health.slice(-HEALTH_ENTRIES).map((line) => `health check: ${line}`),
    ...(log.length > 0 ? log.map((line) => `log: ${line}`) : ['log: (empty)']),
  ];
}

/** Evidence of a container that is gone is no reason to fail in another way. */
async function orNothing(lines: Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await lines;
  } catch {
    return [];
  }
}
