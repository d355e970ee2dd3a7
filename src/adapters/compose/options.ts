/** How Compose is called: whose docker, which files, in which environment. */
export interface ComposeOptions {
  /** The docker binary and Docker's global flags: `['/usr/bin/docker', '--context', 'prod']`. */
  readonly docker: readonly string[];
  /** The words that Compose is called by: `['/usr/bin/docker', 'compose']`, or its own program with the same flags. */
  readonly compose: readonly string[];
  /** `-f`, in order; empty for Compose's own discovery. Standard input (`-`) is refused. */
  readonly files: readonly string[];
  readonly projectName?: string;
  readonly envFiles: readonly string[];
  readonly profiles: readonly string[];
  readonly projectDirectory?: string;
  /** The directory that relative paths of the flags belong to, absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The user's flags with Compose's meaning. */
export function userFlags(options: ComposeOptions): readonly string[] {
  return [
    ...options.files.flatMap((file) => ['-f', file]),
    ...flag('-p', options.projectName),
    ...derivedFlags(options),
    ...options.profiles.flatMap((profile) => ['--profile', profile]),
    ...flag('--project-directory', options.projectDirectory),
  ];
}

/** The flags that hold for files of our own making as well. */
export function derivedFlags(options: ComposeOptions): readonly string[] {
  return options.envFiles.flatMap((file) => ['--env-file', file]);
}

function flag(name: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [name, value];
}

/** What the docker CLI itself needs to find its engine, its plugins and its credentials. */
const OF_DOCKER = /^(PATH|HOME|USER|LOGNAME|TMPDIR|XDG_.*|DOCKER_.*|SSH_.*|LANG|LC_.*)$/;

/**
 * The environment of a call on a frozen file: nothing of the caller's can flow into the model, no `COMPOSE_*` holds.
 * @param values of `environment:` secrets and configs, as the release captured them
 */
export function frozenEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  values: Readonly<Record<string, string>>,
): Record<string, string | undefined> {
  const kept = Object.entries(env).filter(([name]) => OF_DOCKER.test(name));
  return { ...BRIEF, ...Object.fromEntries(kept), ...values, ...ORPHANS, ...PLAIN };
}

/**
 * Compose lives for a tenth of a second: a third of that went into collecting garbage, for 3 MB (Go, `runtime`: `GOGC`).
 * Not where it reads the user's own files: they may hold a variable of that name.
 */
export const BRIEF = { GOGC: '400' };

/** Seen: `COMPOSE_REMOVE_ORPHANS=true` in an `.env` removed a running service. */
export const ORPHANS = { COMPOSE_REMOVE_ORPHANS: 'false', COMPOSE_IGNORE_ORPHANS: 'true' };

/** What Compose says is read by a program. */
export const PLAIN = { COMPOSE_PROGRESS: 'plain', COMPOSE_ANSI: 'never', COMPOSE_MENU: 'false' };
