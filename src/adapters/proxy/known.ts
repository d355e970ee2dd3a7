import { join } from 'node:path';
import { readIfThere, writeWhole } from './files.ts';

const FEATURES_FILE = 'features.json';

/** What a proxy's container has told of itself. */
export interface Known<Features> {
  readonly container: string;
  readonly features: Features;
}

/**
 * What was last remembered; null if that is nothing. A damaged file is as good as none: the proxy is asked again.
 * @param names of all features: an earlier version of this program may not have asked for each
 */
export async function readKnown<Features>(
  output: string,
  names: readonly (keyof Features & string)[],
): Promise<Known<Features> | null> {
  const text = await readIfThere(join(output, FEATURES_FILE));
  try {
    const known = JSON.parse(text ?? 'null') as Partial<Known<Features & object>> | null;
    const { container, features } = known ?? {};
    if (typeof container !== 'string' || features === undefined) return null;
    return names.every((name) => name in features) ? { container, features } : null;
  } catch {
    return null;
  }
}

/** Keeps it beside the generated files: an exec takes longer than the rest of a switch, so that there is one a container. */
export async function remember<Features>(output: string, known: Known<Features>): Promise<void> {
  await writeWhole(join(output, FEATURES_FILE), JSON.stringify(known));
}
