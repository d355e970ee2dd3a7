import { execa } from 'execa';
import { withDeadline } from '../../app/signals.ts';
import { messageOf } from '../../core/errors.ts';
import { type CommandEnd, Tail } from './command.ts';

/** Between the polite signal to a process group and the one that nobody can ignore. */
const GRACE_MS = 5000;

/** A process of the host. */
export interface ProcessRequest {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** All of its environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  readonly onLine: (line: string) => void;
}

/**
 * Runs a process without a shell, in a group of its own: a Ctrl-C in the terminal does not reach it, and at the
 * timeout or the signal all of the group is ended, not only its first process. Never throws.
 */
export function runProcess(request: ProcessRequest, signal: AbortSignal): Promise<CommandEnd> {
  return withDeadline(request.timeoutMs, signal, (stop, isLate) => run(request, stop, isLate));
}

async function run(request: ProcessRequest, stop: AbortSignal, isLate: () => boolean): Promise<CommandEnd> {
  const tail = new Tail(request.onLine);
  const [file = '', ...args] = request.argv;
  const running = execa(file, args, {
    cwd: request.cwd,
    env: request.env,
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    buffer: false,
    detached: true,
    cleanup: false,
    reject: false,
  });
  const settle = endGroupWhen(stop, running.pid);
  const [result] = await Promise.all([running, readLines(running.iterable({ from: 'all' }), tail)]);
  settle();
  if (stop.aborted) return { kind: isLate() ? 'timed-out' : 'stopped', tail: tail.lines };
  if (result.exitCode === undefined && result.signal === undefined)
    return { kind: 'not-started', reason: result.originalMessage ?? `${file} cannot be started`, noImage: false };
  return { kind: 'exited', exitCode: result.exitCode ?? SIGNALLED, tail: tail.lines };
}

/** The exit code of what a signal ended that was not ours; shells add the signal's number to it. */
const SIGNALLED = 128;

async function readLines(lines: AsyncIterable<unknown>, tail: Tail): Promise<void> {
  try {
    for await (const line of lines) if (typeof line === 'string') tail.add(line);
  } catch (error) {
    // How it ended says the process itself.
    tail.add(messageOf(error));
  }
}

/** Ends a process group when a signal fires. @returns what to call when its output has ended */
function endGroupWhen(signal: AbortSignal, pid: number | undefined): () => void {
  if (pid === undefined) return () => undefined;
  let kill: NodeJS.Timeout | undefined;
  const end = (): void => {
    signalGroup(pid, 'SIGTERM');
    kill = setTimeout(signalGroup, GRACE_MS, pid, 'SIGKILL');
  };
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  return () => {
    signal.removeEventListener('abort', end);
    clearTimeout(kill);
    // Whoever is left of it has closed its output and did not hear the polite signal.
    if (kill !== undefined) signalGroup(pid, 'SIGKILL');
  };
}

function signalGroup(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch {
    // Nobody is left in the group.
  }
}
