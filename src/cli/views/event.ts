import type { EventView } from '../../app/events.ts';
import type { Style } from '../style.ts';
import { dateTime } from './text.ts';

/** `2026-01-02 14:03:07  20260102-140305-3f9a  deploy v2  going back: aborted`. */
export function eventView({ at, rollout, verb, to, text }: EventView, { paint, plain }: Style): string {
  const what = to === null ? verb : `${verb} ${to}`;
  return `${paint.dim(`${dateTime(at)}  ${rollout}`)}  ${paint.bold(what)}  ${plain(text)}`;
}
