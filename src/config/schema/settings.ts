import * as z from 'zod';
import { checks, probe } from './checks.ts';
import { hooks, notify, sticky, update } from './extras.ts';
import { canaryStep } from './steps.ts';
import { count, duration, match, name, port, refuse, routeHost, routePath } from './values.ts';

const names = z.array(name);

const promote = z
  .union([z.string(), z.number()], { error: 'must be auto, manual or a duration' })
  .transform((value, context) => {
    if (value === 'auto' || value === 'manual') return value;
    const ms = duration.safeParse(value);
    if (ms.success) return ms.data;
    return refuse(context, {
      code: 'E04',
      message: `is ${JSON.stringify(value)}`,
      hint: 'write auto, manual or a duration such as 10m',
    });
  });

/** Keys that stand at top level, as a default for every service, and in a service (DESIGN section 4). */
const both = {
  strategy: z.enum(['blue-green', 'rolling', 'canary', 'recreate']).optional(),
  retire_after: duration.optional(),
  liveness: z.enum(['none', 'restart']).optional(),
  promote: promote.optional(),
  checks: checks.optional(),
  watch: names.optional(),
  before: names.optional(),
  after: names.optional(),
  hooks: hooks.optional(),
  sticky: sticky.nullable().optional(),
  shrink_stable: z.boolean().optional(),
  progress_deadline: duration.optional(),
  drain_timeout: duration.optional(),
};

const proxy = z.strictObject({
  driver: z.enum(['caddy', 'nginx', 'none']).optional(),
  service: name.optional(),
  host: z.boolean().optional(),
  template: name.optional(),
  output: name.optional(),
});

/** `x-deploy-bg` at top level; times in milliseconds. */
export const projectSettings = z.strictObject({
  ...both,
  proxy: proxy.optional(),
  history: count.optional(),
  update: update.optional(),
  notify: notify.optional(),
  version_env: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'must be the name of a variable' })
    .optional(),
});

/** `x-deploy-bg` of a service; times in milliseconds. */
export const serviceSettings = z.strictObject({
  ...both,
  route: z
    .strictObject({
      port,
      host: routeHost.optional(),
      path: routePath.optional(),
      probe: probe.optional(),
      preview: match.optional(),
    })
    .optional(),
  preview_replicas: z.number().int().optional(),
  steps: z.array(canaryStep).optional(),
});

export type ProjectSettings = z.output<typeof projectSettings>;
export type ServiceSettings = z.output<typeof serviceSettings>;
