import { logs } from '../../app/logs.ts';
import { EXIT } from '../../core/errors.ts';
import { ctrlC } from '../interrupts.ts';
import { momentOf } from '../invocation.ts';
import { print } from '../io.ts';
import type { Command } from '../session.ts';
import { styleFor } from '../style.ts';
import { logView } from '../views/log-line.ts';

/** `logs [VERSION] [--follow] [--tail N] [--since T] [--services a,b] [--json]`; followed ones end with Ctrl-C. */
export const run: Command<'logs'> = async ({ json, since, ...options }, { io, globals, context }) => {
  const { ports } = await context();
  const style = styleFor(io.stdout, io.env, globals.ansi);
  const moment = since === null ? null : momentOf(since, io.now());
  for await (const line of logs(ports, { ...options, since: moment }, ctrlC()))
    print(io.stdout, [json ? JSON.stringify(line) : logView(line, style)]);
  return options.follow ? EXIT.interrupted : EXIT.ok;
};
