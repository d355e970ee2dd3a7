import { pino, type DestinationStream, type Logger } from 'pino';
import { DeployError, messageOf } from '../core/errors.ts';
import type { EventSink, ProgressEvent } from '../core/events.ts';

/** What the agent says: one JSON object a line, with the rollout that it is about. */
export interface AgentLog {
  readonly logger: Logger;
  /** What happens in the rollouts that run here. */
  readonly emit: EventSink;
  /** Something did not go well; what people have to do stands in it. */
  readonly failed: (error: unknown) => void;
}

const LEVELS: Readonly<Partial<Record<ProgressEvent['kind'], 'debug' | 'warn' | 'error'>>> = {
  waiting: 'debug',
  warning: 'warn',
  failure: 'error',
};

/** @param wanted of `LOG_LEVEL`: debug, info, warn, error; anything else is info */
export function createLog(wanted: string, stream?: DestinationStream): AgentLog {
  const level = wanted in pino.levels.values ? wanted : 'info';
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: named } };
  const logger = stream === undefined ? pino(options) : pino(options, stream);
  let rollout: string | null = null;
  const about = (): object => (rollout === null ? {} : { rollout });
  return {
    logger,
    emit: (event) => {
      if (event.kind === 'rollout-started') rollout = event.rollout;
      logger[LEVELS[event.kind] ?? 'info']({ ...about(), ...event }, textOf(event));
      if (event.kind === 'finished') rollout = null;
    },
    failed: (error) => {
      logger.error({ ...about(), ...partsOf(error) }, messageOf(error));
      rollout = null;
    },
  };
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
    case 'container':
      return `${event.container} is ${event.change}`;
    default:
      return event.kind;
  }
}

/** Only a defect needs its stack. */
function partsOf(error: unknown): object {
  if (!(error instanceof DeployError)) return { err: error };
  const { code, exit, serves, next, details } = error;
  return { code, exit, serves, next, details };
}
