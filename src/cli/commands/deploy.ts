import { deploy } from '../../app/deploy.ts';
import { otherVersion } from '../agent-version.ts';
import { interruptible, type Command } from '../session.ts';

/** `deploy <version>`. */
export const run: Command<'deploy'> = async (options, session) => {
  const { ports } = await session.context(options.version);
  const other = options.detach ? await otherVersion(ports.agent, session.version) : null;
  if (other !== null) ports.emit({ kind: 'warning', code: null, ...other });
  const outcome = await interruptible(session, (signal) => deploy(ports, options, signal));
  session.reporter.outcome(outcome);
  return outcome.exit;
};
