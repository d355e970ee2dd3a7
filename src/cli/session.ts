import type { Context } from './context.ts';
import type { GlobalOptions } from './globals.ts';
import { watchInterrupts } from './interrupts.ts';
import type { CommandName, CommandOptions } from './invocation.ts';
import type { Io } from './io.ts';
import type { Reporter } from './reporters/reporter.ts';
import { EXIT } from '../core/errors.ts';

/** What a command is handed besides its own options. */
export interface Session {
  readonly io: Io;
  readonly globals: GlobalOptions;
  readonly version: string;
  readonly reporter: Reporter;
  /**
   * Ports and settings; built when first asked for, because `install` and `version` need no engine. Who says which
   * version they will read the compose files for has it begun at once.
   */
  readonly context: (version?: string) => Promise<Context>;
}

/** A command: does what it says, prints its result, returns the exit code. */
export type Command<K extends CommandName> = (options: CommandOptions[K], session: Session) => Promise<number>;

/** Runs what changes something: the first Ctrl-C begins the way back (or ends the watching), the second stops at once. */
export async function interruptible<T>(session: Session, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { io, reporter } = session;
  const interrupts = watchInterrupts(
    {
      onAbort: () => {
        reporter.emit({
          kind: 'warning',
          code: null,
          message: 'interrupted',
          hint: 'again to stop at once',
        });
      },
      onStop: () => {
        stopAtOnce(reporter);
      },
    },
    io.env,
  );
  try {
    return await work(interrupts.signal);
  } finally {
    interrupts.dispose();
  }
}

/** The journal is durable at every moment, so leaving in the middle of anything is safe. */
function stopAtOnce(reporter: Reporter): never {
  reporter.failed({
    code: 'interrupted',
    exit: EXIT.interrupted,
    what: 'stopped before its end',
    serves: 'what served last; nothing was taken from it',
    next: 'run docker-deploy-bg status; the next command goes on from here',
    details: [],
  });
  process.exit(EXIT.interrupted);
}
