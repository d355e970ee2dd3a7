import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Worker processes that take new connections, by pid; those that are shutting down are not among them. */
export type Workers = ReadonlySet<number>;

/** The workers of a master process; null if processes cannot be looked at from here. */
export async function acceptingWorkers(master: number | null, proc = '/proc'): Promise<Workers | null> {
  if (master === null) return null;
  const children = await readText(join(proc, String(master), 'task', String(master), 'children'));
  if (children === null) return null;
  const pids = children.split(' ').filter((pid) => /^\d+$/.test(pid));
  const titles = await Promise.all(pids.map((pid) => readText(join(proc, pid, 'cmdline'))));
  return new Set(pids.filter((_, index) => isAccepting(titles[index] ?? null)).map(Number));
}

function isAccepting(title: string | null): boolean {
  return title?.includes('worker process') === true && !title.includes('shutting down');
}

function readText(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null);
}
