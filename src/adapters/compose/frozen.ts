import { join } from 'node:path';
import type { FrozenRelease } from '../../app/ports.ts';
import { baseModel, colorModel, RESOURCES_SERVICE, resourcesModel } from '../../config/color-transform.ts';
import { frozenText } from '../../config/frozen-yaml.ts';
import { startsByCompose } from '../../config/identity.ts';
import { colorService, composeProject } from '../../core/color.ts';
import { DeployError } from '../../core/errors.ts';
import { BASE_FILE, LABEL } from '../../core/labels.ts';
import type { ComposeModel } from '../../core/project.ts';
import { call, unreachable, wordsOf, type Call, type Outcome } from './call.ts';
import { frozenEnvironment, type ComposeOptions } from './options.ts';
import { copyFiles, copyOf, writeWhole } from './release-files.ts';

/** Lines of a one-shot that are shown when it fails. */
const LAST_LINES = 20;

/** The frozen file of a release in its place; one for each color, and one for the user's own project. */
export function frozenPath(frozen: FrozenRelease): string {
  return join(frozen.folder, frozen.color === null ? BASE_FILE : `compose.${frozen.color}.yaml`);
}

/** Writes the frozen file, and the files that it refers to. */
export async function freeze(frozen: FrozenRelease, gatewayPriority: boolean): Promise<void> {
  const { models, services } = frozen.release;
  if (frozen.color !== null) await copyFiles(frozen.folder, models, Object.keys(services));
  await writeWhole(frozenPath(frozen), frozenText(frozenModel(frozen, gatewayPriority)));
}

function frozenModel(frozen: FrozenRelease, gatewayPriority: boolean): ComposeModel {
  const { release, color, folder, rollout, store } = frozen;
  if (color === null) return baseModel(release.models.base, release.project);
  return colorModel({
    models: release.models,
    project: release.project,
    color,
    services: release.services,
    labels: (service) => ({
      [LABEL.project]: release.project,
      [LABEL.store]: store,
      [LABEL.color]: color,
      [LABEL.release]: release.id,
      [LABEL.rollout]: rollout,
      [LABEL.service]: service,
    }),
    copied: (kind, key) => copyOf(folder, release.models.overlays[color], kind, key),
    gatewayPriority,
  });
}

// The frozen file of the base project keeps the user's pull policy (it is not hashed), so the flag overrules it.

/**
 * `up` of one service from its frozen file. Creates what the base project lacks, once it turns out to be missing.
 * Compose starts containers one after the other; where nothing is lost by it, that is left to the caller.
 */
export async function up(
  options: ComposeOptions,
  frozen: FrozenRelease,
  service: string,
  total: number,
): Promise<'started' | 'created'> {
  const name = colorService(service, frozen.color);
  const starts = startsByCompose(modelOf(frozen), service);
  const args = [
    'up',
    starts ? '-d' : '--no-start',
    '--no-deps',
    '--no-build',
    '--no-recreate',
    '--pull',
    'never',
    '--scale',
    `${name}=${String(total)}`,
    name,
  ];
  if (frozen.color === null) await refuseChanges(options, frozen, args);
  const outcome = await withResources(options, frozen, () => call(frozenCall(options, frozen, args)));
  if (!outcome.ok) throw failed(outcome, `${String(total)} × ${name} cannot be started`);
  return starts ? 'started' : 'created';
}

function modelOf({ release, color }: FrozenRelease): ComposeModel {
  return color === null ? release.models.base : release.models.overlays[color];
}

/** Runs a one-shot in a fresh container. @throws rollout-failed with its exit code and last lines */
export async function runOnce(options: ComposeOptions, frozen: FrozenRelease, service: string): Promise<void> {
  const name = colorService(service, frozen.color);
  const container = `${composeProject(frozen.release.project, frozen.color)}-${name}-${frozen.release.id}`;
  await removeContainer(options, container);
  const args = ['run', '--rm', '-T', '--no-deps', '--pull', 'never', '--name', container, name];
  const outcome = await withResources(options, frozen, () => call(frozenCall(options, frozen, args)));
  if (outcome.ok) return;
  const lines = [...outcome.stdout.split('\n'), ...wordsOf(outcome.stderr)].filter((line) => line !== '');
  throw failed(outcome, `${service} ended with exit code ${String(outcome.exitCode)}`, lines.slice(-LAST_LINES));
}

/** A killed call leaves its container behind, and its name with it. */
export async function removeContainer(options: ComposeOptions, container: string): Promise<void> {
  const env = frozenEnvironment(options.env, {});
  await call({ command: options.docker, args: ['rm', '--force', '--volumes', container], cwd: options.cwd, env });
}

/** A call of Compose on the frozen file of a release, in its place. */
export function frozenCall(options: ComposeOptions, frozen: FrozenRelease, args: readonly string[]): Call {
  const project = composeProject(frozen.release.project, frozen.color);
  return {
    ...ownCall(options, frozen),
    args: [...ownArguments(frozen, project), '-f', frozenPath(frozen), ...args],
  };
}

function ownCall(options: ComposeOptions, frozen: FrozenRelease): Omit<Call, 'args'> {
  return {
    command: options.compose,
    cwd: frozen.folder,
    env: frozenEnvironment(options.env, frozen.release.environmentValues),
    detached: true,
  };
}

function ownArguments(frozen: FrozenRelease, project: string): readonly string[] {
  const nothing = '/dev/null';
  return ['-p', project, '--project-directory', frozen.projectDirectory, '--env-file', nothing];
}

/** Networks and volumes of the base project are external to every frozen file: whoever misses one creates them all. */
async function withResources(
  options: ComposeOptions,
  frozen: FrozenRelease,
  attempt: () => Promise<Outcome>,
): Promise<Outcome> {
  const first = await attempt();
  if (first.ok || !lacksResources(first.stderr)) return first;
  const created = await createResources(options, frozen);
  return created.ok ? attempt() : created;
}

/** What Compose says where a network or a volume of the base project is missing. */
export function lacksResources(stderr: string): boolean {
  return /declared as external|external volume/.test(stderr);
}

/** Creates all networks and volumes of the base project that are missing. */
export function createResources(options: ComposeOptions, frozen: FrozenRelease): Promise<Outcome> {
  return call({
    ...ownCall(options, frozen),
    args: [
      ...ownArguments(frozen, frozen.release.project),
      '--all-resources',
      '-f',
      '-',
      'up',
      '-d',
      '--no-build',
      RESOURCES_SERVICE,
    ],
    input: frozenText(resourcesModel(frozen.release.models.base)),
  });
}

/** In the user's own project nothing that runs may be touched: Compose is asked first what it would do. */
async function refuseChanges(options: ComposeOptions, frozen: FrozenRelease, args: readonly string[]): Promise<void> {
  const [verb = 'up', ...rest] = args;
  const dry = await call(frozenCall(options, frozen, [verb, '--dry-run', ...rest]));
  const change = wordsOf(dry.stderr).find((line) =>
    /\b(Stopping|Stopped|Removing|Removed|Recreate|Recreated)\b/.test(line),
  );
  if (!dry.ok || change === undefined) return;
  throw new DeployError('not-possible', { what: `Compose would touch a running container: ${change}` });
}

function failed(outcome: Outcome, what: string, details: readonly string[] = wordsOf(outcome.stderr)): DeployError {
  const reason = wordsOf(outcome.stderr).at(-1);
  return (
    unreachable(outcome) ??
    new DeployError('rollout-failed', { what: reason === undefined ? what : `${what}: ${reason}`, details })
  );
}
