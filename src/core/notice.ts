import { downText } from './downtime.ts';
import { formatDuration } from './duration.ts';
import type { ProgressEvent } from './events.ts';

/** How much a notice matters: `warn` is what a person may have to look at, `error` what went wrong. */
export type NoticeLevel = 'info' | 'warn' | 'error';

/** One message for people who are not at the terminal. */
export interface Notice {
  readonly level: NoticeLevel;
  readonly text: string;
  /** The same for programs. */
  readonly fields: Readonly<Record<string, string | number | boolean | null>>;
}

/** A notice filter: `warn` lets `warn` and `error` through (ORACLE A16). */
export function reaches(notice: Notice, least: NoticeLevel): boolean {
  const order: readonly NoticeLevel[] = ['info', 'warn', 'error'];
  return order.indexOf(notice.level) >= order.indexOf(least);
}

/** What an event is worth telling; null for what only somebody at the terminal wants to see. Pure. */
export function noticeOf(event: ProgressEvent): Notice | null {
  switch (event.kind) {
    case 'rollout-started':
      return started(event);
    case 'weight':
      return {
        level: 'info',
        text: `${String(event.weight)} % of the traffic to ${event.to ?? 'the candidate'}`,
        fields: { event: 'weight', weight: event.weight, to: event.to },
      };
    case 'paused':
      return paused(event);
    case 'measured':
      return measured(event);
    case 'hook':
      return hooked(event);
    case 'container':
      return container(event);
    case 'warning':
      return {
        level: 'warn',
        text: `warning: ${event.message}`,
        fields: { event: 'warning', code: event.code, message: event.message, hint: event.hint },
      };
    case 'failure':
      return {
        level: 'error',
        text: `failed: ${event.message}`,
        fields: { event: 'failure', message: event.message },
      };
    case 'finished':
      return finished(event);
    case 'phase':
    case 'fetching':
    case 'step-started':
    case 'step-finished':
    case 'waiting':
    case 'lock-taken':
    case 'ordered':
    case 'drained':
      return null;
  }
}

type EventOf<K extends ProgressEvent['kind']> = Extract<ProgressEvent, { kind: K }>;

function started(event: EventOf<'rollout-started'>): Notice {
  const { rollout, verb, project, from, to, color, continued } = event;
  const sides = [from, to].filter((side) => side !== null).join(' → ');
  return {
    level: 'info',
    text: `${continued ? 'continuing ' : ''}${verb} ${project} ${sides}`.trim(),
    fields: { event: 'started', rollout, verb, project, from, to, color, continued },
  };
}

/** A pause that ends by itself is progress; one that waits for a person is not. */
function paused({ rollout, reason, message, until }: EventOf<'paused'>): Notice {
  return {
    level: until === null ? 'warn' : 'info',
    text: `paused: ${message}`,
    fields: { event: 'paused', rollout, reason, message, until },
  };
}

/** Only what did not pass; what it means is told when the rollout acts on it. */
function measured({ service, check, outcome, text, dryRun }: EventOf<'measured'>): Notice | null {
  if (outcome === 'pass') return null;
  return {
    level: dryRun ? 'info' : 'warn',
    text: `check ${check} of ${service}: ${outcome}${dryRun ? ' (dry run)' : ''}: ${text}`,
    fields: { event: 'check', service, check, outcome, detail: text, dryRun },
  };
}

function hooked({ moment, hook, change, detail }: EventOf<'hook'>): Notice | null {
  if (change !== 'failed') return null;
  return {
    level: 'warn',
    text: `hook ${moment} failed: ${hook}${detail === null ? '' : `: ${detail}`}`,
    fields: { event: 'hook', moment, hook, detail },
  };
}

function container({ service, container: name, change, detail }: EventOf<'container'>): Notice | null {
  if (change !== 'failed') return null;
  return {
    level: 'warn',
    text: `${name} failed${detail === null ? '' : `: ${detail}`}`,
    fields: { event: 'container', service, container: name, detail },
  };
}

function finished({ rollout, state, version, color, message, ms, downMs }: EventOf<'finished'>): Notice {
  const words = [version, color === null ? null : `on ${color}`, message, downText(downMs)];
  const what = words.filter((word) => word !== null).join(' ');
  return {
    level: state === 'completed' ? 'info' : state === 'superseded' ? 'warn' : 'error',
    text: `${state.replaceAll('_', ' ')}${what === '' ? '' : `: ${what}`} (${formatDuration(ms)})`,
    fields: { event: 'finished', rollout, state, version, color, message, ms, downMs },
  };
}
