import { commandEnvironment, type HookMoment } from '../core/hooks.ts';
import type { RolloutRecord } from '../core/record.ts';

/** Moments at which the candidate is the one that is left. */
const BACK: ReadonlySet<HookMoment> = new Set(['pre_rollback', 'post_rollback']);

/** What a command of a hook (null: of a check) is told of a rollout. A rollback by hand is a way forward to the older one. */
export function environmentOf(record: RolloutRecord, hook: HookMoment | null): Readonly<Record<string, string>> {
  const { project, stable, candidate, verb } = record;
  const back = verb !== 'rollback' && hook !== null && BACK.has(hook);
  const [from, to] = back ? [candidate, stable] : [stable, candidate];
  const { color, version, release } = candidate;
  return commandEnvironment({
    hook,
    project,
    color,
    version,
    release,
    from: from?.version ?? null,
    to: to?.version ?? null,
  });
}
