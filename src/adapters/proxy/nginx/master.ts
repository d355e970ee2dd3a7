import { readText, treeOf } from './processes.ts';

/** The master, at a pid or below it, has done all that it was told and waits for signals; false where that cannot be seen. */
export async function isIdle(first: number | null, proc = '/proc'): Promise<boolean> {
  const all = first === null ? [] : await treeOf(first, proc);
  const master = all.find(({ title }) => title.includes('nginx: master process'));
  return master !== undefined && isWaiting(await readText(proc, master.pid, 'status'));
}

/** nginx lets a SIGHUP in only while it sleeps; one that comes meanwhile is pending (proc_pid_status(5)). */
function isWaiting(status: string): boolean {
  const blocked = ['SigBlk', 'SigPnd', 'ShdPnd'].map((mask) => hasHangup(status, mask));
  return /^State:\s+S/m.test(status) && blocked.every((is) => !is);
}

/** SIGHUP is the first of all signals. True as well where there is no such mask. */
function hasHangup(status: string, mask: string): boolean {
  const last = new RegExp(`^${mask}:\\s*[0-9a-f]*([0-9a-f])$`, 'm').exec(status)?.[1] ?? 'f';
  return parseInt(last, 16) % 2 === 1;
}
