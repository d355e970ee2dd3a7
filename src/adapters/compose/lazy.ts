import type { Compose, FrozenRelease, PullOptions } from '../../app/ports.ts';
import type { ObservedContainer } from '../../core/observed.ts';
import type { Diagnostic, Project } from '../../core/project.ts';
import type { CommandEnd, CommandRequest, OneOffPlace, OneOffs } from '../commands/command.ts';
import type { ComposeOptions } from './options.ts';

/**
 * Compose, loaded when it is first needed: reading YAML and schemas is half of the program, and `status` and
 * `history` need none of it.
 */
export class LazyCompose implements Compose, OneOffs {
  readonly #options: ComposeOptions;
  #loaded: Promise<Compose & OneOffs> | null = null;

  constructor(options: ComposeOptions) {
    this.#options = options;
  }

  async read(version: string): Promise<Project> {
    return (await this.#compose()).read(version);
  }

  async fetchImages(project: Project, services: readonly string[], options: PullOptions): Promise<void> {
    return (await this.#compose()).fetchImages(project, services, options);
  }

  async sharedDrift(project: Project, containers: readonly ObservedContainer[]): Promise<readonly Diagnostic[]> {
    return (await this.#compose()).sharedDrift(project, containers);
  }

  async startShared(project: Project, service: string): Promise<void> {
    return (await this.#compose()).startShared(project, service);
  }

  async identity(project: Project, service: string, imageId: string): Promise<string> {
    return (await this.#compose()).identity(project, service, imageId);
  }

  async freeze(frozen: FrozenRelease): Promise<void> {
    return (await this.#compose()).freeze(frozen);
  }

  async up(frozen: FrozenRelease, service: string, total: number): Promise<void> {
    return (await this.#compose()).up(frozen, service, total);
  }

  async runOnce(frozen: FrozenRelease, service: string): Promise<void> {
    return (await this.#compose()).runOnce(frozen, service);
  }

  async runCommand(
    frozen: FrozenRelease,
    place: OneOffPlace,
    request: CommandRequest,
    signal: AbortSignal,
  ): Promise<CommandEnd> {
    return (await this.#compose()).runCommand(frozen, place, request, signal);
  }

  #compose(): Promise<Compose & OneOffs> {
    this.#loaded ??= import('./compose.ts').then(({ DockerCompose }) => new DockerCompose(this.#options));
    return this.#loaded;
  }
}
