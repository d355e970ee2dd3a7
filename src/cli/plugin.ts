/** The names under which docker (and the launcher in front of it) calls us. */
const PLUGIN_WORDS: ReadonlySet<string> = new Set(['deploybg', 'deploy-bg']);

/** Words before the plugin's name that docker hands on as they are. */
const DOCKER_VERBS: ReadonlySet<string> = new Set(['help', '__complete', '__completeNoDesc']);

/** Flags of Docker and Compose that take the next word as their value. */
const VALUE_FLAGS: ReadonlySet<string> = new Set([
  ...['-c', '--context', '-H', '--host', '--config', '-l', '--log-level', '--tlscacert', '--tlscert', '--tlskey'],
  ...['-f', '--file', '-p', '--project-name', '--env-file', '--profile', '--project-directory'],
  ...['--ansi', '--progress'],
]);

export interface PluginCall {
  readonly argv: readonly string[];
  /** What a person typed to get here, for help texts. */
  readonly name: string;
}

/**
 * Docker calls a plugin with its own command line, unchanged: `--context prod deploybg deploy v1`. Takes the plugin's
 * name out of it; the flags before it stay where they are, because all of them are ours too.
 */
export function pluginCall(argv: readonly string[]): PluginCall {
  const first = operandIndex(argv, 0);
  const at = DOCKER_VERBS.has(argv[first] ?? '') ? first + 1 : first;
  const word = argv[at];
  if (word === undefined || !PLUGIN_WORDS.has(word)) return { argv, name: 'docker-deploy-bg' };
  return { argv: argv.filter((_, index) => index !== at), name: `docker ${word}` };
}

/** Index of the first word that is neither a flag nor the value of one. */
function operandIndex(argv: readonly string[], from: number): number {
  const word = argv[from];
  if (word === undefined || word === '--' || !word.startsWith('-')) return from;
  return operandIndex(argv, from + (VALUE_FLAGS.has(word) ? 2 : 1));
}
