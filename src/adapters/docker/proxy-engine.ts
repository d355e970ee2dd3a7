import type Docker from 'dockerode';
import * as z from 'zod';
import { COMPOSE_LABEL, LABEL } from '../../core/labels.ts';
import type { ExecResult, ProxyContainer, ProxyEngine, Reachable } from '../proxy/engine.ts';
import { inTime } from '../system/in-time.ts';
import { ANSWER_DEADLINE_MS } from './connect.ts';
import { addressesOf, networkSettings } from './networks.ts';

/** What the proxy drivers ask of the engine. */
export class DockerProxyEngine implements ProxyEngine {
  readonly #docker: Docker;

  constructor(docker: Docker) {
    this.#docker = docker;
  }

  async proxyContainer(project: string, service: string): Promise<ProxyContainer | null> {
    const label = [
      `${COMPOSE_LABEL.project}=${project}`,
      `${COMPOSE_LABEL.service}=${service}`,
      `${COMPOSE_LABEL.oneoff}=False`,
    ];
    const found = await answered(this.#docker.listContainers({ all: true, filters: { label } }));
    const chosen = found.find((container) => container.State === 'running') ?? found[0];
    return chosen === undefined ? null : proxyContainer(await answered(this.#docker.getContainer(chosen.Id).inspect()));
  }

  /** With a terminal, so that both streams come as one and unframed. */
  async exec(container: string, argv: readonly string[]): Promise<ExecResult> {
    const exec = await this.#docker
      .getContainer(container)
      .exec({ Cmd: [...argv], AttachStdout: true, AttachStderr: true, Tty: true });
    const stream = await exec.start({ Tty: true });
    let output = '';
    for await (const part of stream) output += String(part);
    return { exitCode: (await exec.inspect()).ExitCode ?? -1, output };
  }

  async kill(container: string, signal: string): Promise<void> {
    await answered(this.#docker.getContainer(container).kill({ signal }));
  }

  async reachable(project: string): Promise<readonly Reachable[]> {
    const labels = [`${LABEL.project}=${project}`, `${COMPOSE_LABEL.project}=${project}`];
    const [bridges, ...lists] = await Promise.all([
      answered(this.#docker.listNetworks({ filters: { driver: ['bridge'] } })),
      ...labels.map((label) => answered(this.#docker.listContainers({ filters: { label: [label] } }))),
    ]);
    const byId = new Map(lists.flat().map((container) => [container.Id, container]));
    return [...byId.values()].map((container) => reachable(container, bridges));
  }
}

function answered<T>(answer: Promise<T>): Promise<T> {
  return inTime(ANSWER_DEADLINE_MS, 'a question to the engine', 'engine-unreachable', answer);
}

const listed = z.object({
  Names: z.array(z.string()),
  HostConfig: z.object({ NetworkMode: z.string().nullish() }).nullish(),
  NetworkSettings: networkSettings,
  Ports: z
    .array(
      z.object({
        IP: z.string().nullish(),
        PrivatePort: z.number(),
        PublicPort: z.number().nullish(),
        Type: z.string().nullish(),
      }),
    )
    .nullish(),
});
const bridge = z.object({ Name: z.string(), Internal: z.boolean().nullish() });

/** The engine gives them in another order each time. */
function byUse(a: z.infer<typeof bridge>, b: z.infer<typeof bridge>): number {
  return Number(a.Internal) - Number(b.Internal) || (a.Name < b.Name ? -1 : 1);
}

/** How the machine reaches a container of a list, by the bridges that there are. Pure. @throws if they are none */
export function reachable(info: unknown, bridges: readonly unknown[]): Reachable {
  const { Names, HostConfig, NetworkSettings: settings, Ports } = listed.parse(info);
  const known = bridges.map((each) => bridge.parse(each)).toSorted(byUse);
  const addresses = addressesOf(settings);
  return {
    // Others are those of links, `/other/alias`.
    name: (Names.find((name) => name.lastIndexOf('/') === 0) ?? '').slice(1),
    onHost: HostConfig?.NetworkMode === 'host',
    addresses: known.flatMap(({ Name }) => addresses[Name] ?? []),
    published: (Ports ?? []).flatMap(({ IP, PrivatePort, PublicPort, Type }) =>
      PublicPort == null || Type !== 'tcp'
        ? []
        : [{ port: PrivatePort, address: IP ?? '0.0.0.0', hostPort: PublicPort }],
    ),
  };
}

const answer = z.object({
  Id: z.string().min(1),
  Name: z.string(),
  State: z.object({ Running: z.boolean().nullish(), Pid: z.number().nullish() }),
  NetworkSettings: networkSettings,
  Path: z.string().nullish(),
  Args: z.array(z.string()).nullish(),
  Mounts: z.array(z.object({ Source: z.string().nullish(), Destination: z.string() })).nullish(),
});

/** What a driver needs of an inspect answer. Pure. @throws if it is none */
export function proxyContainer(info: unknown): ProxyContainer {
  const { Id: id, Name, State: state, NetworkSettings: settings, Path, Args, Mounts } = answer.parse(info);
  const pid = state.Pid ?? 0;
  return {
    id,
    name: Name.replace(/^\//, ''),
    running: state.Running ?? false,
    pid: pid > 0 ? pid : null,
    addresses: addressesOf(settings),
    command: [Path ?? '', ...(Args ?? [])],
    mounts: (Mounts ?? []).map(({ Source, Destination }) => ({ source: Source ?? '', destination: Destination })),
  };
}
