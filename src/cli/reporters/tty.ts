import type { ProgressEvent } from '../../core/events.ts';
import type { GlobalOptions } from '../globals.ts';
import type { Io } from '../io.ts';
import { styleFor } from '../style.ts';
import { endings } from './endings.ts';
import { frame } from './frame.ts';
import { liveOutput } from './live-output.ts';
import { initialProgress, progress, type ProgressState } from './progress-state.ts';
import type { Reporter } from './reporter.ts';

/** Often enough for clocks that show seconds, seldom enough to cost nothing. */
const REDRAW_MS = 250;

/** A tree that is drawn again as things happen. */
export function createTtyReporter(globals: GlobalOptions, io: Io): Reporter {
  const style = styleFor(io.stderr, io.env, globals.ansi);
  const live = liveOutput(io.stderr);
  let state: ProgressState | null = null;
  let timer: NodeJS.Timeout | null = null;

  const draw = (): void => {
    const size = { columns: io.stderr.columns ?? 80, rows: io.stderr.rows ?? 24 };
    if (state !== null) live.draw(frame(state, io.now(), size, style));
  };
  const settle = (): void => {
    if (timer === null) return;
    clearInterval(timer);
    timer = null;
    draw();
    live.settle();
  };
  const { outcome, failed } = endings(globals, io);
  const emit = (event: ProgressEvent): void => {
    state = progress(state ?? initialProgress(io.now()), event, io.now());
    timer ??= setInterval(draw, REDRAW_MS).unref();
    if (isWorthDrawing(event)) draw();
  };
  return {
    emit,
    settle,
    outcome: (result) => {
      settle();
      outcome(result);
    },
    failed: (error) => {
      settle();
      failed(error);
    },
  };
}

/** Probes answer many times a second; the next regular picture shows the last answer. */
function isWorthDrawing(event: ProgressEvent): boolean {
  return event.kind !== 'waiting' && !(event.kind === 'container' && event.change === 'probed');
}
