import { history } from '../../app/history.ts';
import { print } from '../io.ts';
import type { Command } from '../session.ts';
import { styleFor } from '../style.ts';
import { historyView } from '../views/history.ts';

/** `history [--json]`. */
export const run: Command<'history'> = async ({ json }, { io, globals, context }) => {
  const { ports } = await context();
  const entries = await history(ports);
  if (json) print(io.stdout, [JSON.stringify(entries, null, 2)]);
  else {
    const style = styleFor(io.stdout, io.env, globals.ansi);
    print(io.stdout, historyView(entries, io.now(), io.stdout.columns ?? 80, style));
  }
  return 0;
};
