import type { Context } from './context.ts';
import { isPlainlyHere } from './elsewhere/where.ts';
import type { Command, Session } from './session.ts';
import type { CommandName, CommandOptions, Invocation } from './invocation.ts';
import { print, processIo, type Io } from './io.ts';
import { parse } from './parse.ts';
import { createReporter, type Reporter } from './reporters/reporter.ts';
import { shownError } from './shown-error.ts';
import { styleFor } from './style.ts';
import { errorView } from './views/error.ts';

export interface Program {
  readonly version: string;
  /** Path under which this program was called. */
  readonly executable: string;
}

/** Runs one command line; returns the exit code of the table in DESIGN section 11. */
export async function main(
  argv: readonly string[],
  program: Program,
  io = processIo(program.executable),
): Promise<number> {
  try {
    if (argv.some((word) => word.startsWith('__complete'))) return await complete(argv, io);
    const parsed = parse(argv, program.version, io.stdout.columns);
    if (parsed.command !== 'text') return await run(argv, parsed, program, io);
    io.stdout.write(parsed.text);
    return 0;
  } catch (error) {
    const shown = shownError(error, argv.includes('--debug') || argv.includes('-D'));
    print(io.stderr, errorView(shown, styleFor(io.stderr, io.env, 'auto'), io.stderr.columns));
    return shown.exit;
  }
}

const ofProject = () => import('./commands/project-commands.ts');

/** What a command is made of is loaded when it is chosen, and not before. */
const LOADERS: { readonly [K in CommandName]: () => Promise<Command<K>> } = {
  deploy: async () => (await ofProject()).deploy,
  plan: async () => (await ofProject()).plan,
  update: async () => (await ofProject()).update,
  systemd: async () => (await ofProject()).systemd,
  agent: async () => (await import('./commands/agent.ts')).run,
  status: async () => (await ofProject()).status,
  rollback: async () => (await ofProject()).rollback,
  promote: async () => (await ofProject()).promote,
  pause: async () => (await ofProject()).pause,
  resume: async () => (await ofProject()).resume,
  retry: async () => (await ofProject()).retry,
  abort: async () => (await ofProject()).abort,
  cleanup: async () => (await ofProject()).cleanup,
  reset: async () => (await ofProject()).reset,
  history: async () => (await ofProject()).history,
  events: async () => (await ofProject()).events,
  logs: async () => (await ofProject()).logs,
  init: async () => (await import('./commands/init.ts')).run,
  lint: async () => (await import('./commands/lint.ts')).run,
  doctor: async () => (await import('./commands/doctor.ts')).run,
  install: async () => (await import('./commands/install.ts')).run,
  completion: async () => (await import('./commands/completion.ts')).run,
  'shell-init': async () => (await import('./commands/shell-init.ts')).run,
  version: async () => (await import('./commands/version.ts')).run,
};

async function run(argv: readonly string[], invocation: Invocation, { version }: Program, io: Io): Promise<number> {
  const { globals } = invocation;
  const reporter = await createReporter(globals, io);
  try {
    const exit = await elsewhere(argv, invocation, io);
    if (exit !== null) return exit;
    const session = { io, globals, version, reporter, context: contextOnce(invocation, reporter, io) };
    return await dispatch(invocation.command, invocation.options, session);
  } catch (error) {
    const shown = shownError(error, globals.debug);
    reporter.failed(shown);
    return shown.exit;
  } finally {
    reporter.settle();
  }
}

/** An engine on this machine costs nothing: what the others need is loaded for them alone. */
async function elsewhere(argv: readonly string[], invocation: Invocation, io: Io): Promise<number | null> {
  if (isPlainlyHere(invocation.globals.docker, io.env)) return null;
  const { runElsewhere } = await import('./elsewhere/elsewhere.ts');
  return runElsewhere(argv, invocation, io);
}

async function dispatch<K extends CommandName>(
  command: K,
  options: CommandOptions[K],
  session: Session,
): Promise<number> {
  const runCommand = await LOADERS[command]();
  return runCommand(options, session);
}

function contextOnce({ globals }: Invocation, reporter: Reporter, io: Io): Session['context'] {
  let context: Promise<Context> | null = null;
  return (version) =>
    (context ??= ofProject().then(({ createContext }) => createContext(globals, reporter, io, version ?? null)));
}

async function complete(argv: readonly string[], io: Io): Promise<number> {
  const { completions } = await import('./completion.ts');
  print(io.stdout, completions(argv));
  return 0;
}
