import { CommanderError, type Command } from 'commander';
import { DeployError } from '../core/errors.ts';
import type { Invocation } from './invocation.ts';
import { pluginCall } from './plugin.ts';
import { createProgram } from './program.ts';

/** A command to run, or a text (help, version) to print. */
export type Parsed = Invocation | { readonly command: 'text'; readonly text: string };

/** Understands a command line without doing anything. @throws invalid-usage, invalid-version */
export function parse(argv: readonly string[], version: string, columns = 80): Parsed {
  const call = pluginCall(argv);
  const chosen: Invocation[] = [];
  const printed: string[] = [];
  const program = createProgram(call.name, version, (invocation) => chosen.push(invocation));
  const write = (chunk: string): void => {
    printed.push(chunk);
  };
  capture(program, write, columns);
  try {
    program.parse([...call.argv], { from: 'user' });
  } catch (error) {
    rethrowUnlessHelp(error, program);
  }
  return chosen[0] ?? { command: 'text', text: printed.join('') };
}

/** Subcommands inherit neither of these from a program that declared them before. */
function capture(program: Command, write: (chunk: string) => void, columns: number): void {
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: write,
      writeErr: write,
      outputError: () => undefined,
      getOutHelpWidth: () => columns,
      getErrHelpWidth: () => columns,
    });
  }
}

/** Commander throws after printing help or the version too; help without a verb is no error of a person. */
function rethrowUnlessHelp(error: unknown, program: Command): void {
  if (!(error instanceof CommanderError)) throw error;
  if (error.exitCode === 0 || error.code === 'commander.help') return;
  const [what = '', hint] = error.message.replace(/^error: /, '').split('\n');
  throw new DeployError('invalid-usage', {
    what,
    next:
      hint === undefined ? `see ${program.name()} help` : `${hint.replace(/^\(|\)$/g, '')} See ${program.name()} help`,
  });
}
