import type { Backend, RouteState } from '../../core/observed.ts';

/** What a proxy answers about itself: lines of words, the same for every driver. */
export interface Answer {
  /** Fingerprint of the configuration that it has loaded. */
  readonly digest: string;
  readonly routes: readonly RouteState[];
  /** The words of the line that begins with a name and a service; none if there is no such line. */
  words(name: string, service: string): readonly string[];
}

/** The answer to a read-back; null if it is not one. */
export function parseAnswer(text: string): Answer | null {
  const lines = text.split('\n').map((line) => line.trim().split(' '));
  const digest = lines.find(([word]) => word === 'config')?.[1];
  if (digest === undefined) return null;
  const words = (name: string, service: string): readonly string[] =>
    lines.find(([word, of]) => word === name && of === service)?.slice(2) ?? [];
  const routes = lines
    .filter(([word]) => word === 'route')
    .map(([, service = '', host, path]) => ({
      service,
      host: given(host),
      path: given(path),
      backends: parseBackends(words('backends', service).join(' ')) ?? [],
    }));
  return { digest, routes, words };
}

function given(text: string | undefined): string | null {
  return text === undefined || text === '-' ? null : text;
}

/** `shop-green-web-green-1:3000=1 …`, or `none`: exact, where slots can only be near. */
export function backendsText(backends: readonly Backend[]): string {
  const list = backends.map(({ container, port, weight }) => `${container}:${port}=${weight}`);
  return list.length === 0 ? 'none' : list.join(' ');
}

/** The reverse of `backendsText`; null for anything else. */
export function parseBackends(text: string): readonly Backend[] | null {
  if (text === 'none') return [];
  const parts = text.split(' ').map((part) => /^([\w.-]+):(\d+)=(\d+)$/.exec(part));
  if (parts.some((part) => part === null)) return null;
  return parts.map((part) => ({ container: part?.[1] ?? '', port: Number(part?.[2]), weight: Number(part?.[3]) }));
}
