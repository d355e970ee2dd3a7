import type { Outcome } from '../../app/outcome.ts';
import type { EventSink } from '../../core/events.ts';
import type { GlobalOptions, ProgressMode } from '../globals.ts';
import type { Io } from '../io.ts';
import type { ShownError } from '../shown-error.ts';

/** Shows what happens, and how it ended. Progress and errors go to stderr, the outcome to stdout. */
export interface Reporter {
  /** One thing that happened. */
  readonly emit: EventSink;
  /** How a verb ended well. */
  readonly outcome: (outcome: Outcome) => void;
  /** How it ended otherwise. Evidence that was shown already is not repeated. */
  readonly failed: (error: ShownError) => void;
  /** Leaves what is on the screen and gives the cursor back; the next event starts below. Repeatable. */
  readonly settle: () => void;
}

/** The reporter that was asked for; only its own code is loaded. */
export async function createReporter(globals: GlobalOptions, io: Io): Promise<Reporter> {
  switch (resolveMode(globals, io)) {
    case 'tty':
      return (await import('./tty.ts')).createTtyReporter(globals, io);
    case 'json':
      return (await import('./json.ts')).createJsonReporter(io);
    case 'quiet':
      return (await import('./quiet.ts')).createQuietReporter(globals, io);
    case 'plain':
      return (await import('./plain.ts')).createPlainReporter(globals, io);
  }
}

/** `auto` draws on a terminal that can be drawn on, and writes lines everywhere else. */
export function resolveMode(globals: GlobalOptions, io: Io): Exclude<ProgressMode, 'auto'> {
  if (globals.progress !== 'auto') return globals.progress;
  const canDraw = io.stderr.isTTY === true && io.env['TERM'] !== 'dumb' && globals.ansi !== 'never';
  return canDraw ? 'tty' : 'plain';
}
