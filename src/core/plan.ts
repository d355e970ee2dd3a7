import type { Color } from './color.ts';
import { formatDuration } from './duration.ts';
import type { HookMoment } from './hooks.ts';
import { matchText } from './match.ts';
import type { Match, Millis, RouteState } from './observed.ts';
import type { CheckUse } from './service-checks.ts';

/** The two releases of a rollout. */
export type SideName = 'stable' | 'candidate';

/** One item of a compiled plan. Strategies are nothing but different lists of these. */
export type Step =
  /** Remove what still holds the color that the candidate needs. */
  | { readonly kind: 'clear' }
  | SharedStep
  /** The proxy's files exist, so that a proxy that is started next finds them. */
  | { readonly kind: 'prepare' }
  /** The proxy works by our files, with the traffic where it is now. */
  | { readonly kind: 'wire' }
  /** A one-shot service of the candidate exits with 0; an optional one may fail. */
  | { readonly kind: 'run'; readonly service: string; readonly optional?: true }
  /** That many replicas of a service exist on a side. */
  | { readonly kind: 'create'; readonly side: SideName; readonly service: string; readonly replicas: number }
  /** All replicas of these services are ready, or their failures are tolerated. */
  | {
      readonly kind: 'ready';
      readonly side: SideName;
      readonly services: readonly string[];
      /** So many replicas of each are enough; absent: all of them. */
      readonly least?: number;
    }
  /**
   * The proxy sends this share of every route of the color group to the candidate, confirmed by reading back. Replicas
   * that the steps up to the next change of routes remove or stop are left out.
   */
  | { readonly kind: 'weight'; readonly weight: number }
  /** The same with the share as it is: routes follow the replicas that are ready, and leave out those that go next. */
  | { readonly kind: 'routes' }
  /** Requests that match reach the candidate, whatever its weight; null ends it. */
  | { readonly kind: 'match'; readonly match: Match | null }
  /** Until the candidate gets a share of the requests, those that match reach it: by service. */
  | { readonly kind: 'preview'; readonly matches: Readonly<Record<string, Match>> }
  /** So many percent of the requests are copied to the candidate, whose answers nobody sees; 0 ends it. */
  | { readonly kind: 'mirror'; readonly percent: number }
  /** A promotion gate: ends by itself after a time in milliseconds, when a question is answered, or by a person (null). */
  | { readonly kind: 'pause'; readonly ms: Millis | null; readonly until?: CheckUse }
  /** Every one of these checks passes once; the worst result of them decides. */
  | { readonly kind: 'check'; readonly checks: readonly CheckUse[] }
  /** From here on these checks are made beside the steps while the candidate gets requests, until the rollout ends. */
  | { readonly kind: 'watch'; readonly checks: readonly CheckUse[] }
  | HookStep
  /** Nothing happens for a time: `delay` between two batches. */
  | { readonly kind: 'delay'; readonly ms: Millis }
  /** The candidate holds for a time. */
  | { readonly kind: 'monitor'; readonly ms: Millis }
  /** Every replica of these services has been ready for its `monitor` time. */
  | { readonly kind: 'windows'; readonly side: SideName; readonly services: readonly string[] }
  /** The point of no return: the candidate is the stable release from here on. */
  | { readonly kind: 'complete' }
  /** The old release stays, without traffic, for an instant way back. */
  | { readonly kind: 'hold'; readonly ms: Millis }
  /** Nothing is in flight on the replicas of these services that left the router. */
  | { readonly kind: 'drain'; readonly side: SideName; readonly services: readonly string[] }
  /** Stop and remove a side, callers before the called. */
  | { readonly kind: 'remove'; readonly side: SideName; readonly services: readonly string[] }
  /** Stop a side and keep its containers, callers before the called; nobody serves from here on (recreate). */
  | { readonly kind: 'stop'; readonly side: SideName; readonly services: readonly string[] }
  /** Remove replicas above a number; they left the router before. */
  | ShrinkStep;

/** Shared services run and are healthy; they are never touched otherwise. */
export interface SharedStep {
  readonly kind: 'shared';
  readonly services: readonly string[];
  /** Nothing stops if one of these fails. */
  readonly optional?: readonly string[];
  /** These do not run on: one that has exited with 0 has done its work. */
  readonly jobs?: readonly string[];
}

/** A hook runs to its end. What it runs stands in a release, where this says. */
export interface HookStep extends HookPlace {
  readonly kind: 'hook';
  /** `hookText` of core/hooks.ts. */
  readonly text: string;
}

/** Where a release has a hook. */
export interface HookPlace {
  readonly moment: HookMoment;
  /** Whose release has it: the one that a `run` hook makes its container from. */
  readonly of: SideName;
  /** The service that has it; null for one of the project's. */
  readonly owner: string | null;
  readonly index: number;
}

export interface ShrinkStep {
  readonly kind: 'shrink';
  readonly side: SideName;
  readonly service: string;
  readonly replicas: number;
  /** Which of the good replicas go first; bad ones go before them. */
  readonly first: 'lowest' | 'highest';
  /** One replica more stays for each failed slot of the other side, so that no fewer serve than before. */
  readonly sparing: boolean;
}

export type StepKind = Step['kind'];
export type StepOf<K extends StepKind> = Extract<Step, { kind: K }>;

/** What the executor can do. Each is safe to repeat: what is done already is observed, not remembered. */
export type Action =
  | { readonly kind: 'start-shared'; readonly service: string }
  | { readonly kind: 'run'; readonly service: string }
  /** `total` is all replicas that exist plus those to be created, as `up --scale` counts. */
  | { readonly kind: 'create'; readonly side: SideName; readonly service: string; readonly total: number }
  | { readonly kind: 'start'; readonly containers: readonly string[] }
  /** Stop as `remove` does, and keep them so that not even a restart of the engine starts them. */
  | { readonly kind: 'stop'; readonly containers: readonly string[] }
  /** Write the proxy's files for a proxy that may not run yet. */
  | { readonly kind: 'prepare'; readonly routes: readonly RouteState[] }
  | { readonly kind: 'route'; readonly weight: number; readonly routes: readonly RouteState[] }
  /** Stop (pre_stop, signal, grace) and remove, all of them at once. */
  | { readonly kind: 'remove'; readonly containers: readonly string[]; readonly graceful: boolean }
  /** Networks of a color whose last container is gone. */
  | { readonly kind: 'remove-networks'; readonly side: SideName }
  /** `.deployment-color` names the live color from here on; null: no color is live. */
  | { readonly kind: 'set-color'; readonly color: Color | null }
  /** Begin a hook; its end comes as an event. */
  | ({ readonly kind: 'hook' } & HookPlace);

export type ActionKind = Action['kind'];
export type ActionOf<K extends ActionKind> = Extract<Action, { kind: K }>;

/** One line for people and tests: `create web ×2 (candidate)`. */
export function stepText(step: Step): string {
  switch (step.kind) {
    case 'clear':
      return 'clear the color of leftovers';
    case 'shared':
      return `shared services healthy: ${step.services.join(', ')}`;
    case 'prepare':
      return 'proxy files in place';
    case 'wire':
      return 'proxy reads our files';
    case 'run':
      return `run ${step.service} once`;
    case 'create':
      // Of the stable side most are there still.
      return `${step.side === 'stable' ? 'restore' : 'create'} ${step.service} ×${String(step.replicas)} (${step.side})`;
    case 'ready':
      return `ready: ${step.services.join(', ')}${step.least === undefined ? '' : ` ×${String(step.least)}`} (${step.side})`;
    case 'weight':
      return `weight ${String(step.weight)}`;
    case 'routes':
      return 'routes follow the replicas';
    case 'match':
      return step.match === null ? 'match nothing' : `match ${matchText(step.match)}`;
    case 'preview':
      return previewText(step);
    case 'mirror':
      return step.percent === 0 ? 'mirror nothing' : `mirror ${String(step.percent)} %`;
    case 'pause':
      return pauseText(step);
    case 'check':
    case 'watch':
      return `${step.kind} ${step.checks.map(({ policy }) => policy.name).join(', ')}`;
    case 'hook':
      return `hook ${step.moment}: ${step.text}`;
    case 'delay':
      return `delay ${formatDuration(step.ms)}`;
    case 'windows':
      return `monitor ${step.services.join(', ')} (${step.side})`;
    case 'monitor':
      return `monitor ${formatDuration(step.ms)}`;
    case 'complete':
      return 'complete';
    case 'hold':
      return `hold ${formatDuration(step.ms)}`;
    case 'drain':
      return `drain ${step.services.join(', ')} (${step.side})`;
    case 'remove':
      return `remove ${step.services.join(', ')} (${step.side})`;
    case 'stop':
      return `stop ${step.services.join(', ')} (${step.side}): nothing serves until the candidate does`;
    case 'shrink':
      return `shrink ${step.service} to ${String(step.replicas)} (${step.side})`;
  }
}

function pauseText({ ms, until }: StepOf<'pause'>): string {
  if (until !== undefined) return 'pause until its URL says so';
  return ms === null ? 'pause until promoted' : `pause ${formatDuration(ms)}`;
}

function previewText({ matches }: StepOf<'preview'>): string {
  const ways = Object.entries(matches).map(([service, match]) => `${service} by ${matchText(match)}`);
  return `preview of ${ways.join('; ')}`;
}
