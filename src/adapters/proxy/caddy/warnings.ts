import type { ProxyContainer, ProxyEngine } from '../engine.ts';
import { readKnown, remember } from '../known.ts';
import { olderThan } from '../version.ts';

/** `{file.…}` without the newline at the end, and heredocs: from here on. */
const NEEDED = [2, 9] as const;

interface CaddyFeatures {
  /** `2.11.4`. */
  readonly version: string;
}

/** What about the running Caddy will cost something. */
export async function caddyWarnings(
  engine: ProxyEngine,
  proxy: ProxyContainer,
  output: string,
): Promise<readonly { readonly code: string; readonly message: string; readonly hint: string }[]> {
  const version = await knownVersion(engine, proxy, output);
  if (version === null || !olderThan(version.split('.').map(Number), NEEDED)) return [];
  return [
    {
      code: 'W06',
      message: `Caddy ${version} is too old to switch by slot files`,
      hint: `use caddy:2 in version ${NEEDED.join('.')} or later`,
    },
  ];
}

/** Asked once for each container; null where Caddy does not tell. */
async function knownVersion(engine: ProxyEngine, proxy: ProxyContainer, output: string): Promise<string | null> {
  const known = await readKnown<CaddyFeatures>(output, ['version']);
  if (known?.container === proxy.id) return known.features.version;
  const answer = await engine.exec(proxy.id, ['caddy', 'version']).catch(() => null);
  const version = /v?(\d+\.\d+\.\d+)/.exec(answer?.output ?? '')?.[1];
  if (version === undefined) return null;
  await remember(output, { container: proxy.id, features: { version } });
  return version;
}
