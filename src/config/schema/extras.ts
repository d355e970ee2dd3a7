import * as z from 'zod';
import { command, count, duration, name } from './values.ts';

const hook = z
  .union([command, z.strictObject({ run: command, timeout: duration.default(300_000) })])
  .transform((value) => (typeof value === 'object' && 'run' in value ? value : { run: value, timeout: 300_000 }));

/** Commands at the turns of a rollout; times in milliseconds. One hook or a list of them. */
const hookList = z.union([z.array(hook), hook.transform((value) => [value])]);

/** Hooks by the moment at which they run (DESIGN section 4). */
export const hooks = z.strictObject({
  pre_deploy: hookList.optional(),
  pre_switch: hookList.optional(),
  post_switch: hookList.optional(),
  post_deploy: hookList.optional(),
  pre_drain: hookList.optional(),
  on_failure: hookList.optional(),
  pre_rollback: hookList.optional(),
  post_rollback: hookList.optional(),
});

/** Whom to tell about a rollout; times in milliseconds. */
export const notify = z.array(
  z.strictObject({
    url: z.string().min(1),
    on: z.enum(['info', 'warn', 'error']).default('info'),
    format: z.enum(['json', 'slack']).default('json'),
    timeout: duration.default(10_000),
    retries: count.default(0),
  }),
);

/** Scheduled updates: a cron expression or an interval in milliseconds, and the version to deploy. */
export const update = z.strictObject({
  schedule: z.string().min(1).optional(),
  every: duration.optional(),
  version: z.string().min(1).default('latest'),
});

/** Visitors stay with the release that they got first; milliseconds. */
export const sticky = z.strictObject({
  cookie: name.default('deploy-bg'),
  max_age: duration.default(86_400_000),
});
