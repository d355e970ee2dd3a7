import { DeployError } from '../../../core/errors.ts';
import type { RouteState } from '../../../core/observed.ts';
import type { ExecResult } from '../engine.ts';
import { words, type Place } from '../wiring.ts';
import { dialled, matching, ROUTES_FILE, type CaddyConfig } from './render.ts';

/**
 * Looks through what Caddy made of the user's Caddyfile and our files.
 * @throws proxy-rejected if it is not valid, proxy-not-wired if a line is missing in the user's file
 */
export function checkAdapted(
  { exitCode, output }: ExecResult,
  place: Place,
  config: CaddyConfig,
  wanted: readonly RouteState[],
): void {
  if (exitCode !== 0) throw rejected(output);
  if (!output.includes(`config ${config.digest}`)) throw notImported(place);
  // A template of the user's may dial in a way of its own.
  if (place.template !== null) return;
  const unused = wanted.filter(({ service }) => !output.includes(dialled(place.mounted, service)));
  if (unused.length > 0) throw notUsed(unused.map(({ service }) => service));
}

/** @throws invalid-config: Caddy has nothing to send copies of requests with */
export function refuseMirror(wanted: readonly RouteState[]): void {
  const mirrored = wanted.filter(({ mirror }) => mirror !== undefined).map(({ service }) => service);
  if (mirrored.length === 0) return;
  throw new DeployError('invalid-config', {
    what: `Caddy cannot mirror the requests of ${mirrored.join(', ')}`,
    next: 'use nginx, or no mirror',
  });
}

/**
 * A template of the user's may leave out what a step of a canary needs: it would be switched, and nothing would happen.
 * @throws invalid-config
 */
export function checkAble({ files }: CaddyConfig, { mounted, template }: Place, wanted: readonly RouteState[]): void {
  const routes = files.find(({ file }) => file === ROUTES_FILE)?.content ?? '';
  const unable = wanted.filter(
    (route) => route.matched !== undefined && !routes.includes(matching(mounted, route.service)),
  );
  if (unable.length === 0) return;
  throw new DeployError('invalid-config', {
    what: `the template ${template ?? ROUTES_FILE} does not use \`match\` of ${unable.map(({ service }) => service).join(', ')}`,
    next: 'take that part over from the packaged template, or use no match',
  });
}

/** What a command of Caddy failed with: its refusal, nobody who answered (its cmd/commandfuncs.go has the words), or its end. */
export function rejected(output: string): DeployError {
  const details = words(output);
  if (details.length === 0)
    return new DeployError('proxy-unreachable', { what: 'Caddy ended before it said anything of the configuration' });
  if (/performing request/.test(output))
    return new DeployError('proxy-unreachable', { what: 'Caddy does not answer on its admin endpoint', details });
  return new DeployError('proxy-rejected', { what: 'Caddy refuses the configuration', details });
}

function notImported({ service, mounted }: Place): DeployError {
  return new DeployError('proxy-not-wired', {
    what: `the Caddyfile of ${service} does not import the generated files`,
    next: `add the line \`import ${mounted}/*.caddy\` at the top of the Caddyfile, outside of any site`,
  });
}

function notUsed(services: readonly string[]): DeployError {
  const lines = services.map((service) => `\`import deploy-bg-${service}\``).join(', ');
  return new DeployError('proxy-not-wired', {
    what: `no site of the Caddyfile uses the route of ${services.join(', ')}`,
    next: `add \`import deploy-bg\` (all routes) or ${lines} to a site`,
  });
}
