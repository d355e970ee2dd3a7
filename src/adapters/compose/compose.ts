import type { Compose, FrozenRelease, PullOptions } from '../../app/ports.ts';
import { composeProject } from '../../core/color.ts';
import { DeployError } from '../../core/errors.ts';
import type { ObservedContainer } from '../../core/observed.ts';
import type { Diagnostic, Project } from '../../core/project.ts';
import { oneShots } from '../../config/replaced.ts';
import { sharedDrift } from '../../config/rules/drift.ts';
import { serviceOf } from '../../config/model.ts';
import { dependenciesOf } from '../../config/standard-keys.ts';
import type { CommandEnd, CommandRequest, OneOffPlace, OneOffs } from '../commands/command.ts';
import { call, Queue, unreachable, wordsOf, type Outcome } from './call.ts';
import { freeze, runOnce, up } from './frozen.ts';
import { fetchImage } from './images.ts';
import { runCommand } from './one-off.ts';
import { frozenEnvironment, ORPHANS, PLAIN, userFlags, type ComposeOptions } from './options.ts';
import { readProject } from './read.ts';
import { serviceIdentity } from './release-files.ts';
import { composeVersion, isAtLeast, requireCompose } from './version.ts';

/** `gw_priority` of a network (Compose release notes, 2.33.1). */
const GATEWAY_PRIORITY = [2, 33, 1] as const;

/** Docker Compose, called as a command. Keeps nothing but its version and the order of its calls. */
export class DockerCompose implements Compose, OneOffs {
  readonly #options: ComposeOptions;
  readonly #queue = new Queue();
  #version: Promise<readonly number[]> | null = null;
  #versionEnv = 'VERSION';

  constructor(options: ComposeOptions) {
    this.#options = options;
  }

  async read(version: string): Promise<Project> {
    const [reading] = await Promise.all([readProject(this.#options, version), this.#checked()]).catch(
      async (error: unknown) => {
        // Too old a Compose may refuse the file for its age: that is the better answer.
        await this.#checked();
        throw error;
      },
    );
    this.#versionEnv = reading.versionEnv;
    return reading.project;
  }

  async fetchImages(project: Project, services: readonly string[], options: PullOptions): Promise<void> {
    for (const service of services)
      await fetchImage(project, service, options, {
        taggedAt: (reference) => this.#taggedAt(reference),
        compose: (command, name) => this.#user(project, [command, name]),
        now: () => Date.now(),
      });
  }

  async startShared(project: Project, service: string): Promise<void> {
    for (const preparation of preparationsOf(project, service))
      await this.#shared(project, service, [
        'up',
        '--no-deps',
        '--no-recreate',
        '--exit-code-from',
        preparation,
        preparation,
      ]);
    await this.#shared(project, service, ['up', '-d', '--no-deps', '--no-recreate', service]);
  }

  identity(project: Project, service: string, imageId: string): Promise<string> {
    return Promise.resolve(serviceIdentity(project, service, imageId));
  }

  async freeze(frozen: FrozenRelease): Promise<void> {
    await freeze(frozen, isAtLeast(await this.#checked(), GATEWAY_PRIORITY));
  }

  async up(frozen: FrozenRelease, service: string, total: number): Promise<void> {
    await this.#queue.run(projectOf(frozen), () => up(this.#options, frozen, service, total));
  }

  async runOnce(frozen: FrozenRelease, service: string): Promise<void> {
    await this.#queue.run(projectOf(frozen), () => runOnce(this.#options, frozen, service));
  }

  async runCommand(
    frozen: FrozenRelease,
    place: OneOffPlace,
    request: CommandRequest,
    signal: AbortSignal,
  ): Promise<CommandEnd> {
    await this.freeze(frozen);
    return this.#queue.run(projectOf(frozen), () => runCommand(this.#options, frozen, place, request, signal));
  }

  async sharedDrift(project: Project, containers: readonly ObservedContainer[]): Promise<readonly Diagnostic[]> {
    return sharedDrift(project, await this.serviceHashes(project), containers);
  }

  /** Compose's config-hash of every service as the user's files have it now. */
  async serviceHashes(project: Project): Promise<Readonly<Record<string, string>>> {
    const outcome = await this.#user(project, ['config', '--hash', '*']);
    const lines = outcome.ok ? outcome.stdout.split('\n') : [];
    const pairs = lines.map((line) => line.trim().split(' '));
    return Object.fromEntries(pairs.filter((pair): pair is [string, string] => pair.length === 2));
  }

  async #shared(project: Project, service: string, args: readonly string[]): Promise<void> {
    const outcome = await this.#queue.run(project.name, () => this.#user(project, args, true));
    if (outcome.ok) return;
    const words = wordsOf(outcome.stderr);
    const what = `the shared service ${service} cannot be started: ${words.at(-1) ?? ''}`;
    throw unreachable(outcome) ?? new DeployError('shared-failed', { what, details: words });
  }

  /** A call with the user's own files and flags. */
  #user(project: Project, args: readonly string[], detached = false): Promise<Outcome> {
    const { docker, cwd, env, onOutput } = this.#options;
    return call({
      docker,
      args: ['compose', ...userFlags(this.#options), ...args],
      cwd,
      env: { ...env, ...ORPHANS, ...PLAIN, [this.#versionEnv]: project.version },
      detached,
      onOutput,
    });
  }

  async #taggedAt(reference: string): Promise<Date | null> {
    const { docker, cwd, env } = this.#options;
    const args = ['image', 'inspect', '--format', '{{.Metadata.LastTagTime.Unix}}', reference];
    const outcome = await call({ docker, args, cwd, env: frozenEnvironment(env, {}) });
    const error = outcome.ok ? null : unreachable(outcome);
    if (error !== null) throw error;
    return outcome.ok ? new Date(Number(outcome.stdout) * 1000) : null;
  }

  #checked(): Promise<readonly number[]> {
    this.#version ??= composeVersion(this.#options).then(requireCompose);
    return this.#version;
  }
}

function projectOf(frozen: FrozenRelease): string {
  return composeProject(frozen.release.project, frozen.color);
}

/** One-shots that only shared services wait for: nobody else runs them. */
function preparationsOf(project: Project, service: string): readonly string[] {
  const once = oneShots(project.models.base);
  return dependenciesOf(serviceOf(project.models.base, service))
    .map((dependency) => dependency.service)
    .filter((name) => once.has(name) && !(name in project.services));
}
