import { DeployError } from '../../../core/errors.ts';
import type { Backend, ObservedContainer, RouteState } from '../../../core/observed.ts';
import type { Answer } from '../answer.ts';
import { writtenEndpoints } from './endpoints.ts';
import type { Endpoints } from './nginx.ts';
import type { Asked } from './open.ts';
import { usersOf, type Workers } from './workers.ts';

/** Where nginx will ask the backends, for each part of a route. @throws proxy-unreachable if one has no place that this machine reaches */
export function reachedAt(routes: readonly RouteState[], endpoints: Endpoints): readonly (readonly Asked[])[] {
  const parts = routes.flatMap(({ backends, matched, mirror }) => [
    backends,
    matched?.backends ?? [],
    mirror?.backends ?? [],
  ]);
  return parts.map((backends) => backends.map((backend) => askedAt(backend, endpoints)));
}

function askedAt({ container, port }: Backend, endpoints: Endpoints): Asked {
  const endpoint = endpoints(container, port);
  if (endpoint !== null) return { container, endpoint };
  throw new DeployError('proxy-unreachable', {
    what: `${container} cannot be reached from this machine at port ${String(port)}`,
    next: 'publish the port in compose.blue.yml and in compose.green.yml, or give the service a bridge network',
  });
}

/** The routes of an answer; a backend that has gone from the address where nginx asks it is named with that address. */
export function asReached(answer: Answer, endpoints: Endpoints | null): readonly RouteState[] {
  const { routes } = answer;
  if (endpoints === null) return routes;
  const reached = (backend: Backend): Backend => {
    const asked = answer.rest('at', `${backend.container}:${String(backend.port)}`);
    const now = endpoints(backend.container, backend.port);
    return now === null || now === asked ? backend : { ...backend, container: `${backend.container} at ${asked}` };
  };
  return routes.map((route) => ({
    ...route,
    backends: route.backends.map(reached),
    ...(route.matched && { matched: { ...route.matched, backends: route.matched.backends.map(reached) } }),
    ...(route.mirror && { mirror: { ...route.mirror, backends: route.mirror.backends.map(reached) } }),
  }));
}

/** Where its configurations have an nginx of the machine ask containers, and as whom. */
export async function whereOf(texts: readonly string[], workers: Workers | null, proc?: string) {
  const at = ({ name }: ObservedContainer) => texts.flatMap((http) => writtenEndpoints(http, name));
  return { at, uids: workers === null ? null : await usersOf(workers, proc) };
}
