import { AsyncLocalStorage } from 'node:async_hooks';
import { pino, type DestinationStream, type Logger } from 'pino';
import { DeployError, messageOf } from '../core/errors.ts';
import type { EventSink, ProgressEvent } from '../core/events.ts';
import { redact, redactWords } from '../core/redact.ts';

/** What the agent says: one JSON object a line, with the rollout that it is about. */
export interface AgentLog {
  readonly logger: Logger;
  /** What happens in the rollouts that run here. */
  readonly emit: EventSink;
  /** Something did not go well; what people have to do stands in it. */
  readonly failed: (error: unknown) => void;
  /** Work of its own: its lines are about a request (null: about none), and about the rollout that it comes to. */
  readonly during: <T>(request: string | null, work: () => T) => T;
  /** From here on the lines of this work are about a rollout, or about none. */
  readonly about: (rollout: string | null) => void;
}

/** What the lines of one work are about. */
interface About {
  readonly request: string | null;
  rollout: string | null;
}

const LEVELS: Readonly<Partial<Record<ProgressEvent['kind'], 'debug' | 'warn' | 'error'>>> = {
  waiting: 'debug',
  fetching: 'debug',
  'lock-taken': 'debug',
  warning: 'warn',
  failure: 'error',
};

/** @param wanted of `LOG_LEVEL`: debug, info, warn, error; anything else is info */
export function createLog(wanted: string, stream?: DestinationStream): AgentLog {
  const level = wanted in pino.levels.values ? wanted : 'info';
  const works = new AsyncLocalStorage<About>();
  const orders = new Orderers();
  const mixin = (): object => orders.partsOf(works.getStore());
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: named }, mixin };
  const logger = stream === undefined ? pino(options) : pino(options, stream);
  const about = (rollout: string | null): void => {
    const work = works.getStore();
    if (work !== undefined) work.rollout = rollout;
  };
  return {
    logger,
    emit: (event) => {
      if (event.kind === 'rollout-started') about(event.rollout);
      if (event.kind === 'ordered') orders.add(event.rollout, works.getStore()?.request ?? null);
      logger[LEVELS[event.kind] ?? 'info'](event, textOf(event));
    },
    failed: (error) => {
      logger.error(partsOf(error), wordsOf(error));
    },
    during: (request, work) => works.run({ request, rollout: null }, work),
    about,
  };
}

/** More than can be under way, or wait for a person, at once. */
const KEPT = 20;

/** Which request ordered last what a rollout does that runs elsewhere than in that request. */
class Orderers {
  readonly #requests = new Map<string, string>();

  add(rollout: string, request: string | null): void {
    if (request !== null) this.#requests.set(rollout, request);
    const [oldest] = this.#requests.keys();
    if (this.#requests.size > KEPT && oldest !== undefined) this.#requests.delete(oldest);
  }

  partsOf(work: About | undefined): object {
    const rollout = work?.rollout ?? null;
    const request = work?.request ?? (rollout === null ? undefined : this.#requests.get(rollout));
    return { ...(request === undefined ? {} : { request }), ...(rollout === null ? {} : { rollout }) };
  }
}

function named(label: string): object {
  return { level: label };
}

function textOf(event: ProgressEvent): string {
  switch (event.kind) {
    case 'phase':
    case 'step-started':
    case 'step-finished':
      return event.text;
    case 'waiting':
      return `waiting for ${event.what}`;
    case 'warning':
    case 'failure':
      return event.message;
    case 'ordered':
      return `another process is told to ${event.order}`;
    case 'container':
      return `${event.container} is ${event.change}`;
    default:
      return event.kind;
  }
}

/** Only a defect needs its stack. */
export function partsOf(error: unknown): object {
  if (!(error instanceof DeployError)) return { err: error };
  const { code, exit, serves, next, details } = error;
  return redactWords({ code, exit, serves, next, details }, []);
}

/** Where nothing is known of the project yet, a password in a URL is one all the same. */
export function wordsOf(error: unknown): string {
  return redact(messageOf(error), []);
}
