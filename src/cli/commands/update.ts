import { update } from '../../app/update.ts';
import { interruptible, type Command } from '../session.ts';

/** `update [version]`. */
export const run: Command<'update'> = async (options, session) => {
  const { ports } = await session.context();
  const outcome = await interruptible(session, (signal) => update(ports, options, signal));
  session.reporter.outcome(outcome);
  return outcome.exit;
};
