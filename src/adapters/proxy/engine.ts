/** What a proxy driver needs to know of its proxy's container. */
export interface ProxyContainer {
  readonly id: string;
  readonly name: string;
  readonly running: boolean;
  /** Pid of the main process in the engine's pid namespace; null while not running. */
  readonly pid: number | null;
  /** Address by network name; empty while not running. */
  readonly addresses: Readonly<Record<string, string>>;
  /** The program and its arguments, as the engine starts them (`Path` and `Args` of inspect). */
  readonly command: readonly string[];
  readonly mounts: readonly ProxyMount[];
}

export interface ProxyMount {
  /** Path on the host. */
  readonly source: string;
  /** Path in the container. */
  readonly destination: string;
}

export interface ExecResult {
  readonly exitCode: number;
  /** Both streams, as they came. */
  readonly output: string;
}

/** A running container as the machine of the engine itself reaches it. */
export interface Reachable {
  readonly name: string;
  /** It has the network of the machine, and no address of its own. */
  readonly onHost: boolean;
  /** Addresses on bridges of the machine, those first that also lead out of it. */
  readonly addresses: readonly string[];
  /** TCP ports of it that are ports of the machine. */
  readonly published: readonly Published[];
}

export interface Published {
  /** The container's own. */
  readonly port: number;
  /** Where the machine listens for it: `0.0.0.0` and `::` are all of its addresses. */
  readonly address: string;
  readonly hostPort: number;
}

/** What a proxy driver asks of the engine. */
export interface ProxyEngine {
  /** The container of a shared service of the user's own project, running or not; null if there is none. */
  proxyContainer(project: string, service: string): Promise<ProxyContainer | null>;
  /** Runs a command in the container to its end. Rejects only if it cannot be run at all. */
  exec(container: string, argv: readonly string[]): Promise<ExecResult>;
  /** Sends a signal (`HUP`) to the container's main process. */
  kill(container: string, signal: string): Promise<void>;
  /** Running containers of the user's project and of its colors. */
  reachable(project: string): Promise<readonly Reachable[]>;
}
