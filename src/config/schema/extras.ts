import * as z from 'zod';
import { isSchedule } from '../../core/schedule.ts';
import { isRange, parseWindow } from '../../core/update.ts';
import { command, cookieName, count, duration, name, refuse } from './values.ts';

const HOOK_TIMEOUT_MS = 300_000;

const timeout = duration.default(HOOK_TIMEOUT_MS);
const inService = z.strictObject({ service: name, command });

const WINDOW = 'must be hours of the day such as 22:00-06:00';
const NO_WINDOW = { message: WINDOW, hint: 'write HH:MM-HH:MM, in the time of this machine' };

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

/** What `update` keeps up to date: a tag that moves, or the newest version in a range. */
export const update = z
  .strictObject({
    image: name.optional(),
    range: z.string().refine(isRange, { error: 'must be a range of versions such as ^1.2 or >=2 <3' }).optional(),
    version: name.optional(),
    schedule: z
      .string()
      .refine(isSchedule, { error: 'must be a cron expression of five fields such as "0 4 * * *"' })
      .optional(),
    window: z
      .string({ error: WINDOW })
      .transform((text, context) => parseWindow(text) ?? refuse(context, { code: 'E01', ...NO_WINDOW }))
      .optional(),
  })
  .superRefine(({ range, version, image }, context) => {
    if (range !== undefined && image === undefined)
      refuse(context, {
        code: 'E01',
        message: 'has a range, but does not say of which image',
        hint: 'add image: and the service whose tags shall be looked at',
      });
    if (range !== undefined && version !== undefined)
      refuse(context, {
        code: 'E01',
        message: 'has both a range and a version',
        hint: 'leave version out: the newest in the range is deployed',
      });
  });

/** Visitors stay with the release that they got first; milliseconds. */
export const sticky = z.strictObject({
  cookie: cookieName.default('deploy-bg'),
  max_age: duration.default(86_400_000),
});
