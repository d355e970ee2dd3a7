import { DeployError, messageOf } from '../../core/errors.ts';
import type { Unreadable } from '../../core/observed.ts';

/** What a proxy's silence says to people: `Caddy does not answer on its socket: …`, and what to do, if the error knows. */
export function unreadable(what: string, error: unknown): Unreadable {
  const reason = `${what}: ${messageOf(error)}`;
  if (!(error instanceof DeployError)) return { kind: 'unreadable', reason };
  return { kind: 'unreadable', reason, code: error.code, cure: error.next };
}
