import { createInterface } from 'node:readline/promises';
import type { Io } from './io.ts';

/** Asks a person; no person, no yes. Ctrl-C is a no. */
export async function ask(question: string, io: Io, signal: AbortSignal): Promise<boolean> {
  if (io.stdin.isTTY !== true || signal.aborted) return false;
  io.stderr.write(`${question} [y/N] `);
  // Not in raw mode: there Ctrl-C would be a letter, and no signal.
  const lines = createInterface({ input: io.stdin, terminal: false });
  try {
    return isYes(await lines.question('', { signal }));
  } catch {
    io.stderr.write('\n');
    return false;
  } finally {
    lines.close();
  }
}

function isYes(answer: string): boolean {
  return /^(y|yes)$/i.test(answer.trim());
}
