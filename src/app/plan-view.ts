import type { Color } from '../core/color.ts';
import type { Crowd } from '../core/forecast.ts';
import type { Millis } from '../core/observed.ts';
import type { Part } from '../core/parts.ts';
import type { ProxyDriver } from '../core/project.ts';
import type { ReadableRoute } from '../core/route-diff.ts';
import type { ImageSource } from './ports.ts';

/**
 * What a deploy would do, as plain data. `plan --json` prints exactly this (docs/plan.md), so fields are added and never
 * renamed. Times are milliseconds and sizes bytes; what is not known is null and never left out.
 */
export interface Plan {
  readonly project: string;
  readonly version: string;
  readonly state: 'planned' | 'nothing-to-do';
  /** In a sentence. */
  readonly message: string;
  /** What serves now; null if nothing does. */
  readonly from: PlanSide | null;
  readonly to: PlanSide;
  readonly services: readonly ServicePlan[];
  /** Services that deploys do not replace, and why. */
  readonly shared: readonly SharedPlan[];
  /** As the executor runs them and progress shows them. */
  readonly steps: readonly StepPlan[];
  readonly time: TimePlan;
  /** Services whose old and new containers run at the same time, more than now: the moment at which most of them do. */
  readonly twice: readonly Crowd[];
  readonly memory: MemoryPlan;
  readonly disk: DiskPlan;
  readonly proxy: ProxyPlan;
  /** What comes before the plan, and may make it another one. */
  readonly notes: readonly string[];
  /** What the host may be short of. */
  readonly shortages: readonly string[];
}

export interface PlanSide {
  readonly version: string | null;
  readonly color: Color | null;
}

export interface ServicePlan extends Part {
  readonly image: ImagePlan | null;
}

export interface ImagePlan {
  readonly reference: string;
  readonly source: ImageSource;
}

/** True if it is here only when it has been pulled or built, and may be another one then. */
export function isFetched(image: ImagePlan | null): boolean {
  return image !== null && image.source !== 'here' && image.source !== 'missing';
}

export interface SharedPlan {
  readonly service: string;
  readonly why: string;
  /** It does not run, or is not healthy: the deploy starts it first. */
  readonly starts: boolean;
}

export interface StepPlan {
  readonly text: string;
  /** 0 for a step that waits for nothing; null if it has no end of its own. */
  readonly atMostMs: Millis | null;
  /** What ends a step that has no end of its own. */
  readonly until: string | null;
}

export interface TimePlan {
  /** All steps together, without those that have no end of their own. */
  readonly atMostMs: Millis;
  /** The same up to the step that makes the new version the one that serves; what is left then is to take the old one away. */
  readonly completeMs: Millis;
  /** What ends those. */
  readonly until: readonly string[];
}

export interface MemoryPlan {
  /** What the services take more than now, where they take most; null if nothing of it is known. */
  readonly neededBytes: number | null;
  /** Services of whose further containers nobody knows what they take. */
  readonly notKnown: readonly string[];
  /** Of the engine's host. */
  readonly totalBytes: number | null;
  readonly availableBytes: number | null;
}

export interface DiskPlan {
  /** For images that are to be pulled or built; 0 if there are none. */
  readonly neededBytes: number | null;
  readonly folder: string | null;
  readonly freeBytes: number | null;
}

export interface ProxyPlan {
  readonly driver: ProxyDriver;
  /** Its routes now, by its own word; null if it cannot be asked. */
  readonly before: readonly ReadableRoute[] | null;
  /** Its routes in the end. */
  readonly after: readonly ReadableRoute[];
  /** From one to the other, as a unified diff. */
  readonly diff: readonly string[];
  /** Whether it reloads its configuration on the way. */
  readonly reload: boolean | null;
  /** Why it cannot be asked. */
  readonly reason: string | null;
}
