import { DeployError } from '../../core/errors.ts';
import { call } from './call.ts';
import { BRIEF, type ComposeOptions } from './options.ts';

/** `--all-resources`, and services' `x-*` keys in the output of `config` (DESIGN section 3). */
const OLDEST = [2, 27, 0] as const;

/** Compose's version as numbers; its own words where they hold none. @throws compose-missing */
export async function composeVersion(options: ComposeOptions): Promise<readonly number[]> {
  const { compose, cwd, env } = options;
  const outcome = await call({ command: compose, args: ['version', '--short'], cwd, env: { ...BRIEF, ...env } });
  const match = /(\d+)\.(\d+)\.(\d+)/.exec(outcome.stdout);
  if (outcome.ok && match !== null) return match.slice(1).map(Number);
  throw new DeployError('compose-missing', {
    what: `docker compose does not tell its version: ${outcome.stderr.trim().split('\n')[0] ?? ''}`,
  });
}

/** True for the same version and every later one. */
export function isAtLeast(version: readonly number[], oldest: readonly number[]): boolean {
  for (const [index, part] of oldest.entries()) {
    const own = version[index] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}

/** The version itself. @throws compose-missing if it is too old */
export function requireCompose(version: readonly number[]): readonly number[] {
  if (isAtLeast(version, OLDEST)) return version;
  throw new DeployError('compose-missing', { what: `Docker Compose ${version.join('.')} is too old` });
}
