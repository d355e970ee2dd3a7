import type { GateEvent } from './check-events.ts';
import type { Millis } from './observed.ts';
import type { RolloutVerb } from './record.ts';
import type { Steering } from './steer.ts';
import type { State } from './state.ts';

/** What the engine code tells whoever watches. Reporters show it; engine code never prints. */
export type ProgressEvent =
  | { readonly kind: 'warning'; readonly code: string | null; readonly message: string; readonly hint: string | null }
  /** A phase before the rollout's own steps: reading compose files, pulling images. */
  | { readonly kind: 'phase'; readonly text: string }
  | ({ readonly kind: 'fetching' } & Fetching)
  /** The project is this command's alone from here on; `verb` is what it is called in the lock, `deploy v2`. */
  | { readonly kind: 'lock-taken'; readonly verb: string; readonly waitedMs: Millis }
  | {
      readonly kind: 'rollout-started';
      readonly rollout: string;
      readonly verb: RolloutVerb;
      readonly project: string;
      readonly from: string | null;
      readonly to: string | null;
      readonly color: string | null;
      readonly steps: readonly string[];
      readonly continued: boolean;
    }
  /** Another process has been told: to run a rollout that was accepted here, or to do something with one that it runs. */
  | { readonly kind: 'ordered'; readonly rollout: string; readonly order: 'run' | Steering }
  | { readonly kind: 'step-started'; readonly index: number; readonly total: number; readonly text: string }
  | {
      readonly kind: 'step-finished';
      readonly index: number;
      readonly total: number;
      readonly text: string;
      readonly ms: Millis;
    }
  /** A wait begins or its subject changes; `until` is null only for a wait that a person ends. */
  | { readonly kind: 'waiting'; readonly what: string; readonly until: Millis | null }
  | {
      readonly kind: 'container';
      readonly service: string;
      readonly container: string;
      readonly change: 'created' | 'probed' | 'ready' | 'failed' | 'draining' | 'removed';
      readonly detail: string | null;
    }
  | { readonly kind: 'weight'; readonly weight: number; readonly to: string | null }
  | {
      readonly kind: 'drained';
      readonly container: string;
      readonly inFlightAtSwitch: number;
      readonly finished: number;
      readonly cut: number;
      readonly ms: Millis;
    }
  /** The rollout turned back; `details` hold the evidence (exit code, health log, last log lines). */
  | { readonly kind: 'failure'; readonly message: string; readonly details: readonly string[] }
  | {
      readonly kind: 'finished';
      readonly rollout: string;
      readonly state: State;
      readonly version: string | null;
      readonly color: string | null;
      readonly message: string | null;
      readonly ms: Millis;
      /** For how long nobody served, because both releases must not run at once; null if somebody always did. */
      readonly downMs: Millis | null;
    }
  | GateEvent;

/** How far the image of a service has come from its registry. */
export interface Fetching {
  readonly service: string;
  readonly doing: 'downloading' | 'unpacking';
  readonly doneBytes: number;
  /** Null until every layer has said how large it is. */
  readonly totalBytes: number | null;
}

export type EventSink = (event: ProgressEvent) => void;
