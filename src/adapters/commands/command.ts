import type { FrozenRelease } from '../../app/ports.ts';
import type { Command } from '../../core/checks.ts';

/** A command to run somewhere. */
export interface CommandRequest {
  readonly run: Command;
  /** Added to the variables that are there. */
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Every line of both streams as it comes. */
  readonly onLine: (line: string) => void;
}

/** How a command ended; `tail` is the last lines of both streams, oldest first. */
export type CommandEnd =
  | { readonly kind: 'exited'; readonly exitCode: number; readonly tail: readonly string[] }
  | { readonly kind: 'timed-out'; readonly tail: readonly string[] }
  /** The signal fired. */
  | { readonly kind: 'stopped'; readonly tail: readonly string[] }
  /** It did not begin; `noImage` says that it is its image that cannot be had. */
  | { readonly kind: 'not-started'; readonly reason: string; readonly noImage: boolean };

/** Whose container a one-off command gets, and what it is for, which goes into the container's name. */
export interface OneOffPlace {
  readonly service: string;
  readonly purpose: string;
}

/** Commands in fresh containers, as `docker compose run` makes them: networks, volumes and entrypoint of the service. */
export interface OneOffs {
  /** One container, gone when this resolves. Never throws for what the command does; DeployErrors for Compose's own. */
  runCommand(
    frozen: FrozenRelease,
    place: OneOffPlace,
    request: CommandRequest,
    signal: AbortSignal,
  ): Promise<CommandEnd>;
}

/** A list is run as it is. A line is the user's own, written for a shell; nothing of ours is ever put into it. */
export function argvOf(run: Command): readonly string[] {
  return typeof run === 'string' ? ['sh', '-c', run] : run;
}

/** Lines kept of a command's output: as many as an error message can show. */
const TAIL_LINES = 20;

/** Hands lines on and keeps the last ones. */
export class Tail {
  readonly #lines: string[] = [];
  readonly #onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  readonly add = (line: string): void => {
    if (line.trim() === '') return;
    this.#lines.push(line);
    if (this.#lines.length > TAIL_LINES) this.#lines.shift();
    this.#onLine(line);
  };

  get lines(): readonly string[] {
    return [...this.#lines];
  }
}
