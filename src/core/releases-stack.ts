import type { RolloutRecord } from './record.ts';
import { isTerminal } from './state.ts';

/**
 * Ids of the releases that `rollback` walks down, the live one last. A completed deploy puts its release on top; a
 * completed rollback takes away what is above its target, so that repeating it walks back and does not toggle
 * (ORACLE U31). A change of replicas replaces the top. `reset` empties it.
 */
export function releaseStack(records: readonly RolloutRecord[]): readonly string[] {
  let stack: string[] = [];
  for (const record of records) {
    const release = record.candidate.release;
    if (record.state !== 'completed' || release === null) continue;
    if (record.verb === 'reset') stack = [];
    else if (record.scale) stack = [...stack.slice(0, -1), release];
    else if (record.verb === 'rollback')
      stack = [...stack.slice(0, stack.includes(release) ? stack.lastIndexOf(release) : stack.length), release];
    else stack = [...stack, release];
  }
  return stack;
}

/** The release that a plain `rollback` goes to; null if there is none. */
export function previousRelease(records: readonly RolloutRecord[]): string | null {
  return releaseStack(records).at(-2) ?? null;
}

/** Releases that rollbacks took away since the last deploy: whoever went back too far goes there by `--to`. */
export function leftByRollback(records: readonly RolloutRecord[]): readonly string[] {
  const completed = records.filter(({ state }) => state === 'completed');
  const lastDeploy = completed.findLastIndex(({ verb }) => verb !== 'rollback');
  const stays = new Set(releaseStack(completed));
  return releaseStack(completed.slice(0, lastDeploy + 1)).filter((id) => !stays.has(id));
}

/** Deploys that were taken back because somebody said so, since the last one that was completed. */
export function abortedSince(records: readonly RolloutRecord[]): readonly RolloutRecord[] {
  const last = records.findLastIndex(({ state, verb }) => state === 'completed' && verb === 'deploy');
  return records.slice(last + 1).filter(({ aborted, state }) => aborted && state === 'rollback_completed');
}

/**
 * Releases that `rollback` walks down within `history` or has come from, and both of a rollout that has not ended,
 * whatever runs of it.
 */
export function releasesInUse(records: readonly RolloutRecord[], history: number): readonly (string | null)[] {
  const last = records.at(-1);
  const moving = last === undefined || isTerminal(last.state) ? [] : [last.stable, last.candidate];
  const kept = history === 0 ? [] : [...releaseStack(records).slice(-history), ...leftByRollback(records)];
  return [...kept, ...moving.map((side) => side?.release ?? null)];
}
