import { PassThrough, type Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import type Docker from 'dockerode';
import { withDeadline } from '../../app/signals.ts';
import { messageOf } from '../../core/errors.ts';
import { argvOf, type CommandEnd, type CommandRequest, Tail } from './command.ts';

/**
 * Runs a command in a running container, with the engine's exec. At the timeout or the signal nobody waits for it any
 * longer; the engine has no call that would end it, so it goes on until it ends by itself or its container does.
 * Never throws.
 */
export function execIn(
  docker: Docker,
  container: string,
  request: CommandRequest,
  signal: AbortSignal,
): Promise<CommandEnd> {
  return withDeadline(request.timeoutMs, signal, (stop, isLate) => run({ docker, container, request }, stop, isLate));
}

interface Exec {
  readonly docker: Docker;
  readonly container: string;
  readonly request: CommandRequest;
}

async function run(
  { docker, container, request }: Exec,
  stop: AbortSignal,
  isLate: () => boolean,
): Promise<CommandEnd> {
  const tail = new Tail(request.onLine);
  try {
    const exec = await docker.getContainer(container).exec({
      Cmd: [...argvOf(request.run)],
      Env: Object.entries(request.environment).map(([name, value]) => `${name}=${value}`),
      AttachStdout: true,
      AttachStderr: true,
    });
    await readOutput(docker, await exec.start({}), tail, stop);
    if (stop.aborted) return { kind: isLate() ? 'timed-out' : 'stopped', tail: tail.lines };
    const { ExitCode: exitCode } = await exec.inspect();
    return { kind: 'exited', exitCode: exitCode ?? -1, tail: tail.lines };
  } catch (error) {
    return { kind: 'not-started', reason: messageOf(error), noImage: false };
  }
}

/** Both streams in the order in which they come, until they end or the signal fires. */
async function readOutput(docker: Docker, stream: Readable, tail: Tail, signal: AbortSignal): Promise<void> {
  const both = new PassThrough();
  const end = (): void => {
    both.end();
    stream.destroy();
  };
  stream.on('end', end).on('close', end).on('error', end);
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  // The types of docker-modem's demuxStream name the writable side only.
  (docker.modem as Demultiplexer).demuxStream(stream, both, both);
  for await (const line of createInterface({ input: both, crlfDelay: Infinity })) tail.add(line);
  signal.removeEventListener('abort', end);
}

interface Demultiplexer {
  demuxStream(stream: Readable, stdout: PassThrough, stderr: PassThrough): void;
}
