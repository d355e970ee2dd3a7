import { redact } from '../core/redact.ts';
import { DeployError, ERRORS, EXIT, messageOf, type ErrorCode } from '../core/errors.ts';

/** An error as people and machines get to see it. */
export interface ShownError {
  readonly code: ErrorCode;
  readonly exit: number;
  readonly what: string;
  /** What still serves. */
  readonly serves: string | null;
  readonly next: string;
  readonly details: readonly string[];
}

const UNTOUCHED = 'what served before; nothing was changed';
const LAST = 'what served last; nothing more was done';

/** Whatever was thrown. What is no DeployError is a defect; its stack is of use to nobody but us. */
export function shownError(error: unknown, debug: boolean): ShownError {
  const shown = error instanceof DeployError ? known(error, debug) : defect(error, debug);
  // Where nothing is known of the project yet, a password in a URL is one all the same.
  const clean = (text: string): string => redact(text, []);
  return { ...shown, what: clean(shown.what), next: clean(shown.next), details: shown.details.map(clean) };
}

function known(error: DeployError, debug: boolean): ShownError {
  const { code, exit, message, serves, next, details } = error;
  const stack = debug ? stackOf(error) : [];
  return { code, exit, what: message, serves: serves ?? defaultServes(code), next, details: [...details, ...stack] };
}

function defect(error: unknown, debug: boolean): ShownError {
  const { exit, next } = ERRORS.internal;
  return { code: 'internal', exit, what: messageOf(error), serves: LAST, next, details: debug ? stackOf(error) : [] };
}

/** By the table of exit codes, 2 and 5 promise that nothing was touched; images are fetched before anything is. */
function defaultServes(code: ErrorCode): string {
  const { exit } = ERRORS[code];
  return exit === EXIT.invalid || exit === EXIT.refused || code === 'image-missing' ? UNTOUCHED : LAST;
}

function stackOf(error: unknown): readonly string[] {
  const stack = error instanceof Error ? (error.stack ?? '').split('\n').map((line) => line.trim()) : [];
  const cause = error instanceof Error && error.cause !== undefined ? stackOf(error.cause) : [];
  return [...stack, ...cause];
}
