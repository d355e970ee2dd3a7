import type { Color } from '../core/color.ts';
import type { Millis } from '../core/observed.ts';
import type { Placement, ProxyDriver } from '../core/project.ts';
import type { RolloutVerb } from '../core/record.ts';
import type { PauseReason, State } from '../core/state.ts';

/**
 * What `status` and `history` know, as plain data. `--json` prints exactly this, so fields are added and never renamed.
 * Moments are milliseconds since the epoch; what is not known is null and never left out.
 */

/** What serves now. */
export interface LiveView {
  /** Null for containers of the user's own Compose project: adopted, rolled in place, or given back by reset. */
  readonly color: Color | null;
  readonly version: string | null;
  readonly release: string | null;
  readonly since: Millis | null;
}

/** One service on one side: while a rollout moves, a service has a row for each color it runs in. */
export interface ServiceView {
  readonly name: string;
  readonly placement: Placement;
  readonly color: Color | null;
  readonly wanted: number;
  readonly running: number;
  readonly ready: number;
  readonly image: string;
  readonly version: string | null;
  /** Of the youngest container; null if there is none. */
  readonly ageMs: number | null;
  /** Percent of the route's traffic as the proxy itself reports it; null if the service has no route or the proxy cannot be read. */
  readonly weight: number | null;
  /** Where `weight` comes from. */
  readonly weightSource: 'proxy' | null;
  /** What is wrong with single containers: `shop-green-web-green-2: unhealthy, connection refused`. */
  readonly notes: readonly string[];
}

/** A shared service: started once, never replaced. */
export interface SharedView {
  readonly name: string;
  readonly wanted: number;
  readonly running: number;
  readonly ready: number;
  readonly image: string;
  readonly ageMs: number | null;
  readonly notes: readonly string[];
}

export interface RouterView {
  readonly driver: ProxyDriver;
  /** False if the proxy does not answer; `reason` says why, in the proxy's or engine's words. */
  readonly readable: boolean;
  readonly reason: string | null;
}

export interface StepView {
  /** 1 is the first. */
  readonly index: number;
  readonly total: number;
  readonly text: string;
}

export interface RolloutView {
  readonly id: string;
  readonly verb: RolloutVerb;
  readonly state: State;
  readonly pauseReason: PauseReason | null;
  readonly message: string | null;
  /** Versions; null for adopted containers and for none. */
  readonly from: string | null;
  readonly to: string | null;
  readonly startedAt: Millis;
  readonly endedAt: Millis | null;
  /** For how long nobody served, as recreate has it; null if somebody always did. */
  readonly downMs: Millis | null;
  /** Where it stands; null after its end. */
  readonly step: StepView | null;
}

/** The command that holds the project's lock now. */
export interface HolderView {
  readonly who: string;
  readonly verb: string;
  readonly since: Millis;
}

/** Something that should not be there, with what takes it away. */
export interface LeftoverView {
  readonly kind: string;
  readonly name: string;
  readonly why: string;
  readonly remedy: string;
}

/** Containers, proxy and files do not say the same. */
export interface DisagreementView {
  readonly what: string;
  readonly remedy: string;
}

export interface StatusView {
  readonly project: string;
  /** When it was looked at. */
  readonly at: Millis;
  /** Null before the first deploy, and if nothing runs. */
  readonly live: LiveView | null;
  readonly services: readonly ServiceView[];
  readonly shared: readonly SharedView[];
  readonly router: RouterView;
  readonly lastRollout: RolloutView | null;
  readonly inFlight: HolderView | null;
  readonly leftovers: readonly LeftoverView[];
  readonly disagreements: readonly DisagreementView[];
  /** What `--exit-code` ends with. */
  readonly exit: number;
}

/** A rollout to a release, as `history` lists it. */
export interface HistoryRollout {
  readonly id: string;
  readonly verb: RolloutVerb;
  readonly state: State;
  readonly startedAt: Millis;
  readonly endedAt: Millis | null;
  /** For how long nobody served, as recreate has it; null if somebody always did. */
  readonly downMs: Millis | null;
}

/** A release that can be gone back to, newest first. */
export interface HistoryEntry {
  readonly release: string;
  readonly version: string;
  readonly createdAt: Millis;
  /** True for the release that serves now. */
  readonly live: boolean;
  /** Oldest first. */
  readonly rollouts: readonly HistoryRollout[];
}
