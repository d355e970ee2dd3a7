/** How the application stops when it is told to. */
export type OnSigterm = 'drain' | 'exit' | 'ignore';

/** Everything that can be changed about the application, read once from the environment. Times in milliseconds. */
export interface Settings {
  readonly port: number;
  readonly version: string;
  readonly color: string;
  readonly readyAfter: number;
  readonly exitAfter: number | undefined;
  readonly exitCode: number;
  readonly diesAfterReady: number | undefined;
  readonly neverHealthy: boolean;
  readonly unhealthyAfter: number | undefined;
  readonly onSigterm: OnSigterm;
  /** Every answer begins so late, but for those about health. */
  readonly answersAfter: number;
  readonly logLines: number;
  readonly wsGrace: number;
  readonly keepAlive: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A whole number from the environment; throws with the variable's name when it is something else. */
function wholeNumber(env: Environment, name: string): number | undefined {
  const text = env[name];
  if (text === undefined || text === '') return undefined;
  if (!/^\d+$/.test(text)) throw new Error(`${name} is not a whole number: ${text}`);
  return Number(text);
}

function onSigterm(text: string | undefined): OnSigterm {
  if (text === undefined || text === '') return 'drain';
  if (text === 'drain' || text === 'exit' || text === 'ignore') return text;
  throw new Error(`APP_ON_SIGTERM is none of drain, exit, ignore: ${text}`);
}

/** Reads the settings; throws an Error that names the variable when one cannot be understood. */
export function readSettings(env: Environment): Settings {
  return {
    port: wholeNumber(env, 'PORT') ?? 3000,
    version: env['APP_VERSION'] ?? 'unknown',
    color: env['DEPLOY_COLOR'] ?? '',
    readyAfter: wholeNumber(env, 'APP_READY_AFTER_MS') ?? 0,
    exitAfter: wholeNumber(env, 'APP_EXIT_AFTER_MS'),
    exitCode: wholeNumber(env, 'APP_EXIT_CODE') ?? 1,
    diesAfterReady: wholeNumber(env, 'APP_DIES_AFTER_READY_MS'),
    neverHealthy: !['', '0', 'false', undefined].includes(env['APP_NEVER_HEALTHY']),
    unhealthyAfter: wholeNumber(env, 'APP_UNHEALTHY_AFTER_MS'),
    onSigterm: onSigterm(env['APP_ON_SIGTERM']),
    answersAfter: wholeNumber(env, 'APP_ANSWERS_AFTER_MS') ?? 0,
    logLines: wholeNumber(env, 'APP_LOG_LINES') ?? 0,
    wsGrace: wholeNumber(env, 'APP_WS_GRACE_MS') ?? 1000,
    // Longer than any proxy keeps an idle connection (Caddy: 2 min), so that it is never the application that
    // closes one at the moment the proxy reuses it.
    keepAlive: wholeNumber(env, 'APP_KEEP_ALIVE_MS') ?? 150_000,
  };
}
