import { constants, setPriority } from 'node:os';
import { execa } from 'execa';
import { DeployError } from '../../core/errors.ts';

/** One call of docker or of Compose. */
export interface Call {
  /** The binary and the words that come first. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Given on standard input, which is closed otherwise. */
  readonly input?: string;
  /** In a process group of its own: a Ctrl-C in the terminal does not reach it. */
  readonly detached?: boolean;
  /** Nobody waits for it: it gets what time of the processor is left. */
  readonly background?: boolean;
  /** Ends the call when it fires: SIGTERM and, 5 s later, SIGKILL. */
  readonly signal?: AbortSignal;
  /** Is told every line that Compose prints on its way. */
  readonly onOutput?: (line: string) => void;
}

/** How a call ended; a failure is a result here, not an exception. */
export interface Outcome {
  readonly ok: boolean;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Calls docker without a shell.
 * @throws compose-missing if the binary or its Compose plugin cannot be started
 */
export async function call(request: Call): Promise<Outcome> {
  const [binary = 'docker', ...flags] = request.command;
  const running = execa(binary, [...flags, ...request.args], {
    cwd: request.cwd,
    env: request.env,
    extendEnv: false,
    detached: request.detached ?? false,
    cleanup: request.detached !== true,
    ...(request.signal === undefined ? {} : { cancelSignal: request.signal }),
    ...(request.input === undefined ? { stdin: 'ignore' } : { input: request.input }),
    stripFinalNewline: false,
    reject: false,
  });
  if (request.background === true) yieldProcessor(running.pid);
  const { onOutput } = request;
  if (onOutput !== undefined) void forward(running.iterable({ from: 'stderr' }), onOutput);
  const result = await running;
  if (result.exitCode === undefined && result.signal === undefined && !result.isCanceled)
    throw missing(result.originalMessage ?? binary);
  const outcome = {
    ok: result.exitCode === 0,
    exitCode: result.exitCode ?? 128,
    stdout: result.stdout,
    stderr: result.stderr,
  };
  if (!outcome.ok && /'compose' is not a docker command|unknown command: docker compose/.test(outcome.stderr))
    throw missing('docker has no compose command');
  return outcome;
}

function yieldProcessor(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    // It has ended already.
  }
}

async function forward(lines: AsyncIterable<unknown>, onOutput: (line: string) => void): Promise<void> {
  try {
    for await (const line of lines) if (typeof line === 'string') onOutput(words(line));
  } catch {
    // The call's own outcome says what went wrong.
  }
}

function missing(why: string): DeployError {
  return new DeployError('compose-missing', { what: `Docker Compose cannot be called: ${why}` });
}

/** What Compose has to say, without time stamps and warnings about variables. */
export function wordsOf(stderr: string): readonly string[] {
  return stderr
    .split('\n')
    .filter((line) => !line.includes('level=warning'))
    .map(words)
    .filter((line) => line !== '');
}

/** One line of a logger as plain words. */
function words(line: string): string {
  const message = /msg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
  return (message?.replaceAll('\\"', '"') ?? line).trim();
}

/** The error of a call that could not reach the engine; null if it failed for another reason. */
export function unreachable(outcome: Outcome): DeployError | null {
  const line = wordsOf(outcome.stderr).find((each) =>
    /Cannot connect to the Docker daemon|permission denied while trying to connect|error during connect|failed to connect to the docker API/i.test(
      each,
    ),
  );
  return line === undefined ? null : new DeployError('engine-unreachable', { what: line });
}

/** Runs tasks of one key one after the other. */
export class Queue {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Resolves as the task does; a failed task does not keep the next from running. */
  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const mine = before.then(task, task);
    this.#last.set(key, mine);
    return mine;
  }
}
