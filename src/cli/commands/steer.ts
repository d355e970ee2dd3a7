import { retry as tryAgain } from '../../app/retry.ts';
import { steer, type SteerVerb } from '../../app/steer.ts';
import { interruptible, type Command, type Session } from '../session.ts';

/** `promote [--full]`. */
export const promote: Command<'promote'> = ({ full, timeoutMs }, session) =>
  steered(full ? 'promote-full' : 'promote', timeoutMs, session);

/** `pause`: succeeded when the rollout is paused. */
export const pause: Command<'pause'> = ({ timeoutMs }, session) => steered('pause', timeoutMs, session);

/** `resume`. */
export const resume: Command<'resume'> = ({ timeoutMs }, session) => steered('resume', timeoutMs, session);

/** `abort`: exit 1 when the old version serves again, as for every rollout that went back. */
export const abort: Command<'abort'> = ({ timeoutMs }, session) => steered('abort', timeoutMs, session);

/** `retry`: what failed is tried again. */
export const retry: Command<'retry'> = async (options, session) => {
  const { ports } = await session.context();
  const outcome = await interruptible(session, (signal) => tryAgain(ports, options, signal));
  session.reporter.outcome(outcome);
  return outcome.exit;
};

async function steered(verb: SteerVerb, timeoutMs: number | null, session: Session): Promise<number> {
  const { ports } = await session.context();
  const outcome = await interruptible(session, (signal) => steer(ports, { verb, timeoutMs }, signal));
  session.reporter.outcome(outcome);
  return outcome.exit;
}
