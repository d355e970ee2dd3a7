import { readKnown, remember, type Known } from '../known.ts';
import { OLDEST, type NginxFeatures } from './features.ts';
import type { RunningNginx } from './nginx.ts';

/**
 * What nginx can do. It is asked once for each that runs; without one, the answer of the last one counts, and
 * before the first only what every nginx can.
 */
export async function knownFeatures(output: string, nginx: RunningNginx | null): Promise<NginxFeatures> {
  const known = await read(output);
  if (nginx === null) return known?.features ?? OLDEST;
  if (known?.container === nginx.id) return known.features;
  const features = await nginx.features();
  await remember(output, { container: nginx.id, features });
  return features;
}

/** What a test of the configuration says of it, for the next switch: it may have changed since nginx was asked. */
export async function rememberPages(output: string, { id }: RunningNginx, ownPages: boolean): Promise<void> {
  const known = await read(output);
  if (known?.container !== id || known.features.ownPages === ownPages) return;
  await remember(output, { container: id, features: { ...known.features, ownPages } });
}

function read(output: string): Promise<Known<NginxFeatures> | null> {
  return readKnown<NginxFeatures>(output, Object.keys(OLDEST) as (keyof NginxFeatures)[]);
}
