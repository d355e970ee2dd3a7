import { completionScript } from '../install/completion-script.ts';
import type { Command } from '../session.ts';

/** `completion bash|zsh|fish`. */
export const run: Command<'completion'> = ({ shell }, { io }) => {
  io.stdout.write(completionScript(shell));
  return Promise.resolve(0);
};
