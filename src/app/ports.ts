import type { NotifyTarget } from '../core/notify.ts';
import type { Color } from '../core/color.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { EventSink, Fetching } from '../core/events.ts';
import type { GivenTimes } from '../core/times.ts';
import type { Millis, ObservedContainer, ProbeReading, RouterReading, RouteState } from '../core/observed.ts';
import type { Diagnostic, PreStopHook, ProbeSpec, Project, ProxySpec } from '../core/project.ts';
import type { Release } from '../core/release.ts';
import type { RecordEvent, RolloutRecord } from '../core/record.ts';
import type { Action } from '../core/plan.ts';
import type { Steering } from '../core/steer.ts';
import type { Checker } from './check-ports.ts';
import type { HookRunner } from './hook-ports.ts';

/**
 * What the use cases need from the world. Adapters implement these; only the composition roots build them.
 * Every method may throw a DeployError; anything else that it throws is treated as a defect.
 */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): Millis;
  /** Resolves after `ms`, or at once when the signal fires. Never rejects. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface ImageInfo {
  readonly id: string;
  /** When the engine gave it a tag last; null if it never did. */
  readonly taggedAt: Millis | null;
  /** What registries know it by, `sha256:…`; empty for one that was only built here. */
  readonly digests: readonly string[];
}

/** The Docker engine, without Compose. */
export interface Engine {
  /** @throws engine-unreachable */
  ping(): Promise<void>;
  /** Containers of the user's project and of its colors, every state, fresh from inspect. */
  containers(project: string): Promise<readonly ObservedContainer[]>;
  /** Calls back within milliseconds of anything that happens to a container of the project; returns when listening. */
  watch(project: string, changed: () => void, signal: AbortSignal): Promise<void>;
  /** Runs the hooks, then the stop signal, waits for the grace period, then kills. A stopped or missing one is fine. */
  stop(
    container: string,
    options: { readonly graceMs: number; readonly preStop: readonly PreStopHook[] },
  ): Promise<void>;
  start(container: string): Promise<void>;
  /** Stops it, with so long to end by itself, and starts it again. */
  restart(container: string, graceMs: Millis): Promise<void>;
  /** Starts, all at once, the containers of a Compose service that were created and never started. */
  startCreated(composeProject: string, composeService: string): Promise<void>;
  /** Restart policy of a container, as Compose writes it: `no`, `always`, `unless-stopped`, `on-failure:3`. */
  setRestart(container: string, policy: string): Promise<void>;
  /** Removes a container with its anonymous volumes, killing it if it runs; a missing one is fine. */
  remove(container: string): Promise<void>;
  /** The last lines of both streams, oldest first. */
  logTail(container: string, lines: number): Promise<readonly string[]>;
  /** The same with the time of each, also since a moment. */
  lastLines(container: string, options: Omit<LogOptions, 'signal'>): Promise<readonly ContainerLine[]>;
  /** The same and what comes, until the container ends or the signal fires. */
  followedLines(container: string, options: LogOptions): AsyncIterable<ContainerLine>;
  /** What the engine stops a container with: SIGTERM, unless its image or its service say something else. */
  stopSignal(container: string): Promise<string>;
  /** What the health check printed last, newest last; empty without a health check. */
  healthLog(container: string): Promise<readonly string[]>;
  image(reference: string): Promise<ImageInfo | null>;
  tag(image: string, reference: string): Promise<void>;
  untag(reference: string): Promise<void>;
  /** Local tags of the form `deploy-bg/<project>/…`. */
  pinnedTags(project: string): Promise<readonly string[]>;
  /** Compose projects among these that have networks of their own. */
  composeProjectsWithNetworks(composeProjects: readonly string[]): Promise<readonly string[]>;
  /** Removes the networks that Compose created for this Compose project; those in use stay. */
  removeNetworks(composeProject: string): Promise<void>;
  /** What the engine says of the machine that it is on. */
  machine(): Promise<EngineMachine>;
  /** Bytes of memory that a container has now; null where the engine does not say. */
  memoryOf(container: string): Promise<number | null>;
}

/** What is null the engine does not say. */
export interface EngineMachine {
  readonly memoryBytes: number | null;
  /** Where it keeps images. */
  readonly dataRoot: string | null;
}

export interface LogOptions {
  /** How many of those that there are. */
  readonly tail: number | 'all';
  readonly since: Millis | null;
  readonly signal: AbortSignal;
}

/** A line that a container wrote. */
export interface ContainerLine {
  readonly at: Millis;
  /** The same as the engine writes it, to the nanosecond: in the order of its texts. */
  readonly stamp: string;
  readonly text: string;
}

/** The machine that the containers run on, as far as it can be seen from here. */
export interface Host {
  /** True if a process asks for a signal (SIGTERM); null if that is not to be seen. */
  hears(pid: number, signal: string): Promise<boolean | null>;
  /** Room on the disk of a folder for whoever we are; null if that is not to be seen. */
  freeBytes(path: string): Promise<number | null>;
  /** Memory of this machine, and what of it is left; null if that is not to be seen. */
  memory(): Promise<HostMemory | null>;
}

export interface HostMemory {
  readonly totalBytes: number;
  readonly availableBytes: number;
}

/** Where images come from. */
export interface Registry {
  /** What an image's name stands for there now, `sha256:…`. @throws registry-unreachable, registry-refused, image-missing */
  digest(reference: string, signal: AbortSignal): Promise<string>;
  /** All tags of an image's repository. @throws registry-unreachable, registry-refused, image-missing */
  tags(reference: string, signal: AbortSignal): Promise<readonly string[]>;
}

export interface PullOptions {
  readonly pull: boolean;
  readonly build: boolean;
  /** Ask the registry even for an image that is here, unless the service forbids it. */
  readonly refresh: boolean;
}

/** Who waits for images. */
export interface FetchWatch {
  readonly signal: AbortSignal;
  readonly fetching: (news: Fetching) => void;
}

/** Where a deploy gets an image from; `pull-or-build`: it is built if it cannot be pulled; `missing`: from nowhere, it is refused. */
export type ImageSource = 'here' | 'pull' | 'build' | 'pull-or-build' | 'missing';

/** Docker Compose: reading the user's files, and creating containers from frozen ones. */
export interface Compose {
  /** Resolves and validates the project for a version. @throws invalid-config with every finding, compose-rejected, compose-missing */
  read(version: string): Promise<Project>;
  /**
   * Builds and pulls the images of these services by their pull policy.
   * @throws image-missing, registry-refused, registry-unreachable; also if the signal fires
   */
  fetchImages(project: Project, services: readonly string[], options: PullOptions, watch: FetchWatch): Promise<void>;
  /** Where `fetchImages` would get the image of a service from. Fetches nothing. */
  imageSource(project: Project, service: string, options: PullOptions): Promise<ImageSource>;
  /** Shared services that run as something else than the file says (W07), with the line that mends it. */
  sharedDrift(project: Project, containers: readonly ObservedContainer[]): Promise<readonly Diagnostic[]>;
  /** Starts one shared service from the user's own files; an existing container is never recreated. */
  startShared(project: Project, service: string): Promise<void>;
  /** What a service of a release is made of, hashed: definition, image id, contents of its secrets and configs. Replicas do not count. */
  identity(project: Project, service: string, imageId: string): Promise<string>;
  /**
   * Writes the frozen file of a release on a color (null: the user's own project) into the release's folder.
   * Does the whole color transform of DESIGN section 3. Repeating it gives the same file.
   */
  freeze(frozen: FrozenRelease): Promise<void>;
  /** `up` of one service at a total scale; existing containers are left alone. Says whether new ones are started. */
  up(frozen: FrozenRelease, service: string, total: number): Promise<'started' | 'created'>;
  /** Runs a one-shot to its end. @throws rollout-failed with its exit code and last lines */
  runOnce(frozen: FrozenRelease, service: string): Promise<void>;
}

/** A release on its way to or in a place; everything Compose needs to create containers of it. */
export interface FrozenRelease {
  readonly release: Release;
  readonly color: Color | null;
  readonly rollout: string;
  readonly store: string;
  /** Folder of the release in the store; the frozen file is written into it. */
  readonly folder: string;
  /** The directory relative paths (bind mounts) belong to. */
  readonly projectDirectory: string;
  /** Names of services that are neither colored nor one-shots, in the user's project. */
  readonly shared: readonly string[];
}

/** The agent of this project, as other processes reach it. */
export interface Agent {
  /** It is there, can read the state and reaches the engine. @throws agent-unreachable */
  ping(): Promise<void>;
  /** What it says of itself. @throws agent-unreachable */
  about(): Promise<AboutAgent>;
}

export interface AboutAgent {
  readonly version: string;
  /** When it began, ISO 8601. */
  readonly since: string;
  /** When its next update begins, ISO 8601; null if none does. */
  readonly next: string | null;
}

/** Where a router's proxy is, and whom to ask. */
export interface RouterTarget {
  readonly spec: ProxySpec;
  readonly project: string;
}

/** The proxy driver. Its state is its files and what the proxy answers; it keeps nothing in memory between calls. */
export interface Router {
  /**
   * What has to be there before a rollout begins, and cannot be brought by it: a proxy on this machine that runs and
   * listens to us. @throws proxy-unreachable, not-possible
   */
  require(): Promise<void>;
  /**
   * Files exist and are valid for these routes before the proxy first starts. Touches nothing that is
   * already routed as wanted, and does not need a running proxy.
   */
  prepare(routes: readonly RouteState[]): Promise<void>;
  /**
   * Makes the proxy work by exactly these routes and returns when a new connection proves it (nginx: and when
   * kept connections of the old workers are served by the new ones, or gone). On any failure the previous files are back in place.
   * @throws proxy-rejected with the proxy's words, proxy-not-wired, proxy-unreachable
   */
  apply(routes: readonly RouteState[]): Promise<void>;
  /** Looks whether the running proxy uses our files as they are. @throws as `apply` does, and changes nothing */
  check(routes: readonly RouteState[]): Promise<void>;
  /** What the proxy itself says it does now. Never throws for an unreachable proxy: that is `unreadable`. */
  read(): Promise<RouterReading>;
  /**
   * Whether the proxy has to reload its configuration on its way through these routes; null where that cannot be known.
   * Asks the proxy, and writes nothing.
   */
  reloads(turns: readonly (readonly RouteState[])[]): Promise<boolean | null>;
  /**
   * Where the proxy, its files and what was written into them do not fit together, for people: files changed by hand,
   * a proxy that works by others. Never throws; a proxy that does not answer has none.
   */
  faults(): Promise<readonly string[]>;
  /** So far apart have two readings of requests in flight to be, to count as two (DESIGN section 8). */
  readonly readingsApartMs: Millis;
  /** Requests in flight by container id, by the proxy's or the kernel's evidence; null where there is none to be had. */
  inFlight(containers: readonly ObservedContainer[]): Promise<Readonly<Record<string, number | null>>>;
  /** Name and reason of anything about the running proxy that will cost something: too old, addresses instead of names. */
  warnings(): Promise<readonly { readonly code: string; readonly message: string; readonly hint: string }[]>;
}

/** One HTTP health question to a container, from where the proxy stands. Never throws. */
export interface Prober {
  probe(container: ObservedContainer, spec: ProbeSpec): Promise<ProbeReading>;
}

/** Receivers of notices, told of events beside a rollout, which does not depend on them. */
export interface Notices {
  readonly emit: EventSink;
  /** Waits for those under way, for a while, and gives up the rest. */
  readonly close: () => Promise<void>;
}

/** A line of the journal. `intent` is durable before its action begins; `result` follows when it ended. */
export type JournalEntry =
  | { readonly kind: 'accepted'; readonly at: Millis; readonly record: RolloutRecord }
  | { readonly kind: 'event'; readonly at: Millis; readonly rollout: string; readonly event: RecordEvent }
  | { readonly kind: 'intent'; readonly at: Millis; readonly rollout: string; readonly action: Action }
  | {
      readonly kind: 'result';
      readonly at: Millis;
      readonly rollout: string;
      readonly action: Action['kind'];
      readonly error: string | null;
    }
  /** The process that ran it leaves it as it is: completed, back, paused or held. The error is what it ended with. */
  | { readonly kind: 'rested'; readonly at: Millis; readonly rollout: string; readonly error: RestError | null };

/** How a rollout ended for the process that ran it, so that whoever follows it can say the same. */
export interface RestError {
  readonly code: ErrorCode;
  readonly what: string;
  readonly next: string;
  readonly details: readonly string[];
}

/** Where a reader of the journal stands. */
export interface JournalPosition {
  /** Which file it was: folding the journal makes a new one. */
  readonly file: number;
  readonly offset: number;
}

export interface JournalReading {
  readonly entries: readonly JournalEntry[];
  readonly position: JournalPosition;
}

/** A holder of the lock that has not been heard of for this long is dead (DESIGN section 9). */
export const LEASE_MS = 10_000;

/** What the agent is called while it tells the proxy of replicas that came or went: a moment, which others wait for. */
export const FOLLOWING = 'following replicas';

export interface LockHolder {
  readonly who: string;
  readonly verb: string;
  readonly since: Millis;
}

/** The right to change the project, as long as it is renewed. */
export interface Lock {
  readonly epoch: number;
  /** @throws superseded if another process has taken over */
  check(): Promise<void>;
  release(): Promise<void>;
}

export interface Store {
  /** Makes the folder that all of it is in, for its owner alone. @throws state-unwritable */
  prepare(): Promise<void>;
  /** Identifies this checkout in labels. */
  id(): Promise<string>;
  /** Content of `.deployment-color`; null if absent. @throws state-unreadable if it holds anything else */
  color(): Promise<Color | null>;
  setColor(color: Color | null): Promise<void>;
  /** Seen by every process when it resolves; what is accepted, intended or ended is durable then, too. */
  append(entry: JournalEntry): Promise<void>;
  /** All rollouts, oldest first, each the fold of its entries. @throws state-unreadable */
  rollouts(): Promise<readonly RolloutRecord[]>;
  /**
   * The journal's entries after a position, oldest first; all of them for null, and if the journal was folded since
   * (finished rollouts become one entry each). @throws state-unreadable
   */
  entries(after: JournalPosition | null): Promise<JournalReading>;
  /** Calls back when entries may have come, until the signal fires. */
  watchJournal(changed: () => void, signal: AbortSignal): void;
  saveRelease(release: Release): Promise<void>;
  release(id: string): Promise<Release | null>;
  /** Oldest first. */
  releases(): Promise<readonly Release[]>;
  removeRelease(id: string): Promise<void>;
  releaseFolder(id: string): string;
  /** @throws locked with holder and since when */
  lock(holder: LockHolder): Promise<Lock>;
  /** Who holds the lock now; null if nobody does. */
  holder(): Promise<LockHolder | null>;
  /** Leaves a request for the process that holds the lock; durable when it resolves. */
  addRequest(verb: Steering): Promise<void>;
  /** The oldest request, which is gone then; null if there is none. */
  takeRequest(): Promise<Steering | null>;
  /** Calls back when a request may have come, until the signal fires. */
  watchRequests(changed: () => void, signal: AbortSignal): Promise<void>;
  /** Removes everything that is ours from the project folder. */
  erase(): Promise<void>;
}

export interface Ids {
  release(): string;
  rollout(): string;
}

/** Everything a use case is handed. Built by cli/context.ts and agent/main.ts only. */
export interface Ports {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly engine: Engine;
  readonly host: Host;
  readonly compose: Compose;
  readonly registry: Registry;
  /** A driver for the proxy of this project. */
  readonly router: (target: RouterTarget) => Router;
  readonly prober: Prober;
  /** Measures what the checks of a project ask, also of this proxy. */
  readonly checker: (target: RouterTarget) => Checker;
  readonly hooks: HookRunner;
  /** Tells the receivers of a project's notices; words without these secrets. */
  readonly notices: (project: string, targets: readonly NotifyTarget[], secrets: readonly string[]) => Notices;
  readonly store: Store;
  readonly agent: Agent;
  /** What this command itself knows and nobody is to read: credentials of registries. */
  readonly secrets: readonly string[];
  readonly emit: EventSink;
  /** Fallback poll; `HEALTH_CHECK_INTERVAL`. */
  readonly pollMs: Millis;
  /** Times for what this command begins. */
  readonly times: GivenTimes;
  /** Who we are, for the lock: user, host, pid. */
  readonly who: string;
  /** Fires when this process has to go: a rollout stays where it is, and whoever comes next runs it on. */
  readonly leaving?: AbortSignal;
}
