import { deploy } from './deploy.ts';
import type { Outcome } from './outcome.ts';
import type { Ports } from './ports.ts';
import { steer } from './steer.ts';

/**
 * Tries again what failed: a rollout that is paused by a failure goes on with its failed slots; after one that went back
 * its version is deployed anew, from today's files.
 * @throws what a steered rollout or a deploy throws
 */
export async function retry(
  ports: Ports,
  { timeoutMs }: { readonly timeoutMs: number | null },
  signal: AbortSignal,
): Promise<Outcome> {
  const last = (await ports.store.rollouts()).at(-1);
  const version = last?.state === 'rollback_completed' && last.verb === 'deploy' ? last.candidate.version : null;
  if (version === null) return steer(ports, { verb: 'retry', timeoutMs }, signal);
  const plainly = {
    services: [],
    pull: false,
    build: false,
    refresh: false,
    force: false,
    dryRun: false,
    takeOver: false,
  };
  const alone = { supersede: false, attach: false, detach: false, waitMs: null };
  return deploy(ports, { version, ...plainly, ...alone, timeoutMs }, signal);
}
