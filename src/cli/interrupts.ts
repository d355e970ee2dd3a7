import { connect } from 'node:net';

/** How a running command is told to end before its time. */
export interface Interrupts {
  /** Aborted with the reason `interrupt`. */
  readonly signal: AbortSignal;
  dispose(): void;
}

export interface InterruptOptions {
  /** The first Ctrl-C or SIGTERM: the way back begins. */
  readonly onAbort: () => void;
  /** The second: stop at once. */
  readonly onStop: () => void;
}

/** One keystroke reaches us as a signal and, through docker, once more as a closed socket. */
const SAME_KEYSTROKE_MS = 1000;

/** Follows signals. SIGHUP is survived: losing the terminal does not lose the deploy. */
export function watchInterrupts(
  options: InterruptOptions,
  env: Readonly<Record<string, string | undefined>>,
): Interrupts {
  const controller = new AbortController();
  let lastSignal = -Infinity;
  const interrupt = (): void => {
    lastSignal = performance.now();
    if (controller.signal.aborted) {
      options.onStop();
      return;
    }
    controller.abort('interrupt');
    options.onAbort();
  };
  const stopSignals = onSignals(interrupt);
  const stopSocket = onDockerAsks(env['DOCKER_CLI_PLUGIN_SOCKET'], () => {
    if (performance.now() - lastSignal > SAME_KEYSTROKE_MS) interrupt();
  });
  const dispose = (): void => {
    stopSignals();
    stopSocket();
  };
  return { signal: controller.signal, dispose };
}

function onSignals(interrupt: () => void): () => void {
  const survive = (): void => undefined;
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt).on('SIGHUP', survive);
  return () => {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt).off('SIGHUP', survive);
  };
}

/**
 * Docker does not hand signals on to its plugins: it closes this socket instead. It also closes when docker dies,
 * and that is no request: then our parent is another one.
 */
function onDockerAsks(path: string | undefined, asked: () => void): () => void {
  if (path === undefined || path === '') return () => undefined;
  const parent = process.ppid;
  const socket = connect(path.replace(/^@/, '\0')).unref();
  let connected = false;
  socket.on('connect', () => {
    connected = true;
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    if (connected)
      setTimeout(() => {
        if (process.ppid === parent) asked();
      }, 100).unref();
  });
  socket.resume();
  return () => socket.removeAllListeners('close').destroy();
}
