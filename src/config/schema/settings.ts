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
  strategy: z
    .enum(['blue-green', 'rolling', 'canary', 'recreate'])
    .optional()
    .describe(
      'how a version takes the place of another one; blue-green where there is a route or an overlay, else rolling',
    ),
  retire_after: duration
    .optional()
    .describe('how long the old version stays without traffic, for a way back at once; 0s'),
  liveness: z
    .enum(['none', 'restart'])
    .optional()
    .describe('what an agent does with a live replica that turns unhealthy; none'),
  promote: promote
    .optional()
    .describe('when the new version takes the traffic: auto, manual, or a time after which it does; auto'),
  checks: checks.optional().describe('questions by name, asked by `before`, `after`, `watch` and steps of a canary'),
  watch: names.optional().describe('checks that go on from the first requests of the new version until the end'),
  before: names.optional().describe('checks that have to pass before the traffic moves'),
  after: names.optional().describe('checks that have to pass when the new version has all requests'),
  hooks: hooks.optional().describe('commands at the turns of a rollout, by moment'),
  sticky: sticky
    .nullable()
    .optional()
    .describe('clients keep the side that they got first, by a cookie; null: each request is on its own'),
  shrink_stable: z
    .boolean()
    .optional()
    .describe('a canary with a route: the old version gets smaller as its share does; false'),
  progress_deadline: duration.optional().describe('how long a new replica may take to become ready; 300s'),
  drain_timeout: duration.optional().describe('how long requests in flight are waited for; 30s'),
};

const proxy = z.strictObject({
  driver: z.enum(['caddy', 'nginx', 'none']).optional().describe('which proxy it is; by its image'),
  service: name.optional().describe('the service of the proxy; the only one whose image is a Caddy or an nginx'),
  host: z.boolean().optional().describe('the proxy is no container: nginx that runs on the host itself'),
  template: name.optional().describe('a Handlebars template of your own for the generated configuration'),
  output: name.optional().describe('the folder that deploys write and the proxy has mounted'),
});

/** `x-deploy-bg` at top level; times in milliseconds. */
export const projectSettings = z.strictObject({
  ...both,
  proxy: proxy.optional().describe('the proxy that moves the traffic'),
  history: count.optional().describe('how many releases are kept for a rollback, with their images; 5'),
  update: update.optional().describe('what `update` deploys'),
  notify: notify.optional().describe('whom to tell of a rollout'),
  version_env: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'must be the name of a variable' })
    .optional()
    .describe('the variable that carries the version; VERSION'),
});

/** `x-deploy-bg` of a service; times in milliseconds. */
export const serviceSettings = z.strictObject({
  ...both,
  route: z
    .strictObject({
      port: port.describe('the port that the application listens on'),
      host: routeHost.optional().describe('requests for this host alone: shop.example or *.shop.example'),
      path: routePath.optional().describe('requests for this path, and what is below it'),
      probe: probe.optional().describe('what a replica answers when it is ready'),
      preview: match.optional().describe('requests that reach a new version which has no traffic yet'),
    })
    .optional()
    .describe('how requests reach the service through the proxy; left out: they do not'),
  preview_replicas: z.number().int().optional().describe('size of a blue-green candidate before the switch; all of it'),
  steps: z.array(canaryStep).optional().describe('the steps of a canary; a last 100 is implied'),
});

export type ProjectSettings = z.output<typeof projectSettings>;
export type ServiceSettings = z.output<typeof serviceSettings>;
