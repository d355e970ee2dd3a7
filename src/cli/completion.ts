import type { Command } from 'commander';
import { pluginCall } from './plugin.ts';
import { createProgram } from './program.ts';

/** "No file names": the directive that docker's completion scripts (cobra's protocol) end with. */
const NO_FILES = ':4';

/**
 * Answers `docker deploybg <TAB>`: docker asks with `__complete`, the words so far, and the one that is being typed.
 * A line for each candidate, with its description after a tab.
 */
export function completions(argv: readonly string[]): readonly string[] {
  const words = pluginCall(argv).argv;
  const begun = words.at(-1) ?? '';
  const program = createProgram('docker-deploy-bg', '', () => undefined);
  const called = new Map(program.commands.map((command) => [command.name(), command]));
  const chosen = called.get(words.slice(1, -1).find((word) => called.has(word)) ?? '');
  const candidates = begun.startsWith('-') ? flags([program, ...(chosen ? [chosen] : [])]) : verbs(program, chosen);
  return [...candidates.filter((line) => line.startsWith(begun)), NO_FILES];
}

function verbs(program: Command, chosen: Command | undefined): readonly string[] {
  if (chosen !== undefined) return chosen.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
  return program.commands.map((command) => `${command.name()}\t${command.summary()}`);
}

function flags(commands: readonly Command[]): readonly string[] {
  return commands.flatMap((command) => command.options.map((option) => `${option.long ?? ''}\t${option.description}`));
}
