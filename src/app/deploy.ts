import { DeployError, messageOf } from '../core/errors.ts';
import type { Fetching } from '../core/events.ts';
import { liveColor } from '../core/live.ts';
import type { Diagnostic, Project } from '../core/project.ts';
import type { RolloutRecord } from '../core/record.ts';
import type { Release } from '../core/release.ts';
import { secretsIn } from '../core/secrets.ts';
import { placeOf } from '../core/sides.ts';
import { isTerminal } from '../core/state.ts';
import { correct } from './cleanup.ts';
import { draft } from './draft.ts';
import { execute } from './execute.ts';
import { freeze, replacedServices } from './freeze.ts';
import { withoutSecrets } from './guard.ts';
import { attach } from './attach.ts';
import { accepted, isTaken, onItsWay, requireAgent } from './hand-over.ts';
import { nothingToDo, type Outcome, outcomeOf } from './outcome.ts';
import { plan } from './plan.ts';
import type { Ports } from './ports.ts';
import { goOn, settle } from './recover.ts';
import { forgetAfter, forgetOldReleases, pin } from './releases.ts';
import { frozen, inSession, locationOf, type Session } from './session.ts';
import { examine, type Known, requireClear, requireSameProxy } from './state.ts';
import { stoppedError, stopReason, withTimeout } from './stopping.ts';
import { inTurn, supersede } from './turn.ts';
import { type Wanted, wanted } from './wanted.ts';

export interface DeployOptions {
  readonly version: string;
  /** Services to replace; empty means all. */
  readonly services: readonly string[];
  readonly pull: boolean;
  readonly build: boolean;
  /** Ask the registry even for images that are here. */
  readonly refresh: boolean;
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly takeOver: boolean;
  /** Replace a rollout that is under way. */
  readonly supersede: boolean;
  /** Stay and watch at a pause that only a person can end; of what is left to the agent, watch how it ends. */
  readonly attach: boolean;
  /** Leave the rollout to the agent as soon as it is accepted. */
  readonly detach: boolean;
  /** How long to queue while another command has the project; null: not at all. */
  readonly waitMs: number | null;
  readonly timeoutMs: number | null;
}

/**
 * What somebody decided who is not there: asked again when the project is his, because others may have been at work
 * since. A reason ends the deploy with nothing done.
 */
export type Reconsider = () => Promise<string | null>;

/**
 * Makes a version serve all traffic, or leaves the one that does in charge. Where another process is about to do the
 * same, that one is followed.
 * @throws DeployError for everything but success
 */
export async function deploy(
  ports: Ports,
  options: DeployOptions,
  signal: AbortSignal,
  reconsider?: Reconsider,
): Promise<Outcome> {
  ports.emit({ kind: 'phase', text: `reading the compose files for ${options.version}` });
  const project = await ports.compose.read(options.version);
  requireKnown(project, options.services);
  warn(ports, project.warnings);
  if (options.dryRun) return plan(ports, project, options);
  if (options.detach) await requireAgent(ports, project);
  const { version, timeoutMs } = options;
  const stays = options.attach && !options.detach;
  const detach = options.detach && !options.attach;
  const isWanted = wanted(ports, project, options);
  const verb = `deploy ${version}`;
  const turn = { ...options, attach: stays, detach, verb, isWanted, unattended: reconsider !== undefined };
  return withTimeout(ports.clock, timeoutMs, signal, async (stop) => {
    // What is wanted is the image that the registry has now: before it is here, nobody could tell who deploys the same.
    if (options.refresh) await fetchQuietly(ports, { project, options }, stop);
    if (options.supersede) await supersede(ports, isWanted);
    const outcome = await inTurn(ports, turn, stop, (since) =>
      inSession(ports, locationOf(project), { verb, files: project, attach: stays, since }, (session) =>
        deployIn(session, { project, options, isWanted, reconsider }, stop),
      ),
    );
    if (outcome.state !== 'pending') return outcome;
    const left = await handOver(ports, project, outcome, stop);
    return left.state === 'pending' && options.attach ? watch(ports, project, left, stop) : left;
  });
}

/** How a rollout ends that somebody else runs; one whose process goes away without a word goes on here. */
async function watch(ports: Ports, project: Project, left: Outcome, signal: AbortSignal): Promise<Outcome> {
  const record = (await ports.store.rollouts()).find(({ id }) => id === left.rollout);
  const outcome = record === undefined ? left : await attach(ports, record, { attach: false }, signal);
  return outcome ?? (await goOn(ports, project, `deploy ${project.version}`, signal)) ?? left;
}

/** Returns when somebody else runs what was accepted here; where nobody does, this process is the one. */
async function handOver(ports: Ports, project: Project, outcome: Outcome, signal: AbortSignal): Promise<Outcome> {
  const { rollout } = outcome;
  if (rollout === null || (await isTaken(ports, rollout, signal))) return outcome;
  const message = 'the agent has not begun: this command runs the rollout itself';
  if (!signal.aborted) ports.emit({ kind: 'warning', code: null, message, hint: 'see docker-deploy-bg agent logs' });
  try {
    return (await goOn(ports, project, `deploy ${project.version}`, signal)) ?? outcome;
  } catch (error) {
    const isLocked = error instanceof DeployError && error.code === 'locked';
    if (isLocked && (await isTaken(ports, rollout, signal))) return outcome;
    throw error;
  }
}

function warn(ports: Ports, warnings: readonly Pick<Diagnostic, 'code' | 'message' | 'hint'>[]): void {
  for (const { code, message, hint } of warnings) ports.emit({ kind: 'warning', code, message, hint });
}

function requireKnown(project: Project, asked: readonly string[]): void {
  const unknown = asked.filter((name) => (project.services[name]?.placement ?? 'shared') === 'shared');
  if (unknown.length === 0) return;
  const replaced = Object.values(project.services).flatMap((s) => (s.placement === 'shared' ? [] : [s.name]));
  throw new DeployError('invalid-usage', {
    what: `${unknown.join(', ')}: no service of that name is replaced by a deploy`,
    next: `choose among ${replaced.join(', ')}`,
  });
}

interface Asked {
  readonly project: Project;
  readonly options: DeployOptions;
  readonly isWanted: Wanted;
  readonly reconsider?: Reconsider | undefined;
}

async function deployIn(session: Session, asked: Asked, signal: AbortSignal): Promise<Outcome> {
  const { ports } = session;
  const { project, options, isWanted } = asked;
  const { takeOver } = options;
  const reason = (await asked.reconsider?.()) ?? null;
  if (reason !== null) return nothingToDo(null, null, reason);
  await session.router.require();
  const settled = await settle(session, signal, { forwardTo: isWanted, endHold: true, takeOver });
  const { known, finished } = settled;
  if (finished !== null && isLastWord(finished.record, settled.isWanted))
    return outcomeOf(finished.record, finished.evidence, stopReason(signal));
  requireClear(known.live);
  requireSameProxy(known, project.proxy);
  if (!options.refresh) await fetchImages(ports, asked, signal);
  const release = await freeze(ports, project, { ...options, stable: known.liveRelease });
  const tell = once(() => tellOfEnvironment(session, project, known));
  const idle = whenWaiting(ports, tell);
  try {
    return await rollOut({ ...session, ports: idle }, { project, options, known, release }, signal);
  } finally {
    await tell();
  }
}

/** Outside of a session, whose errors hold no secret. */
async function fetchQuietly(
  ports: Ports,
  asked: Pick<Asked, 'project' | 'options'>,
  signal: AbortSignal,
): Promise<void> {
  await fetchImages(ports, asked, signal).catch((error: unknown) => {
    throw withoutSecrets(error, [...ports.secrets, ...secretsIn(asked.project)]);
  });
}

/** A registry or a build may take for ever: only who asked for the deploy knows how long is too long. */
async function fetchImages(
  { emit, compose }: Ports,
  { project, options }: Pick<Asked, 'project' | 'options'>,
  signal: AbortSignal,
): Promise<void> {
  emit({ kind: 'phase', text: 'pulling or building images' });
  try {
    const fetching = (news: Fetching): void => {
      emit({ kind: 'fetching', ...news });
    };
    await compose.fetchImages(project, replacedServices(project, options.services), options, { signal, fetching });
  } catch (error) {
    if (!signal.aborted) throw error;
    throw stoppedError(signal, {
      what: `stopped while images were pulled or built: ${messageOf(error)}`,
      cause: error,
    });
  }
}

/** Ports whose first wait begins other work: the machine has nothing better to do then. */
function whenWaiting(ports: Ports, work: () => Promise<void>): Ports {
  const emit: Ports['emit'] = (event) => {
    ports.emit(event);
    if (event.kind === 'waiting') void work();
  };
  return { ...ports, emit };
}

function once(work: () => Promise<void>): () => Promise<void> {
  let begun: Promise<void> | null = null;
  return () => (begun ??= work());
}

/** An earlier rollout that stands still is to be ended first, and one to the same release that failed has failed. */
function isLastWord({ state }: RolloutRecord, isWanted: boolean): boolean {
  return !isTerminal(state) || (state !== 'completed' && isWanted);
}

/** What a deploy does not change but people should know; looked up while the deploy waits for other things. */
async function tellOfEnvironment({ ports, router }: Session, project: Project, known: Known): Promise<void> {
  const looked = await Promise.allSettled([
    ports.compose.sharedDrift(project, known.observed.containers),
    router.warnings(),
  ]);
  for (const result of looked) if (result.status === 'fulfilled') warn(ports, result.value);
}

interface Rollout {
  readonly project: Project;
  readonly options: DeployOptions;
  readonly known: Known;
  readonly release: Release;
}

async function rollOut(session: Session, rollout: Rollout, signal: AbortSignal): Promise<Outcome> {
  const { ports } = session;
  const { options, known, release } = rollout;
  const { record } = draft(ports, rollout);
  if (record === null) {
    // A command that died at its very end has left this to be done.
    await forgetOldReleases(session, release.history);
    const corrected = await correct(session, locationOf(rollout.project), await examine(session));
    return nothingToDo(
      options.version,
      liveColor(known.live),
      corrected.length === 0
        ? `${options.version} already serves all traffic: nothing to do${unbuilt(rollout)}`
        : `${options.version} serves all traffic again`,
    );
  }
  await pin(ports, release);
  await ports.store.saveRelease(release);
  if (options.detach) await freezeHere(session, record);
  await ports.store.append({ kind: 'accepted', at: ports.clock.now(), record });
  if (options.detach) {
    // While the lock is ours nobody else has begun.
    ports.emit({ kind: 'ordered', rollout: record.id, order: 'run' });
    return accepted(record, onItsWay(record));
  }
  const { record: ended, evidence } = await execute(session, record, signal, false);
  await forgetAfter(session, ended, release.history);
  return outcomeOf(ended, evidence, stopReason(signal));
}

/** What was changed in the source of an image, nobody sees who does not build it. */
function unbuilt({ project, options }: Rollout): string {
  const built = replacedServices(project, options.services).filter((name) => {
    const { buildable = false, pullPolicy } = project.services[name] ?? {};
    return buildable && pullPolicy !== 'build';
  });
  if (options.build || built.length === 0) return '';
  return ` (its image of ${built.join(', ')} is here, and was not built anew: --build does)`;
}

/** Files that secrets and configs name may be readable for us, and not for the agent: their copies are made here. */
async function freezeHere(session: Session, record: RolloutRecord): Promise<void> {
  const { candidate, id: rollout } = record;
  const places = new Map(Object.keys(candidate.services).map((service) => [placeOf(candidate, service), service]));
  for (const service of places.values())
    await session.ports.compose.freeze(await frozen(session, candidate, { rollout, service }));
}
