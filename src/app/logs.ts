import type { Color } from '../core/color.ts';
import { DeployError } from '../core/errors.ts';
import type { Millis, ObservedContainer } from '../core/observed.ts';
import { Bell } from './bell.ts';
import type { ContainerLine, Ports } from './ports.ts';
import { locate } from './session.ts';

export interface LogsOptions {
  /** Of containers of this version only; null: of all, side by side. */
  readonly version: string | null;
  /** Empty: those that a deploy replaces. */
  readonly services: readonly string[];
  /** How many lines of those that each container wrote so far. */
  readonly tail: number | 'all';
  readonly since: Millis | null;
  /** Go on with what comes, also of containers that come, until the signal fires. */
  readonly follow: boolean;
}

/** A line that a container wrote. `logs --json` prints exactly this. */
export interface LogView {
  readonly at: Millis;
  readonly service: string;
  readonly container: string;
  readonly color: Color | null;
  readonly version: string | null;
  readonly text: string;
}

/** How often containers are looked for that nobody told of. */
const LOOK_MS = 5_000;

/**
 * What the replicas wrote, of all versions that there are: the lines so far by their time, then as they come.
 * @throws not-possible if nobody is there who wrote anything, and nobody is waited for
 */
export async function* logs(
  ports: Ports,
  options: LogsOptions,
  signal: AbortSignal,
): AsyncGenerator<LogView, void, undefined> {
  const { project, replaced } = await locate(ports, options.version ?? 'logs');
  const services = new Set(options.services.length > 0 ? options.services : replaced);
  const look = async (): Promise<readonly ObservedContainer[]> =>
    (await ports.engine.containers(project)).filter(
      (c) => services.has(c.service) && !c.oneOff && (options.version ?? versionOf(c)) === versionOf(c),
    );
  if (options.follow) yield* new Following(ports, options, signal).lines(project, look);
  else yield* byTime(await soFar(ports, requireSome(await look(), options), options));
}

/** With a container its lines are gone: no lines would say that it wrote none. */
function requireSome(
  containers: readonly ObservedContainer[],
  { version, services }: LogsOptions,
): readonly ObservedContainer[] {
  if (containers.length > 0) return containers;
  const whose = [services.join(', '), version ?? ''].filter((word) => word !== '').join(' ');
  throw new DeployError('not-possible', {
    what: `no container${whose === '' ? '' : ` of ${whose}`} is there, and logs go with their containers`,
    next: 'docker-deploy-bg status shows who runs, docker-deploy-bg events what became of the others',
  });
}

interface Read {
  readonly container: ObservedContainer;
  readonly lines: readonly ContainerLine[];
}

function soFar({ engine }: Ports, containers: readonly ObservedContainer[], options: LogsOptions): Promise<Read[]> {
  return Promise.all(
    containers.map(async (container) => ({ container, lines: await engine.lastLines(container.id, options) })),
  );
}

function byTime(all: readonly Read[]): readonly LogView[] {
  const views = all.flatMap(({ container, lines }) => lines.map((line) => viewOf(container, line)));
  return views.toSorted((a, b) => a.at - b.at);
}

/** The logs of containers as they come and go. */
class Following {
  readonly #ports: Ports;
  readonly #options: LogsOptions;
  readonly #signal: AbortSignal;
  readonly #bell = new Bell();
  readonly #arrived: LogView[] = [];
  /** When those began that are read, or were, by id: one that is started again is read on. */
  readonly #begun = new Map<string, Millis | null>();

  constructor(ports: Ports, options: LogsOptions, signal: AbortSignal) {
    this.#ports = ports;
    this.#options = options;
    this.#signal = signal;
  }

  async *lines(
    project: string,
    look: () => Promise<readonly ObservedContainer[]>,
  ): AsyncGenerator<LogView, void, undefined> {
    await this.#ports.engine.watch(project, this.#bell.ring, this.#signal);
    const began = this.#ports.clock.now();
    const first = await soFar(this.#ports, await look(), this.#options);
    yield* byTime(first);
    for (const { container, lines } of first) {
      const last = lines.at(-1);
      this.#read(container, last?.at ?? began, last?.stamp ?? '');
    }
    while (!this.#signal.aborted) {
      await this.#bell.sleep(this.#ports.clock, LOOK_MS, this.#signal);
      yield* this.#arrived.splice(0);
      for (const container of await look())
        if (!this.#isRead(container)) this.#read(container, container.startedAt, '');
    }
  }

  #isRead({ id, startedAt }: ObservedContainer): boolean {
    return this.#begun.get(id) === startedAt;
  }

  /** Reads on in the background; one that is removed meanwhile has said everything. */
  #read(container: ObservedContainer, since: Millis | null, after: string): void {
    this.#begun.set(container.id, container.startedAt);
    void this.#readOn(container, since, after).catch(() => undefined);
  }

  async #readOn(container: ObservedContainer, since: Millis | null, after: string): Promise<void> {
    const options = { tail: 'all', since, signal: this.#signal } as const;
    for await (const line of this.#ports.engine.followedLines(container.id, options)) {
      if (line.stamp <= after) continue;
      this.#arrived.push(viewOf(container, line));
      this.#bell.ring();
    }
  }
}

function viewOf(container: ObservedContainer, { at, text }: ContainerLine): LogView {
  const { service, name, color } = container;
  return { at, service, container: name, color, version: versionOf(container), text };
}

/** By its environment; of one that is not ours, by the tag of its image. */
function versionOf({ version, image }: ObservedContainer): string | null {
  return version ?? /:([\w.-]+)$/.exec(image)?.[1] ?? null;
}
