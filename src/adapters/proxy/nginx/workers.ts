import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Process, treeOf } from './processes.ts';

/** nginx's worker processes, by pid. */
export interface Workers {
  /** Those that take new connections. */
  readonly accepting: ReadonlySet<number>;
  /** Those that were told to end and still have a client, if only an idle one. */
  readonly leaving: ReadonlySet<number>;
}

/** The workers below a container's first process; null if they cannot be seen from here, which is not the same as none. */
export async function workersOf(first: number | null, proc = '/proc'): Promise<Workers | null> {
  const all = first === null ? [] : await treeOf(first, proc);
  const workers = all.filter(({ title }) => title.includes('worker process'));
  const leaving = workers.filter(({ title }) => title.includes('shutting down'));
  const accepting = workers.filter((worker) => !leaving.includes(worker));
  return accepting.length === 0 ? null : { accepting: pids(accepting), leaving: pids(leaving) };
}

/** As whom the workers work; null if one of them has gone meanwhile. */
export async function usersOf({ accepting, leaving }: Workers, proc = '/proc'): Promise<ReadonlySet<number> | null> {
  const stats = [...accepting, ...leaving].map((pid) => stat(join(proc, String(pid))));
  return Promise.all(stats).then(
    (all) => new Set(all.map(({ uid }) => uid)),
    () => null,
  );
}

function pids(processes: readonly Process[]): ReadonlySet<number> {
  return new Set(processes.map(({ pid }) => pid));
}
