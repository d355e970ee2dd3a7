import type { ProxyContainer } from '../engine.ts';
import { readKnown, remember, type Known } from '../known.ts';
import { OLDEST, type NginxFeatures } from './features.ts';

/**
 * What nginx can do. It is asked once for each container; without one that runs, the answer of the last one counts, and
 * before the first only what every nginx can.
 */
export async function knownFeatures(
  output: string,
  proxy: ProxyContainer | null,
  ask: (proxy: ProxyContainer) => Promise<NginxFeatures>,
): Promise<NginxFeatures> {
  const known = await read(output);
  if (proxy === null) return known?.features ?? OLDEST;
  if (known?.container === proxy.id) return known.features;
  const features = await ask(proxy);
  await remember(output, { container: proxy.id, features });
  return features;
}

/** What a test of the configuration says of it, for the next switch: it may have changed since nginx was asked. */
export async function rememberPages(output: string, proxy: ProxyContainer, ownPages: boolean): Promise<void> {
  const known = await read(output);
  if (known?.container !== proxy.id || known.features.ownPages === ownPages) return;
  await remember(output, { container: proxy.id, features: { ...known.features, ownPages } });
}

function read(output: string): Promise<Known<NginxFeatures> | null> {
  return readKnown<NginxFeatures>(output, Object.keys(OLDEST) as (keyof NginxFeatures)[]);
}
