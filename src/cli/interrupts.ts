import { onDockerAsks } from './plugin-socket.ts';

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

/** For what only shows things: the first Ctrl-C or SIGTERM ends it, and so does a reader that goes away (`| head`). */
export function ctrlC(): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => {
    controller.abort();
  };
  process.once('SIGINT', abort).once('SIGTERM', abort);
  process.stdout.once('error', abort);
  return controller.signal;
}

function onSignals(interrupt: () => void): () => void {
  const survive = (): void => undefined;
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt).on('SIGHUP', survive);
  return () => {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt).off('SIGHUP', survive);
  };
}
