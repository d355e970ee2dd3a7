import { type Live, releaseSide } from './live.ts';
import type { Observed, ObservedContainer, RouteState } from './observed.ts';
import type { Release } from './release.ts';
import { serving } from './routing.ts';
import { placeOf, replicasIn } from './sides.ts';
import { replicasOf, routed } from './strategies/bring-in.ts';

/**
 * What the proxy does when the live release alone serves, whatever it does now; null while one of its services could
 * not answer: then other routes are no better.
 */
export function liveRoutes(
  observed: Observed,
  live: Live,
  release: Release | null,
  chosen: (replicas: readonly ObservedContainer[], service: string) => readonly ObservedContainer[] = serving,
): readonly RouteState[] | null {
  if (release === null || live.kind === 'none' || live.kind === 'unclear') return null;
  const side = releaseSide(release, live.kind === 'color' ? live.color : null);
  const routes = routed(side).flatMap((service): RouteState[] => {
    const { route, sticky } = side.services[service] ?? {};
    if (route == null) return [];
    const names = chosen(replicasIn(observed, side, service), service).map(({ name }) => name);
    const backends = names.map((container) => ({ container, port: route.port, weight: 1 }));
    const keeps = sticky != null && placeOf(side, service) !== null;
    const { host, path } = route;
    const sides = keeps ? { sticky: { ...sticky, key: release.id, candidates: names } } : {};
    return [{ service, host, path, backends, ...sides }];
  });
  const answered = routes.every(({ service, backends }) => backends.length > 0 || replicasOf(side, service) === 0);
  return routes.length > 0 && answered ? routes : null;
}
