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
  pre_deploy: hookList.optional().describe('before anything is touched; a failure ends it there'),
  pre_switch: hookList.optional().describe('when the new version is ready, before its first requests'),
  post_switch: hookList.optional().describe('when it has all requests; a failure takes them back'),
  post_deploy: hookList.optional().describe('when it is good; a failure is told, and changes nothing'),
  pre_drain: hookList.optional().describe('before the old version is drained; a failure is told'),
  on_failure: hookList.optional().describe('when something failed'),
  pre_rollback: hookList.optional().describe('before the way back'),
  post_rollback: hookList.optional().describe('when the version before serves again'),
});

/** Whom to tell about a rollout; times in milliseconds. */
export const notify = z.array(
  z.strictObject({
    url: z.string().min(1).describe('where it is sent'),
    on: z.enum(['info', 'warn', 'error']).default('info').describe('from which severity on'),
    format: z.enum(['json', 'slack']).default('json').describe('json, or what Slack takes'),
    timeout: duration.default(10_000).describe('how long it may take'),
    retries: count.default(0).describe('how often it is tried again'),
  }),
);

/** What `update` keeps up to date: a tag that moves, or the newest version in a range. */
export const update = z
  .strictObject({
    image: name.optional().describe('the service whose tags are looked at'),
    range: z
      .string()
      .refine(isRange, { error: 'must be a range of versions such as ^1.2 or >=2 <3' })
      .optional()
      .describe('the newest tag in it is deployed: ^1.2'),
    version: name.optional().describe('a tag that moves; the version that serves'),
    schedule: z
      .string()
      .refine(isSchedule, { error: 'must be a cron expression of five fields such as "0 4 * * *"' })
      .optional()
      .describe('when an agent looks: a cron expression of five fields'),
    window: z
      .string({ error: WINDOW })
      .transform((text, context) => parseWindow(text) ?? refuse(context, { code: 'E01', ...NO_WINDOW }))
      .optional()
      .describe('hours of the day in which it may deploy: 22:00-06:00'),
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
  cookie: cookieName.default('deploy-bg').describe('its name'),
  max_age: duration.default(86_400_000).describe('how long a client stays'),
});
