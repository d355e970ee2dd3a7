import type { Compose, Engine, FetchWatch, FrozenRelease, ImageSource, PullOptions } from '../../app/ports.ts';
import { composeProject } from '../../core/color.ts';
import { DeployError } from '../../core/errors.ts';
import type { ObservedContainer } from '../../core/observed.ts';
import type { Diagnostic, Project } from '../../core/project.ts';
import type { CommandEnd, CommandRequest, OneOffPlace, OneOffs } from '../commands/command.ts';
import { type Call, call, Queue, unreachable, wordsOf, type Outcome } from './call.ts';
import type { ImageQuestions } from './images.ts';
import { ORPHANS, PLAIN, userFlags, type ComposeOptions } from './options.ts';
import { resolveBoth, type Resolution } from './resolve.ts';
import { composeVersion, isAtLeast, requireCompose } from './version.ts';

/** `gw_priority` of a network (Compose release notes, 2.33.1). */
const GATEWAY_PRIORITY = [2, 33, 1] as const;

/**
 * Docker Compose, called as a command. Keeps nothing but its version and the order of its calls.
 */
export class DockerCompose implements Compose, OneOffs {
  readonly #options: ComposeOptions;
  readonly #image: Engine['image'];
  readonly #queue = new Queue();
  #begun: Promise<Resolution> | null = null;
  #version: Promise<readonly number[]> | null = null;
  #versionEnv = 'VERSION';

  constructor(options: ComposeOptions, image: Engine['image']) {
    this.#options = options;
    this.#image = image;
  }

  /** Lets Compose resolve the files for a version that `read` will be asked for, while the program is still loading. */
  begin(version: string): void {
    this.#begun = resolveBoth(this.#options, this.#versionEnv, version);
    // Whoever reads is told.
    this.#begun.catch(() => undefined);
  }

  async read(version: string): Promise<Project> {
    // After what Compose is busy with already: two cores have enough to do.
    const checked = Promise.resolve(this.#begun).then(
      () => this.#checked(),
      () => this.#checked(),
    );
    checked.catch(() => undefined);
    const { readProject } = await import('./on-demand.ts');
    try {
      const [reading] = await Promise.all([readProject(this.#options, version, this.#begun), checked]);
      this.#versionEnv = reading.versionEnv;
      return reading.project;
    } catch (error) {
      // Too old a Compose may refuse the file for its age: that is the better answer.
      await checked;
      throw error;
    }
  }

  async fetchImages(
    project: Project,
    services: readonly string[],
    options: PullOptions,
    { signal, fetching }: FetchWatch,
  ): Promise<void> {
    const { fetchImage, PullProgress } = await import('./on-demand.ts');
    for (const service of services) {
      const progress = new PullProgress(service);
      const onOutput = (line: string): void => {
        const news = progress.read(line);
        if (news !== null) fetching(news);
      };
      await fetchImage(project, service, options, {
        ...this.#imageQuestions(),
        compose: (command, name) => this.#user(project, [command, name], { signal, onOutput }),
      });
    }
  }

  async imageSource(project: Project, service: string, options: PullOptions): Promise<ImageSource> {
    const { imageSource } = await import('./on-demand.ts');
    return imageSource(project, service, options, this.#imageQuestions());
  }

  #imageQuestions(): ImageQuestions {
    return {
      taggedAt: async (reference) => {
        const image = await this.#image(reference);
        return image === null ? null : (image.taggedAt ?? 0);
      },
      isPulled: async (reference) => ((await this.#image(reference))?.digests ?? []).length > 0,
      now: () => Date.now(),
    };
  }

  async startShared(project: Project, service: string): Promise<void> {
    const { preparationsOf } = await import('./on-demand.ts');
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

  async identity(project: Project, service: string, imageId: string): Promise<string> {
    const { serviceIdentity } = await import('./on-demand.ts');
    return serviceIdentity(project, service, imageId);
  }

  async freeze(frozen: FrozenRelease): Promise<void> {
    const { freeze } = await import('./on-demand.ts');
    await freeze(frozen, isAtLeast(await this.#checked(), GATEWAY_PRIORITY));
  }

  async up(frozen: FrozenRelease, service: string, total: number): Promise<'started' | 'created'> {
    const { up } = await import('./on-demand.ts');
    return this.#queue.run(projectOf(frozen), () => up(this.#options, frozen, service, total));
  }

  async runOnce(frozen: FrozenRelease, service: string): Promise<void> {
    const { runOnce } = await import('./on-demand.ts');
    await this.#queue.run(projectOf(frozen), () => runOnce(this.#options, frozen, service));
  }

  async runCommand(
    frozen: FrozenRelease,
    place: OneOffPlace,
    request: CommandRequest,
    signal: AbortSignal,
  ): Promise<CommandEnd> {
    const { runCommand } = await import('./one-off.ts');
    await this.freeze(frozen);
    return this.#queue.run(projectOf(frozen), () => runCommand(this.#options, frozen, place, request, signal));
  }

  async sharedDrift(project: Project, containers: readonly ObservedContainer[]): Promise<readonly Diagnostic[]> {
    const { sharedDrift } = await import('./on-demand.ts');
    return sharedDrift(project, await this.serviceHashes(project), containers);
  }

  /** Compose's config-hash of every service as the user's files have it now. */
  async serviceHashes(project: Project): Promise<Readonly<Record<string, string>>> {
    const outcome = await this.#user(project, ['config', '--hash', '*'], { background: true });
    const lines = outcome.ok ? outcome.stdout.split('\n') : [];
    const pairs = lines.map((line) => line.trim().split(' '));
    return Object.fromEntries(pairs.filter((pair): pair is [string, string] => pair.length === 2));
  }

  async #shared(project: Project, service: string, args: readonly string[]): Promise<void> {
    const outcome = await this.#queue.run(project.name, () => this.#user(project, args, { detached: true }));
    if (outcome.ok) return;
    const words = wordsOf(outcome.stderr);
    const what = `the shared service ${service} cannot be started: ${words.at(-1) ?? ''}`;
    throw unreachable(outcome) ?? new DeployError('shared-failed', { what, details: words, next: portTaken(what) });
  }

  /** A call with the user's own files and flags. */
  #user(
    project: Project,
    args: readonly string[],
    how: Pick<Call, 'detached' | 'background' | 'signal' | 'onOutput'> = {},
  ): Promise<Outcome> {
    const { compose, cwd, env } = this.#options;
    return call({
      command: compose,
      args: [...userFlags(this.#options), ...args],
      cwd,
      env: { ...env, ...ORPHANS, ...PLAIN, [this.#versionEnv]: project.version },
      ...how,
    });
  }

  #checked(): Promise<readonly number[]> {
    this.#version ??= composeVersion(this.#options)
      .then(requireCompose)
      .catch((error: unknown) => {
        // Asked again: whoever lives long may see it come back.
        this.#version = null;
        throw error;
      });
    return this.#version;
  }
}

function projectOf(frozen: FrozenRelease): string {
  return composeProject(frozen.release.project, frozen.color);
}

/** Before its first deploy a service may publish what the proxy takes over from it. */
function portTaken(words: string): string | undefined {
  const [, port] = /:(\d+) failed: port is already allocated/.exec(words) ?? [];
  if (port === undefined) return undefined;
  return `docker ps --filter publish=${port} shows who has the port; a service of this project that gives it to the proxy: docker compose rm --stop --force SERVICE, then deploy again`;
}
