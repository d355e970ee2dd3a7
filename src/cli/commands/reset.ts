import { reset } from '../../app/reset.ts';
import { ask } from '../ask.ts';
import { interruptible, type Command, type Session } from '../session.ts';

/** `reset [--force]`. */
export const run: Command<'reset'> = async ({ force }, session) => {
  const { ports } = await session.context();
  const outcome = await interruptible(session, (signal) => {
    const confirm = (question: string): Promise<boolean> => confirmed(question, session, signal);
    return reset(ports, { force, confirm }, signal);
  });
  session.reporter.outcome(outcome);
  return outcome.exit;
};

function confirmed(question: string, { globals, io, reporter }: Session, signal: AbortSignal): Promise<boolean> {
  reporter.settle();
  return globals.yes ? Promise.resolve(true) : ask(question, io, signal);
}
