import type Docker from 'dockerode';
import * as z from 'zod';
import type { ContainerLine, Engine, EngineMachine, ImageInfo, LogOptions } from '../../app/ports.ts';
import { DeployError, messageOf } from '../../core/errors.ts';
import { COMPOSE_LABEL, LABEL, pinnedPrefix } from '../../core/labels.ts';
import type { ObservedContainer } from '../../core/observed.ts';
import type { PreStopHook } from '../../core/project.ts';
import { inTime } from '../system/in-time.ts';
import { ANSWER_DEADLINE_MS } from './connect.ts';
import { followedLines, lastLines } from './logs.ts';
import { observedContainer } from './observed-container.ts';
import { statusCode } from './status-code.ts';
import { watchContainers } from './watch.ts';

/** The engine's answer for "there is none of that name". */
const NOT_FOUND = 404;
/** The engine's answer for "it is so already". */
const NOT_MODIFIED = 304;
/** The engine's answer while another removal of the same container is under way. */
const CONFLICT = 409;

const engineInfo = z.object({ MemTotal: z.number().nullish(), DockerRootDir: z.string().nullish() });
const memoryStats = z.object({
  memory_stats: z.object({
    usage: z.number(),
    stats: z.object({ inactive_file: z.number().optional(), total_inactive_file: z.number().optional() }).optional(),
  }),
});

/** `Engine` on the Docker API. Compose creates; everything else about containers happens here. */
export class DockerEngine implements Engine {
  readonly #docker: Docker;
  readonly #answerMs: number;

  constructor(docker: Docker, answerMs = ANSWER_DEADLINE_MS) {
    this.#docker = docker;
    this.#answerMs = answerMs;
  }

  async ping(): Promise<void> {
    await this.#ask(() => this.#docker.ping());
  }

  async containers(project: string): Promise<readonly ObservedContainer[]> {
    const filters = [`${LABEL.project}=${project}`, `${COMPOSE_LABEL.project}=${project}`];
    return this.#ask(async () => {
      const lists = await Promise.all(
        filters.map((label) => this.#docker.listContainers({ all: true, filters: { label: [label] } })),
      );
      const ids = new Set(lists.flat().map((container) => container.Id));
      const inspected = await Promise.all([...ids].map((id) => this.#inspect(id)));
      return inspected.flatMap((info) => (info === null ? [] : [observedContainer(info)]));
    });
  }

  /** Null for a container that was removed since it was listed. */
  #inspect(id: string): Promise<Docker.ContainerInspectInfo | null> {
    return this.#ask(() => orNull(this.#docker.getContainer(id).inspect(), NOT_FOUND));
  }

  async watch(project: string, changed: () => void, signal: AbortSignal): Promise<void> {
    await this.#ask(() => watchContainers(this.#docker, project, changed, signal));
  }

  async stop(
    id: string,
    options: { readonly graceMs: number; readonly preStop: readonly PreStopHook[] },
  ): Promise<void> {
    const container = this.#docker.getContainer(id);
    for (const hook of options.preStop)
      await this.#explained(() => orNull(this.#runHook(container, hook), NOT_FOUND, CONFLICT));
    const seconds = Math.ceil(options.graceMs / 1000);
    const stop = (): Promise<unknown> => orNull(container.stop({ t: seconds }), NOT_FOUND, NOT_MODIFIED);
    await this.#ask(stop, this.#answerMs + options.graceMs);
  }

  async #runHook(container: Docker.Container, hook: PreStopHook): Promise<void> {
    const exec = await container.exec({
      Cmd: [...hook.command],
      Env: [...hook.environment],
      Privileged: hook.privileged,
      AttachStdout: true,
      AttachStderr: true,
      ...(hook.user === null ? {} : { User: hook.user }),
      ...(hook.workingDir === null ? {} : { WorkingDir: hook.workingDir }),
    });
    const stream = await exec.start({});
    await new Promise((resolve) => stream.on('close', resolve).on('end', resolve).on('error', resolve).resume());
  }

  async start(id: string): Promise<void> {
    await this.#ask(() => orNull(this.#docker.getContainer(id).start(), NOT_MODIFIED));
  }

  async restart(id: string, graceMs: number): Promise<void> {
    const restart = (): Promise<unknown> => this.#docker.getContainer(id).restart({ t: Math.ceil(graceMs / 1000) });
    await this.#ask(restart, this.#answerMs + graceMs);
  }

  async startCreated(composeProject: string, composeService: string): Promise<void> {
    const label = [`${COMPOSE_LABEL.project}=${composeProject}`, `${COMPOSE_LABEL.service}=${composeService}`];
    const filters = { label, status: ['created'] };
    const created = await this.#ask(() => this.#docker.listContainers({ all: true, filters }));
    await Promise.all(created.map(({ Id, Names }) => this.#startFresh(Id, Names[0]?.slice(1) ?? Id)));
  }

  /** What the engine refuses here, a port that is taken say, is a fault of the release and not of the engine. */
  async #startFresh(id: string, name: string): Promise<void> {
    try {
      await this.#docker.getContainer(id).start();
    } catch (error) {
      const said = reasonOf(error);
      if (said === null) throw asDeployError(error);
      throw new DeployError('rollout-failed', { what: `${name} cannot be started: ${said}`, details: [said] });
    }
  }

  async setRestart(id: string, policy: string): Promise<void> {
    const [name = 'no', count] = policy.split(':');
    const restart = { Name: name, MaximumRetryCount: Number(count ?? 0) };
    await this.#ask(() => orNull(this.#docker.getContainer(id).update({ RestartPolicy: restart }), NOT_FOUND));
  }

  async remove(id: string): Promise<void> {
    await this.#ask(() => orNull(this.#docker.getContainer(id).remove({ force: true, v: true }), NOT_FOUND, CONFLICT));
  }

  async logTail(id: string, lines: number): Promise<readonly string[]> {
    const all = await this.lastLines(id, { tail: lines, since: null });
    return all.map(({ text }) => text).filter((text) => text.trim() !== '');
  }

  async lastLines(id: string, options: Omit<LogOptions, 'signal'>): Promise<readonly ContainerLine[]> {
    const isTty = await this.#isTty(id);
    return this.#ask(() => lastLines(this.#docker.getContainer(id), isTty, options));
  }

  async *followedLines(id: string, options: LogOptions): AsyncGenerator<ContainerLine, void, undefined> {
    yield* followedLines(this.#docker.getContainer(id), await this.#isTty(id), options);
  }

  async #isTty(id: string): Promise<boolean> {
    return (await this.#inspect(id))?.Config.Tty ?? false;
  }

  async stopSignal(id: string): Promise<string> {
    const config = (await this.#inspect(id))?.Config as { readonly StopSignal?: string } | undefined;
    return config?.StopSignal ?? 'SIGTERM';
  }

  async healthLog(id: string): Promise<readonly string[]> {
    return this.#ask(async () => {
      const entries = (await this.#inspect(id))?.State.Health?.Log ?? [];
      return entries.map((entry) => `exit ${String(entry.ExitCode)}: ${entry.Output.trim()}`);
    });
  }

  async image(reference: string): Promise<ImageInfo | null> {
    const info = await this.#ask(() => orNull(this.#docker.getImage(reference).inspect(), NOT_FOUND));
    return info === null ? null : { id: info.Id, taggedAt: lastTagTime(info), digests: digestsOf(info) };
  }

  async tag(image: string, reference: string): Promise<void> {
    const colon = reference.lastIndexOf(':');
    await this.#ask(() =>
      this.#docker.getImage(image).tag({ repo: reference.slice(0, colon), tag: reference.slice(colon + 1) }),
    );
  }

  async untag(reference: string): Promise<void> {
    const image = await this.image(reference);
    await this.#removeImage(reference);
    if (image !== null) await this.#removeNameless(image.id);
  }

  /** An image whose tag moved on is kept by its digest: the engine removes it with its last tag only if both are of one name. */
  async #removeNameless(id: string): Promise<void> {
    const left = await this.#ask(() => orNull(this.#docker.getImage(id).inspect(), NOT_FOUND));
    const tags = (left?.RepoTags as string[] | null | undefined) ?? [];
    if (left !== null && tags.length === 0) await this.#removeImage(id);
  }

  /** Not one that a container needs: that is a conflict. */
  #removeImage(name: string): Promise<unknown> {
    return this.#ask(() => orNull(this.#docker.getImage(name).remove({ noprune: false }), NOT_FOUND, CONFLICT));
  }

  async pinnedTags(project: string): Promise<readonly string[]> {
    const prefix = pinnedPrefix(project);
    const images = await this.#ask(() => this.#docker.listImages({ filters: { reference: [`${prefix}*`] } }));
    return images.flatMap((image) => image.RepoTags ?? []).filter((tag) => tag.startsWith(prefix));
  }

  async composeProjectsWithNetworks(projects: readonly string[]): Promise<readonly string[]> {
    const networks = await this.#ask(() => this.#docker.listNetworks({ filters: { label: [COMPOSE_LABEL.project] } }));
    const owners = new Set(networks.map((network) => network.Labels?.[COMPOSE_LABEL.project]));
    return projects.filter((project) => owners.has(project));
  }

  async removeNetworks(composeProject: string): Promise<void> {
    const filters = { label: [`${COMPOSE_LABEL.project}=${composeProject}`] };
    for (const network of await this.#ask(() => this.#docker.listNetworks({ filters }))) {
      await this.#ask(() => this.#docker.getNetwork(network.Id).remove());
    }
  }

  async machine(): Promise<EngineMachine> {
    const { MemTotal, DockerRootDir } = engineInfo.parse(await this.#ask(() => this.#docker.info()));
    return { memoryBytes: MemTotal ?? null, dataRoot: DockerRootDir ?? null };
  }

  /** As `docker stats` counts it: without what the kernel would give back at once. */
  async memoryOf(id: string): Promise<number | null> {
    const container = this.#docker.getContainer(id);
    const read = (): Promise<unknown> => container.stats({ stream: false, 'one-shot': true });
    const stats = memoryStats.safeParse(await this.#ask(() => orNull(read(), NOT_FOUND)));
    if (!stats.success) return null;
    const { usage, stats: parts = {} } = stats.data.memory_stats;
    return usage - Math.min(usage, parts.inactive_file ?? parts.total_inactive_file ?? 0);
  }

  /** One choke point: every question is answered in time. */
  async #ask<T>(question: () => Promise<T>, withinMs = this.#answerMs): Promise<T> {
    return this.#explained(() => inTime(withinMs, 'a question to the engine', 'engine-unreachable', question()));
  }

  /** Whatever the engine or the way to it says becomes an error that people understand. */
  async #explained<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      throw asDeployError(error);
    }
  }
}

/** In the engine's answer since API 1.30, but not in its types. Never tagged is the year 1. */
function lastTagTime(info: Docker.ImageInspectInfo): number | null {
  const { Metadata: metadata } = info as { readonly Metadata?: { readonly LastTagTime?: string } };
  const at = Date.parse(metadata?.LastTagTime ?? '');
  return at > 0 ? at : null;
}

/** `shop/web@sha256:…` without the name: one image may have several names. */
function digestsOf({ RepoDigests }: Docker.ImageInspectInfo): readonly string[] {
  // The engine says null for none.
  const named = (RepoDigests as string[] | null) ?? [];
  return [...new Set(named.map((name) => name.slice(name.indexOf('@') + 1)))];
}

/** Null instead of an error for answers that mean "it is so already". */
async function orNull<T>(answer: Promise<T>, ...codes: number[]): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    const code = statusCode(error);
    if (code !== null && codes.includes(code)) return null;
    throw error;
  }
}

/** An answer of another shape than the engine's API has: a proxy before the engine, or an engine of another make. */
function notUnderstood(error: TypeError | z.ZodError): string {
  const why = error instanceof z.ZodError ? z.prettifyError(error).replaceAll(/\s+/g, ' ') : error.message;
  return `the Docker engine gave an answer that is not understood: ${why}`;
}

/** The engine's own words of a refusal; null if it did not answer. */
function reasonOf(error: unknown): string | null {
  if (statusCode(error) === null) return null;
  const { json } = error as { readonly json?: { readonly message?: unknown } };
  return typeof json?.message === 'string' ? json.message : messageOf(error);
}

function asDeployError(error: unknown): DeployError {
  if (error instanceof DeployError) return error;
  if (error instanceof TypeError || error instanceof z.ZodError)
    return new DeployError('engine-failed', { what: notUnderstood(error), cause: error });
  const unreachable = statusCode(error) === null;
  const what = unreachable
    ? `the Docker engine does not answer: ${messageOf(error)}`
    : `the Docker engine refused: ${messageOf(error)}`;
  return new DeployError(unreachable ? 'engine-unreachable' : 'engine-failed', { what, cause: error });
}
