import { Option, type Command } from 'commander';
import { ANSI_MODES, PROGRESS_MODES, type AnsiMode, type GlobalOptions, type ProgressMode } from './globals.ts';

/** As commander collects them: a flag that was not given is missing. */
interface RawGlobals {
  readonly file: readonly string[];
  readonly projectName?: string;
  readonly envFile: readonly string[];
  readonly profile: readonly string[];
  readonly projectDirectory?: string;
  readonly progress: ProgressMode;
  readonly quiet: boolean;
  readonly ansi: AnsiMode;
  readonly yes: boolean;
  readonly config?: string;
  readonly context?: string;
  readonly debug: boolean;
  readonly host?: string;
  readonly logLevel?: string;
  readonly tls: boolean;
  readonly tlsverify: boolean;
  readonly tlscacert?: string;
  readonly tlscert?: string;
  readonly tlskey?: string;
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** Declares the flags that are understood before and after every verb. */
export function declareGlobalFlags(program: Command): void {
  declareOutputFlags(program);
  declareComposeFlags(program);
  declareDockerFlags(program);
}

function declareOutputFlags(program: Command): void {
  program
    .optionsGroup('Output options:')
    .addOption(new Option('--progress <mode>', 'how progress is shown').choices(PROGRESS_MODES).default('auto'))
    .option('-q, --quiet', 'show errors only', false)
    .addOption(new Option('--ansi <when>', 'print ANSI control characters').choices(ANSI_MODES).default('auto'))
    .option('-y, --yes', 'answer every question with yes', false);
}

function declareComposeFlags(program: Command): void {
  program
    .optionsGroup('Compose options:')
    .option('-f, --file <file>', 'Compose configuration files', collect, [])
    .option('-p, --project-name <name>', 'project name')
    .option('--env-file <file>', 'alternate environment file', collect, [])
    .option('--profile <name>', 'profile to enable', collect, [])
    .option('--project-directory <dir>', 'alternate working directory');
}

function declareDockerFlags(program: Command): void {
  program
    .optionsGroup('Docker options:')
    .option('--config <dir>', "location of Docker's client config files")
    .option('-c, --context <name>', 'context to connect to the engine with')
    .option('-D, --debug', 'show stack traces', false)
    .option('-H, --host <socket>', 'engine socket to connect to')
    .option('-l, --log-level <level>', 'understood for the sake of docker')
    .option('--tls', 'use TLS; implied by --tlsverify', false)
    .option('--tlscacert <file>', 'trust certificates signed only by this CA')
    .option('--tlscert <file>', 'TLS certificate file')
    .option('--tlskey <file>', 'TLS key file')
    .option('--tlsverify', 'use TLS and verify the remote', false);
}

/** What was given, in the form that everything else uses. */
export function readGlobals(program: Command): GlobalOptions {
  const raw = program.opts<RawGlobals>();
  return {
    docker: readDocker(raw),
    compose: {
      files: raw.file,
      projectName: raw.projectName ?? null,
      envFiles: raw.envFile,
      profiles: raw.profile,
      projectDirectory: raw.projectDirectory ?? null,
    },
    progress: raw.quiet ? 'quiet' : raw.progress,
    ansi: raw.ansi,
    yes: raw.yes,
    debug: raw.debug,
  };
}

function readDocker(raw: RawGlobals): GlobalOptions['docker'] {
  return {
    config: raw.config ?? null,
    context: raw.context ?? null,
    host: raw.host ?? null,
    logLevel: raw.logLevel ?? null,
    tls: raw.tls || raw.tlsverify,
    tlsVerify: raw.tlsverify,
    tlsCaCert: raw.tlscacert ?? null,
    tlsCert: raw.tlscert ?? null,
    tlsKey: raw.tlskey ?? null,
  };
}
