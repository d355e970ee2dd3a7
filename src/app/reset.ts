import { composeProject } from '../core/color.ts';
import { compileReset } from '../core/compile.ts';
import { newRecord } from '../core/new-record.ts';
import { CLEANUP } from '../core/disagreements.ts';
import { DeployError } from '../core/errors.ts';
import type { Live } from '../core/live.ts';
import type { RouterReading } from '../core/observed.ts';
import type { Release } from '../core/release.ts';
import { execute, type Executed } from './execute.ts';
import { nothingToDo, type Outcome, outcomeOf } from './outcome.ts';
import type { Ports } from './ports.ts';
import { settle } from './recover.ts';
import { removeColors } from './cleanup.ts';
import { inSession, locate, type Session } from './session.ts';
import { requireClear } from './state.ts';
import { stopReason } from './stopping.ts';

export interface ResetOptions {
  /** Do not ask, and give the project back even if the plain side fails. */
  readonly force: boolean;
  readonly confirm: (question: string) => Promise<boolean>;
}

/**
 * Adoption in reverse: plain services at the live version, ready, routed to; then the colors drain and go, and
 * with them everything that is ours but the proxy's file, which stays valid.
 */
export async function reset(ports: Ports, options: ResetOptions, signal: AbortSignal): Promise<Outcome> {
  const location = await locate(ports, 'reset');
  const question = `Give ${location.project} back to plain Compose and forget its releases?`;
  if (!options.force && !(await options.confirm(question)))
    throw new DeployError('not-confirmed', {
      what: 'reset was not confirmed; nothing was changed',
      next: 'answer yes, or add --yes',
    });
  return inSession(ports, location, { verb: 'reset', files: null }, (session) => resetIn(session, options, signal));
}

async function resetIn(session: Session, options: ResetOptions, signal: AbortSignal): Promise<Outcome> {
  const { known } = await settle(session, signal, { forwardTo: null, endHold: true });
  const { live, liveRelease } = known;
  requireClear(live);
  if (live.kind !== 'color')
    return afterwards(session, nothingToDo(null, null, 'nothing of ours serves: the state is removed'));
  if (liveRelease === null)
    throw new DeployError('not-possible', {
      what: `the release in ${live.color} is not in the state folder, so plain services cannot be made from it`,
      next: 'deploy a version first',
    });
  requireKnownTraffic(known.observed.router, composeProject(session.project, live.color));
  const { record, evidence } = await giveBack(session, liveRelease, live, signal);
  if (record.state !== 'completed' && !options.force) return outcomeOf(record, evidence, stopReason(signal));
  const outcome =
    record.state === 'completed'
      ? outcomeOf(record, evidence, null)
      : nothingToDo(null, null, `removed, although the plain side failed: ${record.message ?? ''}`);
  return afterwards(session, outcome);
}

/** @throws proxy-unreachable for one that does not run, or works by other files: what it sends where is not known then */
function requireKnownTraffic(router: RouterReading, color: string): void {
  if (router.kind === 'routes' || (router.code !== 'proxy-unreachable' && router.isUnsettled !== true)) return;
  throw new DeployError('proxy-unreachable', {
    what: `nothing can be given back while it is not known who gets requests: ${router.reason}`,
    serves: 'nothing was changed',
    next: `${router.cure ?? CLEANUP}; where nothing is to be kept: docker compose -p ${color} down`,
  });
}

async function giveBack(
  session: Session,
  release: Release,
  live: Extract<Live, { kind: 'color' }>,
  signal: AbortSignal,
): Promise<Executed> {
  const { ports } = session;
  const now = ports.clock.now();
  const record = newRecord(compileReset(release, live), {
    id: ports.ids.rollout(),
    verb: 'reset',
    project: session.project,
    now,
    times: ports.times,
  });
  await ports.store.append({ kind: 'accepted', at: now, record });
  return execute(session, record, signal, false);
}

async function afterwards(session: Session, outcome: Outcome): Promise<Outcome> {
  const { ports, project } = session;
  await removeColors(session);
  for (const tag of await ports.engine.pinnedTags(project)) await ports.engine.untag(tag);
  await ports.store.erase();
  return outcome;
}
