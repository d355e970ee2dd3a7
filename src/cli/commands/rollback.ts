import { rollback } from '../../app/rollback.ts';
import { interruptible, type Command } from '../session.ts';

/** `rollback [--to R]`. */
export const run: Command<'rollback'> = async (options, session) => {
  const { ports } = await session.context();
  const outcome = await interruptible(session, (signal) => rollback(ports, options, signal));
  session.reporter.outcome(outcome);
  return outcome.exit;
};
