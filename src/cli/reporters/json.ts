import type { Io } from '../io.ts';
import type { Reporter } from './reporter.ts';

/** NDJSON: every event and error as one line on stderr, the outcome as one line on stdout. */
export function createJsonReporter(io: Io): Reporter {
  const line = (value: object): string => `${JSON.stringify({ time: new Date(io.now()).toISOString(), ...value })}\n`;
  return {
    emit: (event) => {
      io.stderr.write(line(event));
    },
    failed: (error) => {
      io.stderr.write(line({ kind: 'error', ...error }));
    },
    outcome: (outcome) => {
      io.stdout.write(line({ kind: 'outcome', ...outcome }));
    },
    settle: () => undefined,
  };
}
