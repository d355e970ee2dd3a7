import * as z from 'zod';

const network = z.object({ IPAddress: z.string().nullish(), GlobalIPv6Address: z.string().nullish() });

/** Of an inspect answer. */
export const networkSettings = z.object({ Networks: z.record(z.string(), network.nullish()).nullish() }).nullish();

/** Address by network name, of version 4 where it has one; none while the container does not run. */
export function addressesOf(all: z.output<typeof networkSettings>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(all?.Networks ?? {}).flatMap(([name, settings]) => {
      const address = [settings?.IPAddress, settings?.GlobalIPv6Address].find((text) => (text ?? '') !== '') ?? null;
      return address === null ? [] : [[name, address]];
    }),
  );
}
