import { formatBytes } from '../../core/bytes.ts';
import { downText } from '../../core/downtime.ts';
import type { ProgressEvent } from '../../core/events.ts';
import { clockTime, took } from '../views/text.ts';

type EventOf<K extends ProgressEvent['kind']> = Extract<ProgressEvent, { kind: K }>;

/** An event in words: one line, and further ones only where there is evidence to show. */
export function eventText(event: ProgressEvent): readonly string[] {
  switch (event.kind) {
    case 'phase':
      return [event.text];
    case 'warning':
      return [warningText(event)];
    case 'rollout-started':
      return [
        startText(event),
        ...(event.continued ? [] : event.steps.map((step, at) => `  ${String(at + 1)}. ${step}`)),
      ];
    case 'fetching':
      return [`${event.service} ${fetchingNews(event)}`];
    case 'lock-taken':
    case 'ordered':
      return []; // who waits is told what for, and who ordered how that ended
    case 'step-started':
      return [`${position(event)} ${event.text}`];
    case 'step-finished':
      return [`${position(event)} ${event.text}: done in ${took(event.ms)}`];
    case 'waiting':
      return [`waiting for ${event.what}, ${untilText(event.until)}`];
    case 'container':
      return [containerText(event)];
    case 'weight':
      return [weightText(event)];
    case 'drained':
      return [drainedText(event)];
    case 'failure':
      return [`failed: ${event.message}`, ...event.details.map((line) => `    ${line}`)];
    case 'measured':
      return [measuredText(event)];
    case 'hook':
      return [hookEventText(event)];
    case 'paused':
      return [`paused: ${event.message}, ${untilText(event.until)}`];
    case 'finished':
      return [finishedText(event)];
  }
}

/** `downloading 12 MiB of 40 MiB`. */
export function fetchingNews({ doing, doneBytes, totalBytes }: EventOf<'fetching'>): string {
  if (doing === 'unpacking') return `unpacking ${formatBytes(doneBytes)}`;
  return `downloading ${formatBytes(doneBytes)}${totalBytes === null ? '' : ` of ${formatBytes(totalBytes)}`}`;
}

/** `W03: nobody checks web (add a healthcheck)`. */
export function warningText({ code, message, hint }: EventOf<'warning'>): string {
  return `warning${code === null ? '' : ` ${code}`}: ${message}${hint === null ? '' : ` (${hint})`}`;
}

/** `deploy shop v1 (blue) → v2 (green)`. */
export function titleText(event: Pick<EventOf<'rollout-started'>, 'verb' | 'project' | 'from' | 'to'>): string {
  const sides = [event.from, event.to].filter((side) => side !== null).join(' → ');
  return [event.verb, event.project, sides].filter((word) => word !== '').join(' ');
}

/** `100 % of the traffic to v2`. */
export function weightText({ weight, to }: EventOf<'weight'>): string {
  return `${String(weight)} % of the traffic to ${to ?? 'the candidate'}`;
}

/** `drained shop-blue-web-blue-1: 3 in flight at switch, 3 finished, 0 cut in 2.1 s`. */
export function drainedText({ container, inFlightAtSwitch, finished, cut, ms }: EventOf<'drained'>): string {
  const counts = `${String(inFlightAtSwitch)} in flight at switch, ${String(finished)} finished, ${String(cut)} cut`;
  return `drained ${container}: ${counts} in ${took(ms)}`;
}

/** `check smoke of web: pass: 12, wanted at most 50`. */
export function measuredText({ service, check, outcome, text, dryRun }: EventOf<'measured'>): string {
  return `check ${check} of ${service}: ${outcome}${dryRun ? ' (dry run)' : ''}: ${text}`;
}

/** `hook pre_deploy: exec pg_dump … in db: exit code 0`, and in between what it prints. */
function hookEventText({ moment, hook, change, detail }: EventOf<'hook'>): string {
  if (change === 'printed') return `  ${moment} | ${detail ?? ''}`;
  return `hook ${moment}: ${hook} ${change}${detail === null ? '' : `: ${detail}`}`;
}

function startText(event: EventOf<'rollout-started'>): string {
  const steps = event.steps.length === 1 ? '1 step' : `${String(event.steps.length)} steps`;
  return `${event.continued ? 'continuing ' : ''}${titleText(event)}: ${steps}, rollout ${event.rollout}`;
}

function position({ index, total }: { readonly index: number; readonly total: number }): string {
  return `[${String(index + 1)}/${String(total)}]`;
}

function untilText(until: number | null): string {
  return until === null ? 'until a person goes on' : `until ${clockTime(until)}`;
}

function containerText({ container, change, detail }: EventOf<'container'>): string {
  return `${container} ${change}${detail === null ? '' : `: ${detail}`}`;
}

function finishedText({ state, version, color, message, ms, downMs }: EventOf<'finished'>): string {
  const what = [version, color].filter((word) => word !== null).join(' on ');
  const detail = [what, message, downText(downMs)].filter((text) => text !== null && text !== '').join(', ');
  const how = state === 'rollback_completed' ? 'taken back' : state.replaceAll('_', ' ');
  return `${how}${detail === '' ? '' : `: ${detail}`} (${took(ms)})`;
}
