import { deploy } from '../../app/deploy.ts';
import { print } from '../io.ts';
import { interruptible, type Command } from '../session.ts';

/** Of a deploy that nobody runs. */
const DRY = {
  ...{ dryRun: true, refresh: false, supersede: false, attach: false, detach: false },
  ...{ waitMs: null, timeoutMs: null },
} as const;

/** `plan <version>`: what `deploy <version> --dry-run` says. */
export const run: Command<'plan'> = async ({ json, ...wanted }, session) => {
  const { io, reporter } = session;
  const { ports } = await session.context(wanted.version);
  const outcome = await interruptible(session, (signal) => deploy(ports, { ...wanted, ...DRY }, signal));
  if (!json) reporter.outcome(outcome);
  else {
    reporter.settle();
    print(io.stdout, [JSON.stringify(outcome.plan, null, 2)]);
  }
  return outcome.exit;
};
