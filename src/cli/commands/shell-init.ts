import { realpathSync } from 'node:fs';
import { shellFunction } from '../install/shell-function.ts';
import type { Command } from '../session.ts';

/** `shell-init bash|zsh|fish`. */
export const run: Command<'shell-init'> = ({ shell }, { io }) => {
  io.stdout.write(shellFunction(shell, realpathSync(io.executable)));
  return Promise.resolve(0);
};
