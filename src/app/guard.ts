import { DeployError } from '../core/errors.ts';
import type { NotifyTarget } from '../core/notify.ts';
import { redact, redactWords } from '../core/redact.ts';
import type { Notices, Ports } from './ports.ts';

/** What has to be known of a project before anything is said about it. */
export interface Guarding {
  readonly project: string;
  readonly notify: readonly NotifyTarget[];
  readonly secrets: readonly string[];
}

/** Ports whose events hold no secret, and reach the receivers of notices as well. */
export function guarded(
  ports: Ports,
  { project, notify, secrets }: Guarding,
): Pick<Notices, 'close'> & { readonly ports: Ports } {
  const notices = notify.length === 0 ? null : ports.notices(project, notify, secrets);
  return {
    ports: {
      ...ports,
      emit: (event) => {
        const clean = redactWords(event, secrets);
        ports.emit(clean);
        notices?.emit(clean);
      },
    },
    close: async () => notices?.close(),
  };
}

/** The same error without secrets in what people read of it, and in what they read with --debug. */
export function withoutSecrets(error: unknown, secrets: readonly string[]): unknown {
  const clean = (text: string): string => redact(text, secrets);
  if (!(error instanceof DeployError)) return error instanceof Error ? cleanDefect(error, secrets) : error;
  return new DeployError(error.code, {
    what: clean(error.message),
    serves: error.serves === null ? undefined : clean(error.serves),
    next: clean(error.next),
    details: error.details.map(clean),
    cause: withoutSecrets(error.cause, secrets),
  });
}

/** A defect, or a cause: its message and its stack are all that is ever shown of it. */
function cleanDefect(error: Error, secrets: readonly string[]): Error {
  const [message, stack] = [error.message, error.stack ?? ''].map((text) => redact(text, secrets));
  const cause = withoutSecrets(error.cause, secrets);
  if (message === error.message && stack === (error.stack ?? '') && cause === error.cause) return error;
  const clean = new Error(message, cause === undefined ? undefined : { cause });
  if (stack !== undefined) clean.stack = stack;
  return clean;
}
