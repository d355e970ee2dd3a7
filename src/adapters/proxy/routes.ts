import { DeployError } from '../../core/errors.ts';
import type { Backend, RouteState, Sticky } from '../../core/observed.ts';
import { normalPath, routePlace } from '../../core/route-place.ts';
import { refused } from './refused.ts';
import { matchText, mirrorText, stickyText, type Mirror } from './route-text.ts';

const FOLDER = /^\/[A-Za-z0-9._/-]+$/;

/**
 * The routes with their paths in one form, in a fixed order: nothing else ever gets into a proxy's files.
 * @throws invalid-config with every value that is refused
 */
export function checkedRoutes(routes: readonly RouteState[]): readonly RouteState[] {
  const checked = routes.map((route) => ({ ...route, path: normalPath(route.path) }));
  const findings = [...checked.flatMap(refused), ...doubles(checked)];
  if (findings.length > 0) {
    throw new DeployError('invalid-config', {
      what: 'a route cannot be written into the proxy’s configuration',
      details: findings,
    });
  }
  return checked.toSorted((a, b) => (a.service < b.service ? -1 : 1));
}

/** The folder of the generated files as the proxy sees it. @throws invalid-config */
export function checkedFolder(folder: string): string {
  if (FOLDER.test(folder)) return folder;
  throw new DeployError('invalid-config', {
    what: `the proxy’s folder has characters that are not possible: ${folder}`,
  });
}

function doubles(routes: readonly RouteState[]): string[] {
  const services = routes.map((route) => `service ${route.service}`);
  const places = routes.map(routePlace);
  return [services, places]
    .flatMap((list) => list.filter((entry, index) => list.indexOf(entry) !== index))
    .map((entry) => `two routes for ${entry}`);
}

/** True if both say the same, in whatever order their backends stand and to whatever unit their weights are. */
export function sameRoutes(a: readonly RouteState[], b: readonly RouteState[]): boolean {
  return a.length === b.length && comparable(a) === comparable(b);
}

function comparable(routes: readonly RouteState[]): string {
  const lines = routes.map(({ service, host, path, backends, matched, mirror, sticky }) => {
    const matching = matched === undefined ? [] : [matchText(matched.match), ...shares(matched.backends)];
    return [
      service,
      host ?? '',
      path ?? '',
      ...shares(backends),
      ...matching,
      comparableMirror(mirror),
      comparableSticky(sticky),
    ].join(' ');
  });
  return lines.toSorted().join('\n');
}

function shares(backends: readonly Backend[]): readonly string[] {
  const unit = backends.map(({ weight }) => weight).reduce(divisor, 0);
  return backends.map(({ container, port, weight }) => `${container}:${port}=${weight / unit}`).toSorted();
}

function comparableMirror(mirror: Mirror | undefined): string {
  return mirror === undefined ? mirrorText(mirror) : [mirror.percent, ...shares(mirror.backends)].join(' ');
}

function comparableSticky(sticky: Sticky | undefined): string {
  return stickyText(sticky && { ...sticky, candidates: sticky.candidates.toSorted() });
}

/** Greatest common divisor; 0 is neutral. */
export function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}
