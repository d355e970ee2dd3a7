import * as z from 'zod';
import type { Match } from '../../core/observed.ts';
import type { CanaryStep as PlannedStep } from '../../core/project.ts';
import { httpQuestion } from '../checks.ts';
import { httpCheck } from './checks.ts';
import { count, duration, match, name, nested, refuse, weight, type IssueSink } from './values.ts';

/** What a pause of a canary waits for. */
export type PauseUntil =
  | { readonly kind: 'person' }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'check'; readonly http: z.output<typeof httpCheck> };

/** One canary step as configured; `weight` and `mirror` in percent. */
export type CanaryStep =
  | { readonly kind: 'weight'; readonly weight: number }
  | { readonly kind: 'pause'; readonly until: PauseUntil }
  | { readonly kind: 'check'; readonly names: readonly string[] }
  | { readonly kind: 'replicas'; readonly replicas: number | { readonly percent: number } | 'match' }
  | { readonly kind: 'match'; readonly match: Match | null }
  | { readonly kind: 'mirror'; readonly percent: number };

/** The steps as the planner takes them. */
export function plannedSteps(steps: readonly CanaryStep[]): readonly PlannedStep[] {
  return steps.map((step) => (step.kind === 'pause' ? plannedPause(step.until) : step));
}

function plannedPause(until: PauseUntil): PlannedStep {
  if (until.kind === 'check') return { kind: 'pause', ms: null, until: httpQuestion(until.http) };
  return { kind: 'pause', ms: until.kind === 'time' ? until.ms : null };
}

const KINDS = ['weight', 'pause', 'check', 'replicas', 'match', 'mirror'] as const;
type Kind = (typeof KINDS)[number];

const pause = z.union([z.string(), z.number(), z.null(), z.looseObject({})]).transform((value, context) => {
  if (value === null || (typeof value === 'object' && Object.keys(value).length === 0))
    return { kind: 'person' } as const;
  if (typeof value !== 'object') return timed(value, context);
  const until = nested(z.strictObject({ until: httpCheck }), value, [], context)?.until;
  return until === undefined ? z.NEVER : ({ kind: 'check', http: until } as const);
});

function timed(value: string | number, sink: IssueSink): PauseUntil {
  const ms = nested(duration, value, [], sink);
  return ms === undefined ? z.NEVER : { kind: 'time', ms };
}

const replicas = z.union([z.number(), z.string()]).transform((value, context) => {
  if (value === 'match') return 'match' as const;
  if (typeof value === 'number') return nested(count, value, [], context) ?? z.NEVER;
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(value)?.[1];
  if (percent !== undefined) return { percent: nested(weight, Number(percent), [], context) ?? z.NEVER };
  return refuse(context, { code: 'E01', message: `is ${JSON.stringify(value)}`, hint: 'write 2, "25%" or match' });
});

/** One canary step: a mapping with exactly one of the kinds, or a bare number, which is a weight. */
export const canaryStep = z.unknown().transform((value, context): CanaryStep => {
  if (typeof value === 'number') return read('weight', { weight: value }, context, []);
  const given = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  const [kind] = KINDS.filter((each) => given.includes(each));
  if (kind !== undefined && given.length === 1) return read(kind, value, context, [kind]);
  return refuse(context, {
    code: 'E03',
    message: given.length === 0 ? 'names no kind of step' : `must be one kind of step, but has ${given.join(', ')}`,
    hint: `give each step exactly one of ${KINDS.join(', ')}`,
  });
});

function read(kind: Kind, step: unknown, sink: IssueSink, path: string[]): CanaryStep {
  const value = z.looseObject({}).parse(step)[kind];
  const parse = <T, R>(schema: z.ZodType<T>, put: (parsed: T) => R): R => {
    const parsed = nested(schema, value, path, sink);
    return parsed === undefined ? z.NEVER : put(parsed);
  };
  switch (kind) {
    case 'weight':
      return parse(weight, (share) => ({ kind, weight: share }));
    case 'pause':
      return parse(pause, (until) => ({ kind, until }));
    case 'check':
      return parse(z.array(name).min(1), (names) => ({ kind, names }));
    case 'replicas':
      return parse(replicas, (size) => ({ kind, replicas: size }));
    case 'match':
      return parse(match.nullable(), (rule) => ({ kind, match: rule }));
    case 'mirror':
      return parse(weight, (percent) => ({ kind, percent }));
  }
}
