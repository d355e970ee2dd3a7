import type { ProgressEvent } from '../../core/events.ts';
import type { GlobalOptions } from '../globals.ts';
import { print, type Io } from '../io.ts';
import { styleFor, type Style } from '../style.ts';
import { clockTime } from '../views/text.ts';
import { endings } from './endings.ts';
import { eventText } from './event-text.ts';
import type { Reporter } from './reporter.ts';

/** A line an event, each with its time: for logs of CI and cron. */
export function createPlainReporter(globals: GlobalOptions, io: Io): Reporter {
  const style = styleFor(io.stderr, io.env, globals.ansi);
  const isNews = repetitionFilter();
  const { saw, outcome, failed } = endings(globals, io);
  return {
    emit: (event) => {
      saw(event);
      if (isNews(event)) print(io.stderr, lines(event, io.now(), style));
    },
    outcome,
    failed,
    settle: () => undefined,
  };
}

function lines(event: ProgressEvent, now: number, style: Style): readonly string[] {
  const time = style.paint.dim(clockTime(now));
  const paint = event.kind === 'failure' ? style.paint.red : event.kind === 'warning' ? style.paint.yellow : null;
  return eventText(event).map((line) => {
    const text = style.plain(line);
    return `${time} ${paint === null ? text : paint(text)}`;
  });
}

/** Waits and probes repeat themselves many times a second: a line is worth reading when it says something else. */
function repetitionFilter(): (event: ProgressEvent) => boolean {
  const last = new Map<string, string>();
  return (event) => {
    const news = newsOf(event);
    if (news === null) return true;
    if (last.get(news.of) === news.text) return false;
    last.set(news.of, news.text);
    return true;
  };
}

/** What an event that repeats itself says, and of what; null for those that do not. */
function newsOf(event: ProgressEvent): { readonly of: string; readonly text: string } | null {
  switch (event.kind) {
    case 'waiting':
      return { of: event.kind, text: event.what };
    case 'container':
      return { of: event.container, text: `${event.change} ${withoutTimes(event.detail ?? '')}` };
    case 'fetching':
      return { of: event.service, text: `${event.doing} ${quarterOf(event)}` };
    default:
      return null;
  }
}

function quarterOf({ doneBytes, totalBytes }: Extract<ProgressEvent, { kind: 'fetching' }>): string {
  return totalBytes === null ? 'begun' : String(Math.floor((4 * doneBytes) / totalBytes));
}

/** `200 in 3 ms` and `200 in 4 ms` are the same news, and so is whatever else a 503 says. */
function withoutTimes(text: string): string {
  return text.replace(/\d+(\.\d+)? (ms|s)\b/g, '').replace(/“.*”/, '');
}
