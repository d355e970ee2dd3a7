import type { Changes } from './changes.ts';
import type { Color } from './color.ts';
import type { CompileInput } from './compile.ts';
import { groupStrategy, type GroupStrategy } from './group-plan.ts';
import type { ServiceFacts, Strategy } from './project.ts';
import type { Side } from './record.ts';
import { placeOf } from './sides.ts';

/** What a plan does with a service. */
export type Fate = 'switch' | 'create' | 'replace' | 'scale' | 'remove' | 'run' | 'keep';

/** A service on one side of a plan. */
export interface Copies {
  readonly version: string | null;
  /** Null for the user's own Compose project. */
  readonly color: Color | null;
  readonly replicas: number;
}

/** The part of a service in a plan. */
export interface Part {
  readonly service: string;
  readonly fate: Fate;
  /** How it is replaced; null for what is not. */
  readonly strategy: GroupStrategy | Strategy | null;
  /** Why so, for people. */
  readonly why: string;
  readonly from: Copies | null;
  readonly to: Copies | null;
}

export interface PartsInput {
  readonly input: CompileInput;
  readonly changes: Changes;
  /** One-shots that the plan runs. */
  readonly runs: ReadonlySet<string>;
  readonly facts: Readonly<Record<string, ServiceFacts>>;
}

/** What becomes of every service that deploys replace, and why. Pure. */
export function partsOf(about: PartsInput): readonly Part[] {
  const { stable, candidate } = about.changes;
  const names = new Set([...Object.keys(candidate.services), ...Object.keys(stable?.services ?? {})]);
  return [...names].map((service) => {
    const fate = fateOf(about, service);
    return {
      service,
      fate,
      strategy: strategyOf(about, service, fate),
      why: whyOf(about, service, fate),
      from: copies(stable, service, about.input.liveRelease?.services[service]?.version),
      to: copies(candidate, service, about.input.release.services[service]?.version),
    };
  });
}

function fateOf({ changes, runs }: PartsInput, service: string): Fate {
  const { candidate, switched, added, replaced, scaled } = changes;
  if (candidate.services[service] === undefined) return 'remove';
  if (runs.has(service)) return 'run';
  if (switched.has(service)) return 'switch';
  if (added.has(service)) return 'create';
  if (replaced.has(service)) return 'replace';
  return scaled.has(service) ? 'scale' : 'keep';
}

function strategyOf({ input, changes }: PartsInput, service: string, fate: Fate): Part['strategy'] {
  if (fate === 'switch') return groupStrategy(input, changes);
  if (fate !== 'replace') return null;
  return input.release.services[service]?.strategy === 'canary' ? 'canary' : 'rolling';
}

function copies(side: Side | null, service: string, version: string | undefined): Copies | null {
  const spec = side?.services[service];
  if (side === null || spec === undefined || spec.placement === 'one-shot') return null;
  return { version: version ?? side.version, color: placeOf(side, service), replicas: spec.replicas };
}

function whyOf(about: PartsInput, service: string, fate: Fate): string {
  switch (fate) {
    case 'switch':
      return whySwitched(about, service);
    case 'create':
      return `nothing has to go for it; ${fromThenOn(about, service)}`;
    case 'replace':
      return whyReplaced(about, service);
    case 'scale':
      return 'only its number changes';
    case 'remove':
      return 'the compose files do not have it any more';
    case 'run':
      return about.facts[service]?.role ?? 'runs once';
    case 'keep':
      return isAsked(about, service) ? 'unchanged: left alone' : 'not asked for: left alone';
  }
}

function isAsked({ input: { asked = [] } }: PartsInput, service: string): boolean {
  return asked.length === 0 || asked.includes(service);
}

/** Of a service that today's files do not have. */
const AS_BEFORE = 'as deployed before';

/** The color group goes as one: by whose strategy, and also who has nothing new. */
function whySwitched(about: PartsInput, service: string): string {
  const { input, changes, facts } = about;
  const { release, liveRelease } = input;
  const [before, after] = [liveRelease?.services[service], release.services[service]];
  const along = before?.identity === after?.identity && !input.force ? '; unchanged, goes with its color' : '';
  const strategy = groupStrategy(input, changes);
  if (strategy === 'at-once') return `all at once, for nothing has to go; ${fromThenOn(about, service)}`;
  if (after?.strategy === strategy) return `${facts[service]?.strategy ?? AS_BEFORE}${along}`;
  const decider = [...changes.switched].find((name) => release.services[name]?.strategy === strategy);
  return `the color group goes as one, by the strategy of ${decider ?? 'another'}${along}`;
}

function fromThenOn({ input, facts }: PartsInput, service: string): string {
  const strategy = input.release.services[service]?.strategy ?? 'rolling';
  return `later ${strategy} (${facts[service]?.strategy ?? AS_BEFORE})`;
}

function whyReplaced({ changes, facts }: PartsInput, service: string): string {
  const { order, parallelism } = changes.candidate.services[service]?.update ?? {
    order: 'start-first',
    parallelism: 1,
  };
  const pace = parallelism === 0 ? 'all at once' : `${String(parallelism)} at a time`;
  return `${facts[service]?.strategy ?? AS_BEFORE}; order ${order}, ${pace}`;
}
