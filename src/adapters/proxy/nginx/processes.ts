import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Process {
  readonly pid: number;
  readonly title: string;
}

/** Shells, an init and a supervisor may stand between the container's first process and nginx's master. */
const DEPTH = 6;

/** A process and those below it, as far as they can be seen from here. */
export async function treeOf(pid: number, proc: string, depth = DEPTH): Promise<readonly Process[]> {
  const self = { pid, title: await readText(proc, pid, 'cmdline') };
  if (depth === 0) return [self];
  const text = await readText(proc, pid, `task/${String(pid)}/children`);
  const children = text.split(' ').filter((child) => /^\d+$/.test(child));
  const found = await Promise.all(children.map((child) => treeOf(Number(child), proc, depth - 1)));
  return [self, ...found.flat()];
}

/** A file of a process; empty where it cannot be read. */
export function readText(proc: string, pid: number, file: string): Promise<string> {
  return readFile(join(proc, String(pid), file), 'utf8').catch(() => '');
}
