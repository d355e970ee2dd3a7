/** How progress is shown on stderr; `auto` is tty on a terminal and plain elsewhere. */
export type ProgressMode = 'auto' | 'tty' | 'plain' | 'json' | 'quiet';

/** Whether ANSI control characters may be printed. */
export type AnsiMode = 'auto' | 'always' | 'never';

export const PROGRESS_MODES: readonly ProgressMode[] = ['auto', 'tty', 'plain', 'json', 'quiet'];
export const ANSI_MODES: readonly AnsiMode[] = ['auto', 'always', 'never'];

/** Docker's own flags, given before or after the plugin's name. */
export interface DockerGlobals {
  /** Folder of config.json. */
  readonly config: string | null;
  readonly context: string | null;
  readonly host: string | null;
  readonly logLevel: string | null;
  readonly tls: boolean;
  readonly tlsVerify: boolean;
  readonly tlsCaCert: string | null;
  readonly tlsCert: string | null;
  readonly tlsKey: string | null;
}

/** Compose's own flags, with Compose's meanings; handed on to `docker compose config`. */
export interface ComposeGlobals {
  readonly files: readonly string[];
  readonly projectName: string | null;
  readonly envFiles: readonly string[];
  readonly profiles: readonly string[];
  readonly projectDirectory: string | null;
}

/** What may stand before or after every verb. */
export interface GlobalOptions {
  readonly docker: DockerGlobals;
  readonly compose: ComposeGlobals;
  readonly progress: ProgressMode;
  readonly ansi: AnsiMode;
  /** Answer every question with yes. */
  readonly yes: boolean;
  /** Docker's `-D`: stack traces of defects. */
  readonly debug: boolean;
}
