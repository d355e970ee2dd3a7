import type { GlobalOptions } from '../globals.ts';
import { print, type Io } from '../io.ts';
import { styleFor } from '../style.ts';
import { planView } from '../views/outcome.ts';
import { endings } from './endings.ts';
import type { Reporter } from './reporter.ts';

/** Errors only, with their evidence; silence means success. A plan that was asked for is a result. */
export function createQuietReporter(globals: GlobalOptions, io: Io): Reporter {
  return {
    emit: () => undefined,
    failed: endings(globals, io).failed,
    outcome: ({ plan }) => {
      print(io.stdout, planView(plan, styleFor(io.stdout, io.env, globals.ansi)));
    },
    settle: () => undefined,
  };
}
