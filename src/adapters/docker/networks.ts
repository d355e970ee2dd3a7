import * as z from 'zod';

/** Of an inspect answer. */
export const networkSettings = z
  .object({ Networks: z.record(z.string(), z.object({ IPAddress: z.string().nullish() }).nullish()).nullish() })
  .nullish();

/** Address by network name; none while the container does not run. */
export function addressesOf(settings: z.output<typeof networkSettings>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings?.Networks ?? {}).flatMap(([name, network]) => {
      const address = network?.IPAddress ?? '';
      return address === '' ? [] : [[name, address]];
    }),
  );
}
