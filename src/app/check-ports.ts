import type { CheckSpec, Raw } from '../core/checks.ts';
import type { AccessRecord } from '../core/figures.ts';
import type { Millis, ObservedContainer } from '../core/observed.ts';
import type { FrozenRelease } from './ports.ts';

/** What a measurement may look at besides its check. */
export interface CheckContext {
  /** Whose check it is. */
  readonly service: string;
  /** The candidate's replicas of that service, in any state. */
  readonly containers: readonly ObservedContainer[];
  /** What a container of the candidate's image is made from; its frozen file is written. */
  readonly frozen: FrozenRelease;
  /** `builtin` counts what the proxy answered from then on. */
  readonly since: Millis;
  /** Variables for commands: `commandEnvironment` of core/hooks.ts. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Measures once; judges nothing. Never throws: what goes wrong is an error of the measurement. */
export interface Checker {
  /** Ends at the check's timeout, or soon after the signal fires, as an error. */
  measure(spec: CheckSpec, context: CheckContext, signal: AbortSignal): Promise<Raw>;
}

/** What the proxy says of the requests that it answered. */
export interface AccessLog {
  /**
   * Requests that ended at that moment or later, in any order; soon after the signal fires nobody waits for them.
   * @throws DeployError if the log cannot be read
   */
  since(moment: Millis, signal: AbortSignal): Promise<readonly AccessRecord[]>;
}
