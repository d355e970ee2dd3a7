import { events, type EventView } from '../../app/events.ts';
import { EXIT } from '../../core/errors.ts';
import { ctrlC } from '../interrupts.ts';
import { momentOf } from '../invocation.ts';
import { print } from '../io.ts';
import type { Command } from '../session.ts';
import { styleFor } from '../style.ts';
import { eventView } from '../views/event.ts';

/** `events [--follow] [--json] [--rollout ID] [--since T]`; followed ones end with Ctrl-C. */
export const run: Command<'events'> = async ({ json, follow, rollout, since }, { io, globals, context }) => {
  const { ports } = await context();
  const style = styleFor(io.stdout, io.env, globals.ansi);
  const show = (view: EventView): string => (json ? JSON.stringify(view) : eventView(view, style));
  const options = { rollout, follow, since: since === null ? null : momentOf(since, io.now()) };
  for await (const view of events(ports, options, ctrlC())) print(io.stdout, [show(view)]);
  return follow ? EXIT.interrupted : EXIT.ok;
};
