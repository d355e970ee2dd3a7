import * as z from 'zod';
import type { Backend, RouteState } from '../../../core/observed.ts';
import { jsonOf } from '../../http/json.ts';
import { backendsText, parseBackends } from '../route-text.ts';

/** Beside the configuration: which version before it names, and behind whom. */
export const SPARES_FILE = 'spares.json';

const backend = z.object({ container: z.string(), port: z.number(), weight: z.number() });
const schema = z.array(z.object({ service: z.string(), behind: z.string(), spare: z.array(backend) }));

/** What of some routes the next call needs to know. */
export function sparesText(routes: readonly RouteState[]): string {
  const spares = routes.flatMap(({ service, backends, spare }) =>
    spare === undefined ? [] : [{ service, behind: backendsText(backends), spare }],
  );
  return `${JSON.stringify(spares)}\n`;
}

/**
 * Routes that say nothing of a version before keep the one that is configured behind their backends, also when some of
 * them have left: that is no reload, and who is left still has somebody behind.
 */
export function keptSpares(routes: readonly RouteState[], text: string | null): readonly RouteState[] {
  const known = schema.safeParse(jsonOf(text ?? ''));
  if (!known.success) return routes;
  return routes.map((route) => {
    const kept = known.data.find(
      ({ service, behind }) => service === route.service && isAmong(route.backends, parseBackends(behind) ?? []),
    );
    return route.spare !== undefined || kept === undefined ? route : { ...route, spare: kept.spare };
  });
}

function isAmong(some: readonly Backend[], all: readonly Backend[]): boolean {
  const names = new Set(all.map(({ container }) => container));
  return some.length > 0 && some.every(({ container }) => names.has(container));
}
