/** Below the folder of the generated files: where the proxy writes its access log, for us to read. */
export const LOG_FOLDER = 'log';
export const LOG_FILE = 'access.log';

/** What a site of a Caddyfile says to have one. */
export const CADDY_LOG_LINE = 'import deploy-bg-log';
