import type { ExecResult } from '../engine.ts';

/** Of what `nginx -T` prints before each file. */
const FILE = /^# configuration file (.*):$/m;
/** What answers for an error, or takes away what a second try needs: the body, and a relay that only hangs up unasked. */
export const PAGES =
  /^[^#\n]*\b(error_page|proxy_intercept_errors|recursive_error_pages|worker_shutdown_timeout|proxy_request_buffering\s+off)\b/m;

/** In a location of the user's own there is no place for a second one. */
const ROUTE_FILE = /^route-[^/]+\.conf$/;

/**
 * True if files that are not ours say what is shown instead of an error, or have a route in a location of their own, or
 * if that is not to be known.
 */
export function hasOwnPages({ exitCode, output }: ExecResult, mounted: string): boolean {
  if (exitCode !== 0) return true;
  // What comes before the first file, then names and contents in turn.
  const [, ...parts] = output.replaceAll('\r', '').split(FILE);
  return parts.some((content, index) => {
    const name = parts[index - 1] ?? '';
    if (index % 2 === 0) return false;
    return name.startsWith(`${mounted}/`) ? ROUTE_FILE.test(name.slice(mounted.length + 1)) : PAGES.test(content);
  });
}
