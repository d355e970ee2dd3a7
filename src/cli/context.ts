import { hostname, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import type Docker from 'dockerode';
import type { OneOffs } from '../adapters/commands/command.ts';
import type { Commands } from '../adapters/commands/commands.ts';
import { DockerCompose } from '../adapters/compose/compose.ts';
import { userFiles } from '../adapters/compose/files.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { LinuxHost } from '../adapters/system/host.ts';
import { timedIds } from '../adapters/system/ids.ts';
import type { Checker } from '../app/check-ports.ts';
import type { Ports, RouterTarget } from '../app/ports.ts';
import { composeOptions, dockerEndpoint } from './compose-options.ts';
import { withoutPluginVariables } from './compose-program.ts';
import { configFolder, type Endpoint } from './endpoint.ts';
import type { GlobalOptions } from './globals.ts';
import type { Io } from './io.ts';
import { registryCredentials } from './registry-credentials.ts';
import type { Reporter } from './reporters/reporter.ts';
import { readSettings, type Settings } from './settings.ts';

/** Everything that a command needs of the world. */
export interface Context {
  readonly ports: Ports;
  readonly settings: Settings;
  /** Where the state of this project is. */
  readonly stateDirectory: string;
  /** The compose files, absolute, in the order in which Compose reads them. */
  readonly files: readonly string[];
  readonly endpoint: Endpoint;
  /** The real docker, for every command that we run. */
  readonly docker: string;
}

/**
 * The composition root of the CLI: the only place in it that builds adapters.
 * @param version that the command will read the compose files for, if it is known to
 */
export async function createContext(
  globals: GlobalOptions,
  reporter: Reporter,
  io: Io,
  version: string | null,
): Promise<Context> {
  const settings = readSettings(io.env, io.cwd);
  const { docker, endpoint } = await dockerEndpoint(globals, io);
  const built = await buildPorts({ globals, reporter, io, settings, endpoint, docker }, version);
  return { ...built, settings, endpoint, docker };
}

interface Parts extends Omit<Context, 'ports' | 'stateDirectory' | 'files'> {
  readonly globals: GlobalOptions;
  readonly reporter: Reporter;
  readonly io: Io;
}

async function buildPorts(
  parts: Parts,
  version: string | null,
): Promise<Pick<Context, 'ports' | 'stateDirectory' | 'files'>> {
  const { reporter, io, settings } = parts;
  const options = composeOptions(parts);
  const compose = new DockerCompose(options, (reference) => engine.image(reference));
  // Compose is at work while the other half of the program is loaded.
  if (version !== null) compose.begin(version);
  const { directory, sources } = await userFiles(options);
  const stateDirectory = settings.stateDir ?? join(directory, '.deploy-bg');
  const {
    AgentClient,
    connect,
    createProber,
    createRouter,
    DockerEngine,
    DockerProxyEngine,
    DockerRegistry,
    FileStore,
  } = await import('./adapters.ts');
  const docker = connect(parts.endpoint);
  const engine = new DockerEngine(docker);
  const proxyEngine = new DockerProxyEngine(docker);
  const ports = {
    clock: systemClock,
    ids: timedIds,
    engine,
    host: new LinuxHost(),
    compose,
    registry: new DockerRegistry(docker, configFolder(parts.globals.docker, io.env)),
    router: (target: RouterTarget) => createRouter(target, { engine: proxyEngine, clock: systemClock }),
    prober: createProber({ clock: systemClock }),
    ...gatePorts(parts, docker, compose),
    store: new FileStore({ projectDirectory: directory, stateDirectory }),
    agent: new AgentClient(stateDirectory),
    secrets: registryCredentials(configFolder(parts.globals.docker, io.env)),
    emit: reporter.emit,
    pollMs: settings.pollMs,
    times: settings.times,
    who: whoAmI(io),
  } satisfies Ports;
  return { ports, stateDirectory, files: sources.map(({ path }) => resolve(io.cwd, path)) };
}

/** Most deploys have neither checks nor hooks nor receivers of notices: these are loaded when the first is needed. */
function gatePorts(
  { reporter, io }: Parts,
  docker: Docker,
  oneOffs: OneOffs,
): Pick<Ports, 'checker' | 'hooks' | 'notices'> {
  const commands = async (): Promise<Commands> => {
    const { createCommands } = await import('../adapters/commands/commands.ts');
    return createCommands({ docker, oneOffs, env: withoutPluginVariables(io.env) });
  };
  const checkerOf = async (target: RouterTarget): Promise<Checker> => {
    const [{ createChecker }, { createAccessLog }] = await Promise.all([
      import('../adapters/checks/checker.ts'),
      import('../adapters/proxy/access-log.ts'),
    ]);
    return createChecker({ commands: await commands(), accessLog: createAccessLog(target, systemClock) });
  };
  const hooks = once(async () => {
    const { createHookRunner } = await import('../adapters/hooks/runner.ts');
    return createHookRunner(await commands());
  });
  return {
    checker: (target) => {
      const checker = once(() => checkerOf(target));
      return { measure: async (...asked) => (await checker()).measure(...asked) };
    },
    hooks: { run: async (...asked) => (await hooks()).run(...asked) },
    notices: (project, targets, secrets) => {
      const deps = { clock: systemClock, warn: reporter.emit, secrets };
      const notifier = import('../adapters/notify/notifier.ts').then(({ createNotifier }) =>
        createNotifier(project, targets, deps),
      );
      return {
        emit: (event) =>
          void notifier.then(({ emit }) => {
            emit(event);
          }),
        close: async () => (await notifier).close(),
      };
    },
  };
}

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | null = null;
  return () => (loaded ??= load());
}

/** For the lock: `anna@build-1 (pid 4711)`. */
function whoAmI({ env }: Io): string {
  return `${env['USER'] ?? userName()}@${hostname()} (pid ${String(process.pid)})`;
}

/** A container may run under an id that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
