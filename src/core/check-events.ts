import type { OutcomeKind } from './checks.ts';
import type { HookMoment } from './hooks.ts';
import type { Millis } from './observed.ts';
import type { PauseReason } from './state.ts';

/** A measurement as it comes in. */
export interface MeasuredEvent {
  readonly kind: 'measured';
  readonly service: string;
  readonly check: string;
  readonly outcome: OutcomeKind;
  /** The value with its bound, or why there is none; redacted. */
  readonly text: string;
  readonly dryRun: boolean;
}

/** A hook begins, prints a line, or has ended. */
export interface HookEvent {
  readonly kind: 'hook';
  readonly moment: HookMoment;
  /** `hookText` of core/hooks.ts. */
  readonly hook: string;
  readonly change: 'started' | 'printed' | 'succeeded' | 'failed';
  /** The line, or how it ended; null at its begin; redacted. */
  readonly detail: string | null;
}

/** The rollout stands until somebody or something moves it. */
export interface PausedEvent {
  readonly kind: 'paused';
  readonly rollout: string;
  readonly reason: PauseReason;
  readonly message: string;
  /** Null where only a person ends it. */
  readonly until: Millis | null;
}

/** What checks, hooks and pauses add to `ProgressEvent`. */
export type GateEvent = MeasuredEvent | HookEvent | PausedEvent;
