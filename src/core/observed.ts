import type { Color } from './color.ts';
import type { ErrorCode } from './errors.ts';

/** A moment in milliseconds since the epoch. */
export type Millis = number;

export type ContainerState = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

export type Health = 'none' | 'starting' | 'healthy' | 'unhealthy';

/** A container of the project as the engine shows it now. */
export interface ObservedContainer {
  readonly id: string;
  /** Without the leading slash: this is the name the proxy's files hold. */
  readonly name: string;
  /** Base name of the service (`web`, never `web-green`). */
  readonly service: string;
  /** Null for a container of the user's own project. */
  readonly color: Color | null;
  readonly release: string | null;
  readonly rollout: string | null;
  readonly store: string | null;
  /** A container of `compose run`, not a replica. */
  readonly oneOff: boolean;
  /** Compose's container number. */
  readonly number: number;
  readonly state: ContainerState;
  readonly health: Health;
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  /** Number of restarts by the engine's restart policy. */
  readonly restarts: number;
  readonly createdAt: Millis;
  readonly startedAt: Millis | null;
  readonly finishedAt: Millis | null;
  readonly imageId: string;
  readonly image: string;
  /** What DEPLOY_VERSION in its environment says; null for a container that is not ours. */
  readonly version: string | null;
  /** Compose's config-hash label. */
  readonly configHash: string | null;
  /** Pid of the main process in the engine's pid namespace; null while not running. */
  readonly pid: number | null;
  /** Address by network name, of version 4 where it has one; empty while not running, and on no network. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** One upstream of a route with its relative weight (a whole number > 0). */
export interface Backend {
  readonly container: string;
  readonly port: number;
  readonly weight: number;
}

/** Requests that carry all of these, by name and exact value. */
export interface Match {
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: Readonly<Record<string, string>>;
}

/**
 * Clients keep the side that they got first, and change it only to the candidate's, by a cookie. It counts while both
 * sides are among the backends; before and after, the cookie means nothing.
 */
export interface Sticky {
  readonly cookie: string;
  readonly maxAgeMs: Millis;
  /** The same during one rollout, another one in the next: other clients go first then. Letters, digits, `.`, `_`, `-`. */
  readonly key: string;
  /** Names of containers: the candidate's among the backends. */
  readonly candidates: readonly string[];
}

/** What the proxy should do, or does, with one route. No backends means 503. */
export interface RouteState {
  readonly service: string;
  readonly host: string | null;
  readonly path: string | null;
  readonly backends: readonly Backend[];
  /** Requests that match go to these backends, whatever the weights of the others; absent means that none do. */
  readonly matched?: { readonly match: Match; readonly backends: readonly Backend[] };
  /** So many percent of the requests are also sent to these backends, whose answers nobody sees. */
  readonly mirror?: { readonly percent: number; readonly backends: readonly Backend[] };
  /**
   * Asked for requests that none of the backends could be asked for: the version before, while it is there. No part of
   * what a reading shows; a proxy that holds such requests needs none.
   */
  readonly spare?: readonly Backend[];
  /** Given also while one side serves alone; absent means that every request is on its own. */
  readonly sticky?: Sticky;
}

/**
 * What the proxy itself answers; `unreadable` is not "no routes". A proxy that splits a route into a number of equal
 * `parts` (Caddy: slots) shows shares that differ from the wanted ones by less than one part; null where they are exact.
 */
export type RouterReading =
  { readonly kind: 'routes'; readonly routes: readonly RouteState[]; readonly parts: number | null } | Unreadable;

/** Why the proxy does not answer; the error's code and what to do about it, where those are known. */
export interface Unreadable {
  readonly kind: 'unreadable';
  readonly reason: string;
  readonly code?: ErrorCode;
  readonly cure?: string;
  /** It answers, but has not been told of its files, or is about to be: telling it again settles that. */
  readonly isUnsettled?: true;
}

/** The last answer to our own probe of a container. */
export interface ProbeReading {
  readonly ok: boolean;
  readonly at: Millis;
  /** For people: `200 in 3 ms`, `connection refused`. */
  readonly detail: string;
}

/** Requests in flight in a container that gets no new ones. */
export interface DrainReading {
  readonly inFlight: number;
  /** How many readings in a row said zero; two are the evidence of drained (DESIGN section 8). */
  readonly zeros: number;
  readonly atSwitch: number;
  readonly at: Millis;
}

/** Everything a decision may depend on besides the record and the time. */
export interface Observed {
  readonly containers: readonly ObservedContainer[];
  readonly router: RouterReading;
  /** By container id. */
  readonly probes: Readonly<Record<string, ProbeReading>>;
  /** By container id. */
  readonly drains: Readonly<Record<string, DrainReading>>;
  /** Compose projects of this project (its own and its colors) that have networks. */
  readonly networks: readonly string[];
  /** What `.deployment-color` says. */
  readonly color: Color | null;
  /** The hook that this process runs now; null if it runs none. */
  readonly hook: RunningHook | null;
  /** The last try of each kind of action since the step began. */
  readonly attempts: Readonly<Record<string, Attempt>>;
}

/** A hook whose end is not known yet. */
export interface RunningHook {
  /** By then it has ended, or was ended by its timeout. */
  readonly until: Millis;
}

/** How an action of the current step ended. */
export interface Attempt {
  readonly at: Millis;
  /** Null if it succeeded. */
  readonly error: string | null;
  /** Trying again cannot help. */
  readonly fatal: boolean;
}
