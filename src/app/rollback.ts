import { compile } from '../core/compile.ts';
import { newRecord } from '../core/new-record.ts';
import { DeployError } from '../core/errors.ts';
import type { RolloutRecord } from '../core/record.ts';
import { previousRelease } from '../core/releases-stack.ts';
import type { Release } from '../core/release.ts';
import { execute } from './execute.ts';
import { nothingToDo, type Outcome, outcomeOf, servesAll } from './outcome.ts';
import type { Ports } from './ports.ts';
import { settle } from './recover.ts';
import { forgetOldReleases } from './releases.ts';
import { inSession, locate, type Session } from './session.ts';
import { type Known, requireClear, requireProxy } from './state.ts';
import { stopReason, withTimeout } from './stopping.ts';

export interface RollbackOptions {
  /** Release id or version; null for the last one that was not itself rolled back. */
  readonly to: string | null;
  readonly timeoutMs: number | null;
}

/**
 * Goes back to an earlier release with its frozen configuration and image, not today's. A rollout that a killed
 * command left unfinished is what is taken back first.
 * @throws nothing-to-go-back-to, unknown-release, or what a deploy throws
 */
export async function rollback(ports: Ports, options: RollbackOptions, signal: AbortSignal): Promise<Outcome> {
  const location = await locate(ports, 'rollback');
  return inSession(ports, location, { verb: 'rollback', files: null }, (session) =>
    withTimeout(ports.clock, options.timeoutMs, signal, async (stop) => {
      const outcome = await rollbackIn(session, options, stop);
      await forgetOldReleases(session, location.history);
      return outcome;
    }),
  );
}

async function rollbackIn(session: Session, options: RollbackOptions, signal: AbortSignal): Promise<Outcome> {
  await session.router.require();
  const { known, finished: undone } = await settle(session, signal, { forwardTo: null, endHold: false });
  if (undone?.record.state === 'rollback_completed' && options.to === null && undone.record.verb !== 'rollback') {
    const { stable } = undone.record;
    return nothingToDo(
      stable?.version ?? null,
      stable?.color ?? null,
      `the unfinished deploy is undone: ${servesAll(stable)}`,
    );
  }
  if (undone !== null && undone.record.state !== 'completed' && undone.record.state !== 'rollback_completed') {
    return outcomeOf(undone.record, undone.evidence, stopReason(signal));
  }
  requireClear(known.live);
  requireProxy(known);
  const release = await target(session.ports, options.to, known);
  return goTo(session, release, known, signal);
}

async function target(ports: Ports, to: string | null, known: Known): Promise<Release> {
  const release = to === null ? await previous(ports, known.records) : await named(ports, to);
  if (release !== null) return release;
  if (to !== null) throw new DeployError('unknown-release', { what: `no release ${to} is kept` });
  throw new DeployError('nothing-to-go-back-to', {
    what: 'there is no earlier release to go back to',
    serves: servesNow(known),
  });
}

async function previous(ports: Ports, records: readonly RolloutRecord[]): Promise<Release | null> {
  const id = previousRelease(records);
  return id === null ? null : ports.store.release(id);
}

async function named(ports: Ports, to: string): Promise<Release | null> {
  const releases = await ports.store.releases();
  return (
    releases.find((release) => release.id === to) ?? releases.findLast((release) => release.version === to) ?? null
  );
}

function servesNow(known: Known): string {
  return known.liveRelease === null ? 'what runs goes on to serve' : `${known.liveRelease.version} serves all traffic`;
}

async function goTo(session: Session, release: Release, known: Known, signal: AbortSignal): Promise<Outcome> {
  const { ports } = session;
  const { live, liveRelease, observed, records } = known;
  const seen = { live, liveRelease, observed, records };
  const compiled = compile({ verb: 'rollback', release, ...seen, shared: [], force: false });
  if (compiled.kind === 'nothing')
    return nothingToDo(release.version, null, `already there: ${release.version} serves all traffic`);
  const { clock, ids, times } = ports;
  const now = clock.now();
  const about = { id: ids.rollout(), verb: 'rollback', project: session.project, now, times } as const;
  const record = newRecord(compiled, about);
  await ports.store.append({ kind: 'accepted', at: now, record });
  const { record: ended, evidence } = await execute(session, record, signal, false);
  return outcomeOf(ended, evidence, stopReason(signal));
}
