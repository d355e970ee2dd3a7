import { createHash } from 'node:crypto';

/** Where nginx answers about itself; on a path that only the generated files know. */
export const READ_BACK_PORT = 8089;

/**
 * The same for an nginx on a machine, which others can reach: on an address that only the machine itself has. One for
 * each project, since a machine may have more than one nginx.
 */
export function hostAddress(project: string): string {
  const [a = 0, b = 0] = createHash('sha256').update(project).digest();
  return `127.90.${String(a)}.${String(b)}`;
}

/** Of the relays, on addresses of the loopback. Nothing may listen on all addresses with it: see `relays`. */
export const RELAY_PORT = 8088;
