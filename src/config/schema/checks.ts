import * as z from 'zod';
import { parseJsonPath } from '../../core/json-path.ts';
import { command, count, duration, name, refuse, urlPath } from './values.ts';

/** Inclusive bounds of a measured value; `equals` compares as text. */
const bounds = z.strictObject({
  min: z.number().optional(),
  max: z.number().optional(),
  equals: z.union([z.string(), z.number(), z.boolean()]).optional(),
});

/** An HTTP question: any status of 200 to 299 is a pass where no bounds are given. */
export const httpCheck = z.strictObject({
  url: z.string().min(1),
  method: z
    .string()
    .regex(/^[A-Z]+$/, { error: 'must be an HTTP method in capitals' })
    .default('GET'),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().optional(),
  json: z
    .string()
    .refine((path) => parseJsonPath(path) !== null, { error: 'must be a path such as data.result[0].value' })
    .optional(),
});

export type HttpCheck = z.output<typeof httpCheck>;

const providers = {
  http: httpCheck.optional(),
  prometheus: z.strictObject({ url: z.string().min(1), query: z.string().min(1) }).optional(),
  command: z.strictObject({ run: command, in: z.enum(['candidate', 'image']).default('candidate') }).optional(),
  builtin: z.enum(['error_rate', 'latency_p50', 'latency_p95', 'latency_p99', 'requests']).optional(),
};

const PROVIDERS = ['http', 'prometheus', 'command', 'builtin'] as const;

/** One named check (DESIGN section 4, "Checks"); times in milliseconds. */
export const check = z
  .strictObject({
    ...providers,
    interval: duration.optional(),
    initial_delay: duration.default(0),
    count: z.number().int().min(1).optional(),
    timeout: duration.default(10_000),
    pass: bounds.optional(),
    fail: bounds.optional(),
    failure_limit: count.default(0),
    inconclusive_limit: count.default(0),
    error_limit: count.default(4),
    no_data: z.enum(['error', 'pass', 'fail', 'inconclusive']).default('error'),
    dry_run: z.boolean().default(false),
  })
  .superRefine((value, context) => {
    const given = PROVIDERS.filter((provider) => value[provider] !== undefined);
    if (given.length !== 1)
      refuse(context, {
        code: 'E09',
        message: given.length === 0 ? 'has no provider' : `has several providers: ${given.join(', ')}`,
        hint: 'give exactly one of http, prometheus, command, builtin',
      });
    if ((value.count ?? 1) > 1 && value.interval === undefined)
      refuse(context, { code: 'E09', message: 'has a count but no interval', hint: 'add interval: 10s' });
    const measured = value.prometheus !== undefined || value.builtin !== undefined;
    if (measured && value.pass === undefined && value.fail === undefined)
      refuse(context, { code: 'E09', message: 'has no bounds', hint: 'add pass: {max: …} or fail: {min: …}' });
  });

/** Checks by name. */
export const checks = z.record(name, check);

export type Check = z.output<typeof check>;

/** How the router asks a replica whether it is ready; times in milliseconds. */
export const probe = z.strictObject({
  path: urlPath.describe('what is asked for'),
  port: z.number().int().min(1).max(65_535).optional().describe('where, if not at the port of the route'),
  interval: duration.default(250).describe('how often; 250ms'),
  timeout: duration.default(2000).describe('how long an answer may take; 2s'),
  status: z
    .union([z.string(), z.number()])
    .default('200-399')
    .transform((value, context): readonly [number, number] => {
      const match = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(String(value));
      const [low, high] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
      if (match !== null && low <= high) return [low, high];
      return refuse(context, {
        code: 'E01',
        message: `is no range of HTTP status codes: ${JSON.stringify(value)}`,
        hint: 'write 200 or 200-399',
      });
    })
    .describe('statuses that mean ready; 200-399'),
});
