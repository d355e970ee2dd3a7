import type { ProxyContainer, ProxyEngine } from '../engine.ts';
import { olderThan } from '../version.ts';

/** `{file.…}` without the newline at the end, and heredocs: from here on. */
const NEEDED = [2, 9] as const;

/** What about the running Caddy will cost something. */
export async function caddyWarnings(
  engine: ProxyEngine,
  proxy: ProxyContainer,
): Promise<readonly { readonly code: string; readonly message: string; readonly hint: string }[]> {
  const answer = await engine.exec(proxy.id, ['caddy', 'version']).catch(() => null);
  const version = /v?(\d+)\.(\d+)\.\d+/.exec(answer?.output ?? '');
  if (version === null || !olderThan(version.slice(1).map(Number), NEEDED)) return [];
  return [
    {
      code: 'W06',
      message: `Caddy ${version[0]} is too old to switch by slot files`,
      hint: `use caddy:2 in version ${NEEDED.join('.')} or later`,
    },
  ];
}
