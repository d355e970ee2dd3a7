import { print } from '../io.ts';
import type { Command } from '../session.ts';

/** `version`. */
export const run: Command<'version'> = (_options, { io, version }) => {
  print(io.stdout, [version]);
  return Promise.resolve(0);
};
