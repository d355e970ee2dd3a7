import * as z from 'zod';
import { aboutSchema } from '../adapters/agent-socket/client.ts';
import type { EventView } from '../app/events.ts';
import type { Outcome } from '../app/outcome.ts';
import type * as view from '../app/status-view.ts';
import { COLORS } from '../core/color.ts';
import { DeployError, type ErrorCode, ERRORS, EXIT } from '../core/errors.ts';
import type { Placement, ProxyDriver } from '../core/project.ts';
import type { RolloutVerb } from '../core/record.ts';
import { type PauseReason, type State, TRANSITIONS } from '../core/state.ts';

/** One schema a field: a field that is missing here, or that the type does not have, does not compile. */
type Fields<T> = { readonly [K in keyof T]-?: z.ZodType<T[K]> };

/** Fields are added and never renamed, so that whoever reads passes over unknown ones. */
function answer<T>(fields: Fields<T>, description?: string): z.ZodType<T> {
  const schema = z.looseObject(fields) as unknown as z.ZodType<T>;
  return description === undefined ? schema : schema.meta({ description });
}

/** Every member of a type, and no other. */
function oneOf<T extends string>(all: Readonly<Record<T, true>>): z.ZodType<T> {
  return z.enum(Object.keys(all) as T[]);
}

const states = Object.keys(TRANSITIONS) as State[];
const color = z.enum(COLORS).nullable().meta({ description: 'null: the user’s own Compose project' });
const moment = z.int().meta({ description: 'milliseconds since the epoch' });
const duration = z.int().meta({ description: 'milliseconds' });
const text = z.string();
const maybeText = text.nullable();
const verb = oneOf<RolloutVerb>({ deploy: true, rollback: true, reset: true });
const exit = z.int().meta({ description: 'exit code of the command that does the same' });

const health = aboutSchema.extend({ status: z.literal('ok') });
const ready = aboutSchema.extend({ status: z.literal('ready') });

const outcome = answer<Outcome>(
  {
    exit,
    state: z.enum([...states, 'nothing-to-do', 'planned']),
    rollout: maybeText,
    version: maybeText,
    color,
    message: text,
    plan: z.null().meta({ description: 'only a dry run has one' }),
    durationMs: duration,
    downMs: duration.nullable(),
    holdUntil: moment.nullable(),
  },
  'how an order ended, or that it was accepted (state: pending)',
);

/** What is answered in the place of everything that did not go well. */
export interface ErrorAnswer {
  readonly code: ErrorCode;
  readonly exit: number;
  readonly message: string;
  readonly serves: string | null;
  readonly next: string;
  readonly details: readonly string[];
}

const error = answer<ErrorAnswer>(
  {
    code: z.enum(Object.keys(ERRORS) as ErrorCode[]),
    exit,
    message: text.meta({ description: 'what happened' }),
    serves: maybeText.meta({ description: 'what still serves, where anything was touched' }),
    next: text.meta({ description: 'what to do' }),
    details: z.array(text),
  },
  'what happened, what serves and what to do',
);

const event = answer<EventView>(
  {
    at: moment,
    rollout: text,
    verb,
    from: maybeText,
    to: maybeText,
    // Kinds are added like fields.
    kind: text as unknown as z.ZodType<EventView['kind']>,
    state: z.enum(states),
    text,
  },
  'something that happened to a rollout, as `events --json` prints it; pass over kinds that are unknown',
);

const live = answer<view.LiveView>({ color, version: maybeText, release: maybeText, since: moment.nullable() });

const count = z.int();

const serviceView = answer<view.ServiceView>({
  name: text,
  placement: oneOf<Placement>({ colored: true, 'in-place': true, 'one-shot': true, shared: true }),
  color,
  wanted: count,
  running: count,
  ready: count,
  image: text,
  version: maybeText,
  ageMs: duration.nullable(),
  weight: z.number().nullable().meta({ description: 'percent of the route’s traffic' }),
  weightSource: z.literal('proxy').nullable(),
  notes: z.array(text),
});

const shared = answer<view.SharedView>({
  name: text,
  wanted: count,
  running: count,
  ready: count,
  image: text,
  ageMs: duration.nullable(),
  notes: z.array(text),
});

const rollout = answer<view.RolloutView>({
  id: text,
  verb,
  state: z.enum(states),
  pauseReason: oneOf<PauseReason>({ step: true, user: true, inconclusive: true, failure: true }).nullable(),
  message: maybeText,
  from: maybeText,
  to: maybeText,
  startedAt: moment,
  endedAt: moment.nullable(),
  downMs: duration.nullable(),
  step: answer<view.StepView>({ index: count, total: count, text }).nullable(),
});

const status = answer<view.StatusView>(
  {
    project: text,
    at: moment,
    live: live.nullable(),
    services: z.array(serviceView),
    shared: z.array(shared),
    router: answer<view.RouterView>({
      driver: oneOf<ProxyDriver>({ caddy: true, nginx: true, none: true }),
      readable: z.boolean(),
      reason: maybeText,
    }),
    lastRollout: rollout.nullable(),
    inFlight: answer<view.HolderView>({ who: text, verb: text, since: moment }).nullable(),
    leftovers: z.array(answer<view.LeftoverView>({ kind: text, name: text, why: text, remedy: text })),
    disagreements: z.array(answer<view.DisagreementView>({ what: text, remedy: text })),
    exit,
  },
  'what serves, what runs and what is left over, as `status --json` prints it',
);

/** What the API answers, by the names that its published schema has for it. */
export const ANSWERS = { Health: health, Ready: ready, Status: status, Event: event, Outcome: outcome, Error: error };

export type AnswerName = keyof typeof ANSWERS;

export type ErrorStatus = 400 | 404 | 409 | 500 | 503;

const STATUS: Readonly<Record<number, ErrorStatus>> = {
  [EXIT.invalid]: 400,
  [EXIT.refused]: 409,
  [EXIT.superseded]: 409,
  [EXIT.unreachable]: 503,
};

/** How an error reads over HTTP: the three parts, the code and the exit code of the command. A defect is told in the log. */
export function answerOf(error: unknown): { readonly status: ErrorStatus; readonly body: ErrorAnswer } {
  if (!(error instanceof DeployError))
    return answerOf(new DeployError('internal', { what: 'a defect: the agent’s log has more' }));
  const { code, exit, message, serves, next, details } = error;
  return { status: STATUS[exit] ?? 500, body: { code, exit, message, serves, next, details } };
}
