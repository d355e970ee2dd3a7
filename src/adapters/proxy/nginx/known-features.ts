import { join } from 'node:path';
import type { ProxyContainer } from '../engine.ts';
import { readIfThere, writeWhole } from '../files.ts';
import { OLDEST, type NginxFeatures } from './features.ts';

const FEATURES_FILE = 'features.json';

interface Known {
  readonly container: string;
  readonly features: NginxFeatures;
}

/**
 * What nginx can do. It is asked once for each container, because an exec takes longer than the rest of a switch;
 * without one that runs, the answer of the last one counts, and before the first only what every nginx can.
 */
export async function knownFeatures(
  output: string,
  proxy: ProxyContainer | null,
  ask: (proxy: ProxyContainer) => Promise<NginxFeatures>,
): Promise<NginxFeatures> {
  const path = join(output, FEATURES_FILE);
  const known = parseKnown(await readIfThere(path));
  if (proxy === null) return known?.features ?? OLDEST;
  if (known?.container === proxy.id) return known.features;
  const features = await ask(proxy);
  await writeWhole(path, JSON.stringify({ container: proxy.id, features } satisfies Known));
  return features;
}

/** What a test of the configuration says of it, for the next switch: it may have changed since nginx was asked. */
export async function rememberPages(output: string, proxy: ProxyContainer, ownPages: boolean): Promise<void> {
  const path = join(output, FEATURES_FILE);
  const known = parseKnown(await readIfThere(path));
  if (known?.container !== proxy.id || known.features.ownPages === ownPages) return;
  const features = { ...known.features, ownPages };
  await writeWhole(path, JSON.stringify({ container: proxy.id, features } satisfies Known));
}

/** A damaged file is as good as none: nginx is asked again. */
function parseKnown(text: string | null): Known | null {
  try {
    const known = JSON.parse(text ?? 'null') as Partial<Known> | null;
    if (typeof known?.container !== 'string' || known.features === undefined) return null;
    // Of an earlier version of this program, which did not ask for all.
    if (Object.keys(OLDEST).some((name) => !(name in (known.features ?? {})))) return null;
    return { container: known.container, features: known.features };
  } catch {
    return null;
  }
}
