import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '../../app/status.ts';
import type { StatusView } from '../../app/status-view.ts';
import { EXIT } from '../../core/errors.ts';
import { ctrlC } from '../interrupts.ts';
import { print } from '../io.ts';
import type { Command, Session } from '../session.ts';
import { styleFor } from '../style.ts';
import { statusView } from '../views/status.ts';

const WATCH_MS = 1000;

/** `status`. The version that services would get next is of no interest: containers tell what runs. */
export const run: Command<'status'> = async ({ json, exitCode, watch }, session) => {
  const { ports } = await session.context();
  const look = (): Promise<StatusView> => status(ports, { version: null });
  if (watch) return watchStatus(look, json, session);
  const view = await look();
  print(session.io.stdout, lines(view, json ? 2 : null, session));
  return exitCode ? view.exit : EXIT.ok;
};

function lines(view: StatusView, jsonIndent: number | null, { io, globals }: Session): readonly string[] {
  if (jsonIndent !== null) return [JSON.stringify(view, null, jsonIndent)];
  return statusView(view, io.stdout.columns ?? 80, styleFor(io.stdout, io.env, globals.ansi));
}

/** Redraws on a terminal; elsewhere, and as JSON, prints one after the other. Ends with Ctrl-C. */
async function watchStatus(look: () => Promise<StatusView>, json: boolean, session: Session): Promise<number> {
  const { io } = session;
  const ended = ctrlC();
  const live =
    !json && io.stdout.isTTY === true ? (await import('../reporters/live-output.ts')).liveOutput(io.stdout) : null;
  while (!ended.aborted) {
    const picture = lines(await look(), json ? 0 : null, session);
    if (live === null) print(io.stdout, picture);
    else live.draw(picture.slice(0, (io.stdout.rows ?? 24) - 1));
    await sleep(WATCH_MS, undefined, { signal: ended }).catch(() => undefined);
  }
  live?.settle();
  return EXIT.interrupted;
}
