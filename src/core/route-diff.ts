import type { RouteState } from './observed.ts';
import { routePlace } from './route-place.ts';
import { shareOf } from './routing.ts';

/** A route as people read it. */
export interface ReadableRoute {
  readonly service: string;
  /** `host (any), path /`. */
  readonly place: string;
  readonly backends: readonly ReadableBackend[];
}

export interface ReadableBackend {
  readonly container: string;
  readonly port: number;
  /** Of the route's requests. */
  readonly percent: number;
}

/** Routes for people, by service. */
export function readableRoutes(routes: readonly RouteState[]): readonly ReadableRoute[] {
  const readable = routes.map((route): ReadableRoute => ({
    service: route.service,
    place: routePlace(route),
    backends: route.backends.map(({ container, port }) => ({
      container,
      port,
      percent: shareOf(route, new Set([container])),
    })),
  }));
  return readable.toSorted((a, b) => (a.service < b.service ? -1 : 1));
}

/** What becomes of routes, as a unified diff: a line a route, and one for each of its backends. */
export function routeDiff(before: readonly ReadableRoute[], after: readonly ReadableRoute[]): readonly string[] {
  const services = [...new Set([...before, ...after].map(({ service }) => service))].toSorted();
  return services.flatMap((service) => {
    const [old, fresh] = [before, after].map((routes) => linesOf(routes.find((route) => route.service === service)));
    return merged(old ?? [], fresh ?? []);
  });
}

function linesOf(route: ReadableRoute | undefined): readonly string[] {
  if (route === undefined) return [];
  const backends = route.backends.map(
    ({ container, port, percent }) => `  ${container}:${String(port)}  ${String(percent)} %`,
  );
  return [`${route.service}: ${route.place}`, ...(backends.length > 0 ? backends : ['  nobody: 503'])];
}

/** The heading stays where it is the same; what goes stands before what comes. */
function merged([heading = '', ...old]: readonly string[], [next = '', ...fresh]: readonly string[]): string[] {
  const headings = heading === next ? [` ${next}`] : [minus(heading), plus(next)].filter((line) => line.length > 1);
  const [left, right] = [new Set(old), new Set(fresh)];
  return [
    ...headings,
    ...old.map((line) => (right.has(line) ? ` ${line}` : minus(line))),
    ...fresh.filter((line) => !left.has(line)).map(plus),
  ];
}

function minus(line: string): string {
  return `-${line}`;
}

function plus(line: string): string {
  return `+${line}`;
}
