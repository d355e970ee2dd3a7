import * as z from 'zod';
import { command, cookieName, count, duration, name } from './values.ts';

const HOOK_TIMEOUT_MS = 300_000;

const timeout = duration.default(HOOK_TIMEOUT_MS);
const inService = z.strictObject({ service: name, command });

const WHERE = 'must be a command, {run: …} or {exec: {service: …, command: …}}';

/** A command on the host, in a new container of a service (`run: {service, command}`), or in its running ones. */
const hook = z.union(
  [
    command.transform((value) => ({ run: value, timeout: HOOK_TIMEOUT_MS })),
    z.strictObject({ run: z.union([command, inService], { error: WHERE }), timeout }),
    z.strictObject({ exec: inService, timeout }),
  ],
  { error: WHERE },
);

export type Hook = z.output<typeof hook>;

/** One hook or a list of them: a list of words is a list of hooks, so a command as a list stands under `run`. */
const hookList = z.union([z.array(hook), hook.transform((value) => [value])], { error: WHERE });

/** Commands at the turns of a rollout, by the moment at which they run (DESIGN section 4); times in milliseconds. */
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
  cookie: cookieName.default('deploy-bg'),
  max_age: duration.default(86_400_000),
});
