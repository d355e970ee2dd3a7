import { DeployError } from '../../../core/errors.ts';
import type { RouteState } from '../../../core/observed.ts';
import type { ExecResult } from '../engine.ts';
import { words, type Folder } from '../wiring.ts';
import { HTTP_FILE, routeFile, ROUTES_FILE } from './render.ts';

/** True if a generated file is part of the configuration. */
export function isIncluded({ output }: ExecResult, { mounted }: Pick<Folder, 'mounted'>, file: string): boolean {
  return output.includes(`# configuration file ${mounted}/${file}:`);
}

/** What nginx says of a configuration that it does not take. */
export function rejected(output: string): DeployError {
  return new DeployError('proxy-rejected', { what: 'nginx refuses the configuration', details: words(output) });
}

/**
 * Looks through what `nginx -T` says: it names every file that is part of the configuration.
 * @throws proxy-rejected if it is not valid, proxy-not-wired if a line is missing in the user's file
 */
export function checkTested(
  tested: ExecResult,
  place: Pick<Folder, 'mounted'> & { readonly name: string },
  wanted: readonly RouteState[],
): void {
  const { exitCode, output } = tested;
  const { mounted, name: nginx } = place;
  if (exitCode !== 0) throw rejected(output);
  const includes = (file: string): boolean => isIncluded(tested, place, file);
  const line = (file: string): string => `\`include ${mounted}/${file};\``;
  if (!includes(HTTP_FILE)) {
    throw new DeployError('proxy-not-wired', {
      what: `the configuration of ${nginx} does not include the generated files`,
      next: `add ${line(HTTP_FILE)} to its http block`,
    });
  }
  const mirrored = wanted.filter(({ mirror }) => mirror !== undefined).map((route) => route.service);
  if (mirrored.length > 0 && !includes(ROUTES_FILE)) {
    throw new DeployError('proxy-not-wired', {
      what: `requests of ${mirrored.join(', ')} can be mirrored only where all routes are included`,
      next: `add ${line(ROUTES_FILE)} to a server, or use no mirror`,
    });
  }
  const unused = wanted.filter((route) => !includes(ROUTES_FILE) && !includes(routeFile(route.service)));
  if (unused.length === 0) return;
  const names = unused.map((route) => route.service);
  throw new DeployError('proxy-not-wired', {
    what: `no server of ${nginx} uses the route of ${names.join(', ')}`,
    next: `add ${line(ROUTES_FILE)} (all routes) to a server, or ${names.map((name) => line(routeFile(name))).join(', ')} to a location`,
  });
}
