import { call, type Outcome } from './call.ts';
import { userFlags, type ComposeOptions } from './options.ts';

/** No real version: it shows which services depend on it. Valid in an image reference. */
const SENTINEL = 'deploy-bg-sentinel';

/** What Compose makes of the user's files for a version, and for another one to compare it with; not parsed yet. */
export interface Resolution {
  readonly version: string;
  /** The variable that carried the version. */
  readonly versionEnv: string;
  readonly base: Outcome;
  readonly sentinel: Outcome;
}

/** Both calls at once. Loads nothing but what calling needs, so that the rest of the program loads while they run. */
export async function resolveBoth(options: ComposeOptions, versionEnv: string, version: string): Promise<Resolution> {
  const resolved = (value: string) => config(options, userFlags(options), { [versionEnv]: value });
  const [base, sentinel] = await Promise.all([resolved(version), resolved(SENTINEL)]);
  return { version, versionEnv, base, sentinel };
}

/** `compose config`, as YAML. */
export function config(
  options: ComposeOptions,
  flags: readonly string[],
  env: Readonly<Record<string, string>>,
  input?: string,
): Promise<Outcome> {
  return call({
    command: options.compose,
    args: [...flags, 'config'],
    cwd: options.cwd,
    env: { ...options.env, ...env },
    ...(input === undefined ? {} : { input }),
  });
}
