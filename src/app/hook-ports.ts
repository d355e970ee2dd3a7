import type { HookMoment, HookSpec } from '../core/hooks.ts';
import type { ObservedContainer } from '../core/observed.ts';
import type { FrozenRelease } from './ports.ts';

/** Where and how a hook runs. */
export interface HookContext {
  readonly moment: HookMoment;
  /** Its variables: `commandEnvironment` of core/hooks.ts. */
  readonly environment: Readonly<Record<string, string>>;
  /** The project directory: commands of the host run there. */
  readonly directory: string;
  /** The release whose new image a `run` hook uses; null where none of the project's can be used. */
  readonly frozen: FrozenRelease | null;
  /** Containers of the service that an `exec` hook names, on the side of `EXEC_SIDE`; the running ones are used. */
  readonly containers: readonly ObservedContainer[];
  /** Each line that the hook prints, as it comes. */
  readonly onLine: (line: string) => void;
}

/** How a hook ended. */
export interface HookResult {
  readonly ok: boolean;
  /** Null if it did not end by itself. */
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  /** For people: `exit code 3`, `did not end within 5m`. */
  readonly text: string;
  /** Its last lines, oldest first. */
  readonly tail: readonly string[];
}

/** Runs one hook to its end. Never throws: what goes wrong is a hook that failed. */
export interface HookRunner {
  /** Ends at the hook's timeout, or soon after the signal fires. */
  run(hook: HookSpec, context: HookContext, signal: AbortSignal): Promise<HookResult>;
}
