import { history, timeline } from '../../app/history.ts';
import { print } from '../io.ts';
import type { Command } from '../session.ts';
import { styleFor } from '../style.ts';
import { historyView } from '../views/history.ts';
import { timelineView } from '../views/timeline.ts';

/** `history [--timeline] [--json]`. */
export const run: Command<'history'> = async (options, { io, globals, context }) => {
  const { ports } = await context();
  const style = styleFor(io.stdout, io.env, globals.ansi);
  // Nobody reads on in a file what was cut for a terminal.
  const width = io.stdout.columns ?? Number.MAX_SAFE_INTEGER;
  const show = <T>(found: T, view: (found: T) => readonly string[]): void => {
    print(io.stdout, options.json ? [JSON.stringify(found, null, 2)] : view(found));
  };
  if (options.timeline) show(await timeline(ports), (rollouts) => timelineView(rollouts, io.now(), width, style));
  else show(await history(ports), (entries) => historyView(entries, io.now(), width, style));
  return 0;
};
