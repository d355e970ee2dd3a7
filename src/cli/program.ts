import { Argument, Command, Option } from 'commander';
import { parseServices, parseSince, parseTail, parseTimeout, parseVersion, parseWait } from './arguments.ts';
import { declareGlobalFlags, readGlobals } from './global-flags.ts';
import type { CommandName, CommandOptions, Invocation, Shell, Since } from './invocation.ts';

/** Called with what was typed, once; commander has validated it. */
export type Chosen = (invocation: Invocation) => unknown;

type Choose = <K extends CommandName>(command: K, options: CommandOptions[K]) => void;

/**
 * The command line as commander knows it. Declares every command here, where it costs nothing; what a command does
 * is loaded when it is chosen.
 */
export function createProgram(name: string, version: string, chosen: Chosen): Command {
  const program = new Command(name)
    .description('Replaces the running version of a Docker Compose project without losing a request.')
    .version(version, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ optionDescription });
  declareGlobalFlags(program);
  const choose: Choose = (command, options) => {
    chosen({ command, options, globals: readGlobals(program) } as Invocation);
  };
  for (const declare of DECLARATIONS) declare(program, choose);
  return program;
}

/** Commander would name the default of every switch, which is always off. */
function optionDescription({ description, argChoices }: Option): string {
  return argChoices === undefined ? description : `${description} (${argChoices.join(', ')})`;
}

type Declare = (program: Command, choose: Choose) => void;

const timeout = (): Option =>
  new Option('--timeout <duration>', 'go back if it takes longer (a pause is left as it is): 90s, 5m').argParser(
    parseTimeout,
  );

const wait = (): Option =>
  new Option('--wait [duration]', 'queue while another command is at work: --wait=10m').argParser(parseWait);

/** What is to be deployed, and made of what. */
function declareWanted(command: Command): Command {
  return command
    .addArgument(new Argument('<version>', 'what ${VERSION} stands for in the compose files').argParser(parseVersion))
    .addOption(new Option('--services <names>', 'only these, comma-separated').argParser(parseServices).default([]))
    .option('--no-pull', 'use the images that are here')
    .option('--build', 'build images first', false)
    .option('--force', 'replace what is asked for even if nothing changed', false)
    .option('--take-over', 'make this checkout the owner of colors that another one deployed', false);
}

const declareDeploy: Declare = (program, choose) => {
  const command = program
    .command('deploy')
    .summary('replace the running version')
    .description('Replaces the running version. On any failure the version that worked stays in charge.');
  declareWanted(command)
    .addOption(timeout())
    .option('--dry-run', 'print the plan and change nothing', false)
    .option('--supersede', 'replace a rollout that is under way', false)
    .option('--attach', 'stay and watch at a pause that only a person can end', false)
    .option('--detach', 'leave it to the agent as soon as it is accepted; with --attach, watch how it ends', false)
    .addOption(wait())
    .action((version: string, raw: RawDeploy) => {
      const { timeout: timeoutMs = null, wait: waited, ...given } = raw;
      const options = { ...given, refresh: false };
      choose('deploy', { ...options, version, timeoutMs, waitMs: waitMsOf(waited) });
    });
};

const declarePlan: Declare = (program, choose) => {
  const command = program
    .command('plan')
    .summary('show what a deploy would do')
    .description('Shows what a deploy would do, what it takes and how long it may last. Changes nothing.');
  declareWanted(command)
    .option('--json', 'print it as JSON', false)
    .action((version: string, raw: Omit<CommandOptions['plan'], 'version'>) => {
      choose('plan', { ...raw, version });
    });
};

/** How long a bare `--wait` queues. */
const DEFAULT_WAIT_MS = 300_000;

function waitMsOf(given: number | true | undefined): number | null {
  return given === true ? DEFAULT_WAIT_MS : (given ?? null);
}

interface RawDeploy extends Omit<CommandOptions['deploy'], 'version' | 'timeoutMs' | 'waitMs' | 'refresh'> {
  readonly timeout?: number;
  readonly wait?: number | true;
}

const declareUpdate: Declare = (program, choose) => {
  program
    .command('update')
    .summary('deploy what the registry has, if that is not what serves')
    .description(
      'Deploys if the tag stands for another image by now, or if there is a newer version in the range of x-deploy-bg.update. For cron and systemd timers.',
    )
    .addArgument(
      new Argument('[version]', 'instead of what the compose files say, or what serves').argParser(parseVersion),
    )
    .option('--now', 'whatever hour x-deploy-bg.update.window says', false)
    .addOption(timeout())
    .option('--dry-run', 'print the plan and change nothing', false)
    .addOption(wait())
    .action((version: string | undefined, raw: RawUpdate) => {
      const { timeout: timeoutMs = null, wait: waited, ...options } = raw;
      choose('update', { ...options, version: version ?? null, timeoutMs, waitMs: waitMsOf(waited) });
    });
};

interface RawUpdate extends Omit<CommandOptions['update'], 'version' | 'timeoutMs' | 'waitMs'> {
  readonly timeout?: number;
  readonly wait?: number | true;
}

const declareSystemd: Declare = (program, choose) => {
  program
    .command('systemd')
    .summary('write a systemd service and timer that run update')
    .option('--dir <dir>', 'write the units there; without it they are printed')
    .option('--schedule <cron>', 'instead of x-deploy-bg.update.schedule: "0 4 * * *"')
    .action((raw: { readonly dir?: string; readonly schedule?: string }) => {
      choose('systemd', { dir: raw.dir ?? null, schedule: raw.schedule ?? null });
    });
};

const declareStatus: Declare = (program, choose) => {
  program
    .command('status')
    .summary('show what serves, what runs and what is left over')
    .option('--json', 'print it as JSON', false)
    .option(
      '--exit-code',
      'exit with 0 only if a version serves complete and alone, else as the last rollout stands',
      false,
    )
    .option('--watch', 'show it again and again', false)
    .action((options: CommandOptions['status']) => {
      choose('status', options);
    });
};

const declareRollback: Declare = (program, choose) => {
  program
    .command('rollback')
    .summary('go back to the version before')
    .option('--to <release>', 'go back to this release or version')
    .addOption(timeout())
    .action((raw: { readonly to?: string; readonly timeout?: number }) => {
      choose('rollback', { to: raw.to ?? null, timeoutMs: raw.timeout ?? null });
    });
};

const declarePromote: Declare = (program, choose) => {
  program
    .command('promote')
    .summary('let a rollout that waits at a gate go on')
    .option('--full', 'pass all remaining gates; ready and verified traffic are still waited for', false)
    .addOption(timeout())
    .action((raw: { readonly full: boolean; readonly timeout?: number }) => {
      choose('promote', { full: raw.full, timeoutMs: raw.timeout ?? null });
    });
};

/** A verb without options of its own. */
const declareSteered =
  (verb: 'pause' | 'resume' | 'abort' | 'retry', summary: string): Declare =>
  (program, choose) => {
    program
      .command(verb)
      .summary(summary)
      .addOption(timeout())
      .action((raw: { readonly timeout?: number }) => {
        choose(verb, { timeoutMs: raw.timeout ?? null });
      });
  };

const declareCleanup: Declare = (program, choose) => {
  program
    .command('cleanup')
    .summary('remove what is not live, and set right what says something else')
    .option('--dry-run', 'only tell what would be done', false)
    .action((options: CommandOptions['cleanup']) => {
      choose('cleanup', options);
    });
};

const declareReset: Declare = (program, choose) => {
  program
    .command('reset')
    .summary('go back to plain Docker Compose')
    .option('--force', 'do not ask, and remove even if the plain side fails', false)
    .action((options: CommandOptions['reset']) => {
      choose('reset', options);
    });
};

const declareHistory: Declare = (program, choose) => {
  program
    .command('history')
    .summary('list the releases there are')
    .option('--timeline', 'list the rollouts instead, one after the other', false)
    .option('--json', 'print it as JSON', false)
    .action((options: CommandOptions['history']) => {
      choose('history', options);
    });
};

const declareEvents: Declare = (program, choose) => {
  program
    .command('events')
    .summary('list what happened in rollouts')
    .option('--follow', 'go on with what comes, until interrupted', false)
    .option('--json', 'print one JSON object a line', false)
    .option('--rollout <id>', 'of this rollout only')
    .addOption(new Option('--since <time>', 'not before: 10m, 2026-01-02T14:03').argParser(parseSince))
    .action((raw: RawEvents) => {
      choose('events', { ...raw, rollout: raw.rollout ?? null, since: raw.since ?? null });
    });
};

interface RawEvents extends Omit<CommandOptions['events'], 'rollout' | 'since'>, RawSince {
  readonly rollout?: string;
}

const declareLogs: Declare = (program, choose) => {
  program
    .command('logs')
    .summary('show what the replicas of all versions write, side by side')
    .addArgument(new Argument('[version]', 'of this version only').argParser(parseVersion))
    .option('--follow', 'go on with what comes, until interrupted', false)
    .addOption(new Option('--tail <lines>', 'the last ones of each replica, or `all`').argParser(parseTail).default(50))
    .addOption(new Option('--since <time>', 'not before: 10m, 2026-01-02T14:03').argParser(parseSince))
    .addOption(new Option('--services <names>', 'of these, comma-separated').argParser(parseServices).default([]))
    .option('--json', 'print one JSON object a line', false)
    .action((version: string | undefined, raw: Omit<CommandOptions['logs'], 'version' | 'since'> & RawSince) => {
      choose('logs', { ...raw, version: version ?? null, since: raw.since ?? null });
    });
};

interface RawSince {
  readonly since?: Since;
}

const declareAgent: Declare = (program, choose) => {
  program
    .command('agent')
    .summary('the sidecar that goes on with deploys when their terminal is gone')
    .addArgument(new Argument('<action>', 'what to do with it').choices(['init', 'status', 'logs']))
    .option('--print', 'init: print the service instead of writing it into the compose file', false)
    .option('--listen <address>', 'init: answer questions there, too, as Prometheus asks them: 127.0.0.1:9180')
    .option('--token-file <file>', 'init: answer who has this token, and not on this machine alone')
    .option('--json', 'status: print it as JSON', false)
    .option('--follow', 'logs: go on with what comes', false)
    .action((action: CommandOptions['agent']['action'], raw: RawAgent) => {
      choose('agent', { ...raw, action, listen: raw.listen ?? null, tokenFile: raw.tokenFile ?? null });
    });
};

interface RawAgent extends Omit<CommandOptions['agent'], 'action' | 'listen' | 'tokenFile'> {
  readonly listen?: string;
  readonly tokenFile?: string;
}

const declareInit: Declare = (program, choose) => {
  program
    .command('init')
    .summary('make a project of yours ready for its first deploy')
    .description(
      'Reads the compose files and the configuration of the proxy, shows what a deploy needs and why, and writes it when asked to. Runs nothing.',
    )
    .addOption(
      new Option('--services <names>', 'what deploys shall replace, comma-separated')
        .argParser(parseServices)
        .default([]),
    )
    .addOption(new Option('--proxy <kind>', 'which proxy to add where there is none').choices(['caddy', 'nginx']))
    .option('--dry-run', 'show it and write nothing', false)
    .option('--json', 'print it as JSON and write nothing, unless --yes is given', false)
    .action((raw: Omit<CommandOptions['init'], 'proxy'> & { readonly proxy?: 'caddy' | 'nginx' }) => {
      choose('init', { ...raw, proxy: raw.proxy ?? null });
    });
};

const declareLint: Declare = (program, choose) => {
  program
    .command('lint')
    .summary('say what is wrong with the compose files')
    .description('Reads the compose files as a deploy would, and asks nothing of an engine. Errors end with 2.')
    .addArgument(new Argument('[version]', 'what ${VERSION} shall stand for: latest').argParser(parseVersion))
    .option('--strict', 'end with 1 if there are warnings', false)
    .option('--json', 'print it as JSON', false)
    .option('--schema', 'print a JSON schema for editors instead', false)
    .action((version: string | undefined, raw: Omit<CommandOptions['lint'], 'version'>) => {
      choose('lint', { ...raw, version: version ?? null });
    });
};

const declareDoctor: Declare = (program, choose) => {
  program
    .command('doctor')
    .summary('look at everything that a deploy depends on')
    .description('Looks at the engine, the compose files, the proxy, what runs and what is stored; changes nothing.')
    .option('--strict', 'end with 1 if there are warnings, too', false)
    .option('--json', 'print it as JSON', false)
    .action((options: CommandOptions['doctor']) => {
      choose('doctor', options);
    });
};

const declareInstall: Declare = (program, choose) => {
  program
    .command('install')
    .summary('make `docker deploybg` and `docker deploy-bg` work')
    .description('Links this program into the plugin folder of Docker, as docker-deploybg.')
    .option('--shim', 'also write a docker launcher that understands the literal `docker deploy-bg`', false)
    .option('--dir <dir>', 'folder for the launcher; it has to come before the real docker in PATH')
    .option('--uninstall', 'take all of it away', false)
    .action((raw: { readonly shim: boolean; readonly uninstall: boolean; readonly dir?: string }) => {
      choose('install', { ...raw, dir: raw.dir ?? null });
    });
};

const declareShellInit: Declare = (program, choose) => {
  program
    .command('shell-init')
    .summary('print a shell function that makes `docker deploy-bg` work')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .action((shell: Shell) => {
      choose('shell-init', { shell });
    });
};

const declareCompletion: Declare = (program, choose) => {
  program
    .command('completion')
    .summary('print a script that completes docker-deploy-bg in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .action((shell: Shell) => {
      choose('completion', { shell });
    });
};

const declareVersion: Declare = (program, choose) => {
  program
    .command('version')
    .summary('print the version')
    .action(() => {
      choose('version', {});
    });
};

const DECLARATIONS: readonly Declare[] = [
  declareDeploy,
  declarePlan,
  declareUpdate,
  declareStatus,
  declareRollback,
  declarePromote,
  declareSteered('pause', 'stop a rollout where it is; what serves goes on to serve'),
  declareSteered('resume', 'let a rollout that a person paused go on'),
  declareSteered('abort', 'take a rollout back'),
  declareSteered('retry', 'try again what failed'),
  declareCleanup,
  declareReset,
  declareHistory,
  declareEvents,
  declareLogs,
  declareInit,
  declareLint,
  declareDoctor,
  declareSystemd,
  declareAgent,
  declareInstall,
  declareShellInit,
  declareCompletion,
  declareVersion,
];
