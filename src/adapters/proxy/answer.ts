import type { RouteState } from '../../core/observed.ts';
import { parseBackends, parseMatched, parseMirror, parseSticky } from './route-text.ts';

/** What a proxy answers about itself: lines of words, the same for every driver. */
export interface Answer {
  /** Fingerprint of the configuration that it has loaded. */
  readonly digest: string;
  readonly routes: readonly RouteState[];
  /** The rest of the line that begins with a name and a service; empty if there is no such line. */
  rest(name: string, service: string): string;
}

/** The answer to a read-back; null if it is not one. */
export function parseAnswer(text: string): Answer | null {
  const lines = text.split('\n').map((line) => line.trim().split(' '));
  const digest = lines.find(([word]) => word === 'config')?.[1];
  if (digest === undefined) return null;
  const rest = (name: string, service: string): string =>
    (lines.find(([word, of]) => word === name && of === service)?.slice(2) ?? []).join(' ');
  const routes = lines
    .filter(([word]) => word === 'route')
    .map(([, service = '', host, path]): RouteState => {
      const matched = parseMatched(rest('matched', service));
      const mirror = parseMirror(rest('mirror', service));
      const sticky = parseSticky(rest('sticky', service));
      return {
        service,
        host: given(host),
        path: given(path),
        backends: parseBackends(rest('backends', service)) ?? [],
        ...(matched === null ? {} : { matched }),
        ...(mirror === null ? {} : { mirror }),
        ...(sticky === null ? {} : { sticky }),
      };
    });
  return { digest, routes, rest };
}

function given(text: string | undefined): string | null {
  return text === undefined || text === '-' ? null : text;
}
