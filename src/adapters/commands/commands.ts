import type Docker from 'dockerode';
import type { FrozenRelease } from '../../app/ports.ts';
import { argvOf, type CommandEnd, type CommandRequest, type OneOffPlace, type OneOffs } from './command.ts';
import { execIn } from './exec.ts';
import { runProcess } from './process.ts';

/** Where commands of checks and hooks can run. None of these throws for what a command does. */
export interface Commands {
  /** On the host, in a folder. */
  host(request: CommandRequest, cwd: string, signal: AbortSignal): Promise<CommandEnd>;
  /** In a running container. */
  exec(container: string, request: CommandRequest, signal: AbortSignal): Promise<CommandEnd>;
  /** In a fresh container of a service. */
  oneOff(frozen: FrozenRelease, place: OneOffPlace, request: CommandRequest, signal: AbortSignal): Promise<CommandEnd>;
}

export interface CommandsDeps {
  readonly docker: Docker;
  readonly oneOffs: OneOffs;
  /** What commands of the host inherit. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The three places, as the composition root hands them to checks and hooks. */
export function createCommands({ docker, oneOffs, env }: CommandsDeps): Commands {
  return {
    host: ({ run, environment, timeoutMs, onLine }, cwd, signal) =>
      runProcess({ argv: argvOf(run), cwd, env: { ...env, ...environment }, timeoutMs, onLine }, signal),
    exec: (container, request, signal) => execIn(docker, container, request, signal),
    oneOff: (frozen, place, request, signal) => oneOffs.runCommand(frozen, place, request, signal),
  };
}
