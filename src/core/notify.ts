import type { Millis } from './observed.ts';
import type { NoticeLevel } from './notice.ts';

/** Whom to tell about a rollout (DESIGN section 4, `notify`); times in milliseconds. */
export interface NotifyTarget {
  /** Secret. */
  readonly url: string;
  /** Notices of this level and above. */
  readonly on: NoticeLevel;
  readonly format: 'json' | 'slack';
  /** For one try. */
  readonly timeoutMs: Millis;
  /** Further tries after the first. */
  readonly retries: number;
}
