import type Docker from 'dockerode';
import { COMPOSE_LABEL } from '../../core/labels.ts';
import type { ExecResult, ProxyContainer, ProxyEngine } from '../proxy/engine.ts';

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
    const found = await this.#docker.listContainers({ all: true, filters: { label } });
    const chosen = found.find((container) => container.State === 'running') ?? found[0];
    return chosen === undefined ? null : proxyContainer(await this.#docker.getContainer(chosen.Id).inspect());
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
    await this.#docker.getContainer(container).kill({ signal });
  }
}

/** What a driver needs of an inspect answer. Pure. */
export function proxyContainer(info: Docker.ContainerInspectInfo): ProxyContainer {
  const networks = Object.entries(info.NetworkSettings.Networks);
  return {
    id: info.Id,
    name: info.Name.replace(/^\//, ''),
    running: info.State.Running,
    pid: info.State.Pid > 0 ? info.State.Pid : null,
    addresses: Object.fromEntries(networks.flatMap(([name, { IPAddress: ip }]) => (ip === '' ? [] : [[name, ip]]))),
    command: [info.Path, ...info.Args],
    mounts: info.Mounts.map(({ Source, Destination }) => ({ source: Source, destination: Destination })),
  };
}
