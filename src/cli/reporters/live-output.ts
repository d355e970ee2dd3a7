import { createLogUpdate } from 'log-update';
import type { Output } from '../io.ts';

/** Lines of a terminal that are drawn again and again in the same place. */
export interface LiveOutput {
  draw(lines: readonly string[]): void;
  /** Leaves the last picture where it is and gives the cursor back. */
  settle(): void;
}

// A terminal that knows these (the others ignore them) shows the picture between them at once: nothing flickers.
const BEGIN = '\u001B[?2026h';
const END = '\u001B[?2026l';

/** A live area on a terminal. */
export function liveOutput(output: Output): LiveOutput {
  const update = createLogUpdate(whole(output));
  return {
    draw: (lines) => {
      update(lines.join('\n'));
    },
    settle: () => {
      update.done();
    },
  };
}

function whole(output: Output): NodeJS.WritableStream {
  const stream = {
    write: (text: string) => output.write(BEGIN + text + END),
    get columns() {
      return output.columns ?? 80;
    },
    get rows() {
      return output.rows ?? 24;
    },
  };
  // log-update asks for no more of a stream than this.
  return stream as unknown as NodeJS.WritableStream;
}
