import type { ProgressEvent } from '../../core/events.ts';
import type { GlobalOptions } from '../globals.ts';
import { print, type Io } from '../io.ts';
import { styleFor } from '../style.ts';
import { errorView } from '../views/error.ts';
import { outcomeView } from '../views/outcome.ts';
import type { Reporter } from './reporter.ts';

/** How outcomes and errors look to people; the same on a terminal and in a log. */
export interface Endings extends Pick<Reporter, 'outcome' | 'failed'> {
  /** Remembers the evidence of a failure that is on the screen, so that the error leaves it out. */
  readonly saw: (event: ProgressEvent) => void;
}

/** Errors go to stderr, outcomes to stdout. */
export function endings(globals: GlobalOptions, io: Io): Endings {
  const shown = new Set<string>();
  return {
    saw: (event) => {
      if (event.kind === 'failure') event.details.forEach((line) => shown.add(line));
    },
    failed: (error) => {
      const details = error.details.filter((line) => !shown.has(line));
      print(io.stderr, errorView({ ...error, details }, styleFor(io.stderr, io.env, globals.ansi), io.stderr.columns));
    },
    outcome: (outcome) => {
      print(io.stdout, outcomeView(outcome, styleFor(io.stdout, io.env, globals.ansi), io.stdout.columns));
    },
  };
}
