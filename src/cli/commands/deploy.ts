import { deploy } from '../../app/deploy.ts';
import { interruptible, type Command } from '../session.ts';

/** `deploy <version>`. */
export const run: Command<'deploy'> = async (options, session) => {
  const { ports } = await session.context(options.version);
  const outcome = await interruptible(session, (signal) => deploy(ports, options, signal));
  session.reporter.outcome(outcome);
  return outcome.exit;
};
