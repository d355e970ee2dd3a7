import { DeployError } from '../core/errors.ts';
import { parseImage } from '../core/image-reference.ts';
import type { Project } from '../core/project.ts';
import type { Release } from '../core/release.ts';
import { abortedSince, leftByRollback } from '../core/releases-stack.ts';
import type { RolloutRecord } from '../core/record.ts';
import { isGoingBack, isTerminal } from '../core/state.ts';
import { needsPerson } from '../core/steer.ts';
import { isNewer, isWithin, newestVersion, tagForm, windowText } from '../core/update.ts';
import { deploy } from './deploy.ts';
import { replacedServices } from './freeze.ts';
import { nothingToDo, type Outcome } from './outcome.ts';
import type { Ports } from './ports.ts';
import { goOn, isFinished } from './recover.ts';
import { locate } from './session.ts';
import { type Known, requireClear, survey } from './state.ts';
import { stoppedError, withTimeout } from './stopping.ts';

export interface UpdateOptions {
  /** Instead of what the compose files say; null: as they say. */
  readonly version: string | null;
  /** Whatever hour it is. */
  readonly now: boolean;
  readonly dryRun: boolean;
  readonly waitMs: number | null;
  readonly timeoutMs: number | null;
}

/**
 * Deploys what the registry has if that is not what serves: another image under the same tag, or a newer version in the
 * range of `x-deploy-bg.update`. What a person decided stays: a newer version, a way back, a rollout that waits.
 * Looks without the lock first, so that nobody waits for what has nothing to do, and again with it.
 * @throws registry-unreachable, registry-refused, or what a deploy throws
 */
export async function update(ports: Ports, options: UpdateOptions, signal: AbortSignal): Promise<Outcome> {
  return withTimeout(ports.clock, options.timeoutMs, signal, async (stop) => {
    const found = await look(ports, options, stop).catch((error: unknown) => {
      throw stop.aborted ? stopped(stop) : error;
    });
    if (stop.aborted) throw stopped(stop);
    const outcome = 'reason' in found ? nothing(found) : await begin(ports, options, found.wanted, stop);
    const isClosed = !options.now && closedWindow(ports, found.project) !== null;
    const isOver = options.dryRun || isClosed || outcome.state !== 'nothing-to-do';
    return isOver ? outcome : leaveNothingOver(ports, found.project, outcome, stop);
  });
}

function nothing({ live, reason }: Extract<Found, { readonly reason: string }>): Outcome {
  return nothingToDo(live, null, `${reason}: nothing to do`);
}

function begin(ports: Ports, options: UpdateOptions, version: string, signal: AbortSignal): Promise<Outcome> {
  const { dryRun, waitMs } = options;
  const decided = { ...PLAIN, version, dryRun, waitMs, timeoutMs: null };
  return deploy(ports, decided, signal, () => reconsidered(ports, options, version, signal));
}

/** A rollout whose process died goes on where it stands: exit 0 means that nothing is left over. @throws locked */
async function leaveNothingOver(
  ports: Ports,
  project: Project,
  outcome: Outcome,
  signal: AbortSignal,
): Promise<Outcome> {
  const last = (await ports.store.rollouts()).at(-1);
  if (last === undefined || isFinished(last) || needsPerson(last)) return outcome;
  return (await goOn(ports, project, 'update', signal)) ?? outcome;
}

/** Others may have deployed or gone back while this one fetched images, or queued. */
async function reconsidered(
  ports: Ports,
  options: UpdateOptions,
  wanted: string,
  signal: AbortSignal,
): Promise<string | null> {
  const found = await look(ports, options, signal);
  if ('reason' in found) return `${found.reason}: nothing to do`;
  const last = (await ports.store.rollouts()).at(-1);
  // What somebody has deployed is finished, not taken back.
  if (last !== undefined && isOnItsWay(last)) return `the deploy of ${last.candidate.version ?? ''} goes on first`;
  return found.wanted === wanted ? null : `${found.wanted} has come since: the next update deploys it`;
}

function isOnItsWay({ state, aborted }: RolloutRecord): boolean {
  return !isTerminal(state) && !isGoingBack(state) && !aborted;
}

/** As a deploy that fetches what is new, and nothing else of its own. */
const PLAIN = {
  services: [],
  pull: true,
  build: false,
  refresh: true,
  force: false,
  takeOver: false,
  supersede: false,
  attach: false,
  detach: false,
} as const;

function stopped(signal: AbortSignal): DeployError {
  return stoppedError(signal, { what: 'stopped while the registry was asked', serves: 'nothing was changed' });
}

/** What shall be deployed, or why nothing shall. */
type Found = { readonly project: Project } & (
  { readonly wanted: string } | { readonly reason: string; readonly live: string | null }
);

interface Situation {
  readonly ports: Ports;
  readonly project: Project;
  readonly known: Known;
  readonly signal: AbortSignal;
}

async function look(ports: Ports, options: UpdateOptions, signal: AbortSignal): Promise<Found> {
  const known = await knownOf(ports, options.version ?? 'latest');
  const live = known.liveRelease?.version ?? null;
  const project = await ports.compose.read(options.version ?? live ?? 'latest');
  const closed = options.now ? null : closedWindow(ports, project);
  if (closed !== null) return { project, live, reason: `updates begin at ${closed} only` };
  const situation = { ports, project, known, signal };
  const wanted = options.version ?? (await wantedVersion(situation));
  refuseToInterfere(known);
  const reason = await reasonToStay(situation, wanted, options.version !== null);
  return reason === null ? { project, wanted } : { project, live, reason };
}

async function knownOf(ports: Ports, version: string): Promise<Known> {
  const location = await locate(ports, version);
  const router = ports.router({ spec: location.proxy, project: location.project });
  const known = await survey({ ports, project: location.project, router, replaced: location.replaced });
  requireClear(known.live);
  return known;
}

/** The hours in which updates may begin, if it is none of them. */
function closedWindow({ clock }: Ports, { update: { window } }: Project): string | null {
  const now = new Date(clock.now());
  const isOpen = window === null || isWithin(window, now.getHours() * 60 + now.getMinutes());
  return isOpen ? null : windowText(window);
}

async function wantedVersion(situation: Situation): Promise<string> {
  const { range, image, version } = situation.project.update;
  if (range !== null && image !== null) return newestInRange(situation, image, range);
  const wanted = version ?? situation.known.liveRelease?.version;
  if (wanted !== undefined) return wanted;
  throw new DeployError('not-possible', {
    what: 'no version was deployed by this program yet, and the compose files do not say which one to keep up to date',
    next: 'deploy one (docker-deploy-bg deploy <version>), or name it: x-deploy-bg: {update: {version: latest}}',
  });
}

async function newestInRange({ ports, project, signal }: Situation, service: string, range: string): Promise<string> {
  const image = project.services[service]?.image ?? '';
  const form = tagForm(image, project.version);
  if (form === null)
    throw new DeployError('invalid-config', {
      what: `nobody can tell which part of the tag of ${image} is the version ${project.version}`,
      next: `write the image of ${service} with \${VERSION} in its tag, once`,
    });
  ports.emit({ kind: 'phase', text: `asking the registry for the newest ${service} in ${range}` });
  const newest = newestVersion(await ports.registry.tags(image, signal), form, range);
  if (newest !== null) return newest;
  const { domain, path } = parseImage(image);
  throw new DeployError('image-missing', {
    what: `no tag of ${domain}/${path} is a version in ${range}`,
    next: 'see that versions are pushed as tags such as 1.2.3, or correct x-deploy-bg.update.range',
  });
}

/** A deploy takes back what waits for a person; nobody is here to ask whether that is meant. */
function refuseToInterfere({ records }: Known): void {
  const last = records.at(-1);
  if (last === undefined || !needsPerson(last)) return;
  throw new DeployError('not-possible', {
    what: `the ${last.verb} of ${last.candidate.version ?? 'another version'} waits for a person, and an update does not end it`,
    next: 'docker-deploy-bg promote goes on, docker-deploy-bg abort takes it back; then run the update again',
  });
}

/** Why what serves is what shall serve; null if it is not. */
async function reasonToStay(situation: Situation, wanted: string, asked: boolean): Promise<string | null> {
  const { project, known } = situation;
  const live = known.liveRelease;
  if (live === null) return null;
  const isRange = project.update.range !== null && !asked;
  if (isRange && wanted !== live.version && !isNewer(wanted, live.version))
    return `${live.version} serves, and ${wanted} is not newer`;
  if (wanted === live.version && !(await hasMoved(situation, live))) return `${wanted} is what the registry has`;
  return asked ? null : reasonOfPeople(situation, wanted);
}

/** What people took away since the last deploy stays away, as long as the registry has no other of that name. */
async function reasonOfPeople(situation: Situation, wanted: string): Promise<string | null> {
  const { ports, known } = situation;
  const aborted = abortedSince(known.records).some(({ candidate }) => candidate.version === wanted);
  if (aborted && wanted !== known.liveRelease?.version) return `the deploy of ${wanted} was aborted`;
  for (const id of leftByRollback(known.records)) {
    const left = await ports.store.release(id);
    if (left?.version === wanted && !(await hasMoved(situation, left)))
      return `somebody went back from ${wanted}, and the registry has no other`;
  }
  return null;
}

/** True if a tag of a release stands for another image by now. */
async function hasMoved({ ports, project, signal }: Situation, release: Release): Promise<boolean> {
  const { range } = project.update;
  const names = await compared(ports, project, release);
  if (names.length === 0 && range !== null) return false;
  if (names.length === 0)
    throw new DeployError('not-possible', {
      what: 'no image of the services that a deploy replaces comes from a registry',
      next: 'build the new version, then docker-deploy-bg deploy <version>',
    });
  ports.emit({ kind: 'phase', text: `asking the registry for ${names.join(', ')}` });
  for (const name of names) {
    const reference = release.services[name]?.image ?? project.services[name]?.image ?? '';
    const here = await ports.engine.image(release.services[name]?.imageId ?? reference);
    if (!here?.digests.includes(await ports.registry.digest(reference, signal))) return true;
  }
  return false;
}

/** Services whose image can be another one there: not those that must not ask, or were built here. */
async function compared({ engine }: Ports, project: Project, release: Release): Promise<readonly string[]> {
  const { image } = project.update;
  const names: string[] = [];
  for (const name of replacedServices(project, image === null ? [] : [image])) {
    const { pullPolicy, buildable } = project.services[name] ?? { pullPolicy: 'never', buildable: false };
    if (pullPolicy === 'never' || pullPolicy === 'build') continue;
    const here = await engine.image(release.services[name]?.imageId ?? '');
    if (!buildable || here === null || here.digests.length > 0) names.push(name);
  }
  return names;
}
