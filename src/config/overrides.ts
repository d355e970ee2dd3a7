/** What a person typed for one command: it wins over the compose files (DESIGN section 4, precedence). */
export interface Overrides {
  /** `HEALTH_CHECK_TIMEOUT`: the progress deadline of every service, milliseconds. */
  readonly healthCheckTimeoutMs?: number;
  /** `DRAIN_TIMEOUT`: the drain timeout of every service, milliseconds. */
  readonly drainTimeoutMs?: number;
}
