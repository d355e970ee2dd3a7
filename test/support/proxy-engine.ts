import Docker from 'dockerode';
import type { ObservedContainer } from '../../src/core/observed.ts';
import { reachable } from '../../src/adapters/docker/proxy-engine.ts';
import type { ExecResult, ProxyContainer, ProxyEngine, Reachable } from '../../src/adapters/proxy/engine.ts';

export const docker = new Docker();

/** The engine behind a proxy driver, for tests: containers are found by name, `<project>-<service>`. */
export const proxyEngine: ProxyEngine = {
  async proxyContainer(project, service): Promise<ProxyContainer | null> {
    const found = await docker
      .getContainer(`${project}-${service}`)
      .inspect()
      .catch(() => null);
    if (found === null) return null;
    return {
      id: found.Id,
      name: found.Name.slice(1),
      running: found.State.Running,
      pid: found.State.Pid || null,
      addresses: addressesOf(found),
      command: [found.Path, ...found.Args],
      mounts: found.Mounts.map(({ Source, Destination }) => ({ source: Source, destination: Destination })),
    };
  },
  async exec(container, argv): Promise<ExecResult> {
    const exec = await docker
      .getContainer(container)
      .exec({ Cmd: [...argv], AttachStdout: true, AttachStderr: true, Tty: true });
    const stream = await exec.start({ Tty: true });
    let output = '';
    for await (const part of stream) output += String(part);
    const { ExitCode: exitCode } = await exec.inspect();
    return { exitCode: exitCode ?? -1, output };
  },
  async kill(container, signal): Promise<void> {
    await docker.getContainer(container).kill({ signal });
  },
  async reachable(project): Promise<readonly Reachable[]> {
    const [bridges, containers] = await Promise.all([
      docker.listNetworks({ filters: { driver: ['bridge'] } }),
      docker.listContainers({ filters: { name: [`^/${project}-`] } }),
    ]);
    return containers.map((container) => reachable(container, bridges));
  },
};

function addressesOf(found: Docker.ContainerInspectInfo): Record<string, string> {
  const addresses: Record<string, string> = {};
  for (const [name, network] of Object.entries(found.NetworkSettings.Networks)) {
    if (network.IPAddress !== '') addresses[name] = network.IPAddress;
  }
  return addresses;
}

/** A container as a driver is shown it. */
export async function observed(name: string): Promise<ObservedContainer> {
  const found = await docker.getContainer(name).inspect();
  return {
    id: found.Id,
    name: found.Name.slice(1),
    service: 'web',
    color: null,
    release: null,
    rollout: null,
    store: null,
    oneOff: false,
    number: 1,
    state: found.State.Status as ObservedContainer['state'],
    health: 'none',
    exitCode: found.State.ExitCode,
    oomKilled: false,
    restarts: 0,
    createdAt: 0,
    startedAt: null,
    finishedAt: null,
    imageId: found.Image,
    image: found.Config.Image,
    version: null,
    configHash: null,
    pid: found.State.Pid || null,
    addresses: addressesOf(found),
  };
}
