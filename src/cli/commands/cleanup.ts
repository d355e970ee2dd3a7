import { cleanup } from '../../app/cleanup.ts';
import { print } from '../io.ts';
import { interruptible, type Command } from '../session.ts';
import { styleFor } from '../style.ts';
import { cleanupView } from '../views/cleanup.ts';

/** `cleanup [--dry-run]`. */
export const run: Command<'cleanup'> = async (options, session) => {
  const { io, globals, reporter } = session;
  const { ports } = await session.context();
  const result = await interruptible(session, (signal) => cleanup(ports, options, signal));
  reporter.settle();
  if (globals.progress === 'json') print(io.stdout, [JSON.stringify(result)]);
  else if (globals.progress !== 'quiet') {
    const style = styleFor(io.stdout, io.env, globals.ansi);
    print(io.stdout, cleanupView(result, options.dryRun, io.stdout.columns ?? 80, style));
  }
  return result.exit;
};
