import type { GlobalOptions } from '../globals.ts';
import type { Io } from '../io.ts';
import { endings } from './endings.ts';
import type { Reporter } from './reporter.ts';

/** Errors only, with their evidence; silence means success. A plan that was asked for is a result. */
export function createQuietReporter(globals: GlobalOptions, io: Io): Reporter {
  return {
    emit: () => undefined,
    failed: endings(globals, io).failed,
    outcome: (outcome) => {
      if (outcome.plan !== null) endings(globals, io).outcome(outcome);
    },
    settle: () => undefined,
  };
}
