import * as z from 'zod';
import { parseDuration } from '../../core/duration.ts';
import { isCookieName, matchFaults } from '../../core/match.ts';
import { isRouteHost, isRoutePath, normalPath } from '../../core/route-place.ts';

/** Codes that a schema itself can find; everything else that zod reports is E01. */
export type SchemaCode = 'E01' | 'E02' | 'E03' | 'E04' | 'E05' | 'E09';

interface Refusal {
  readonly code: SchemaCode;
  readonly message: string;
  readonly hint: string;
  readonly path?: readonly (string | number)[];
}

/** The part of zod's refinement context that is used here. */
export interface IssueSink {
  addIssue(issue: {
    code: 'custom';
    message: string;
    params: Record<string, unknown>;
    path?: (string | number)[];
    input?: unknown;
  }): void;
}

/** Reports a finding with its own code; the value counts as refused. */
export function refuse(sink: IssueSink, refusal: Refusal): never {
  const { code, hint, message, path } = refusal;
  sink.addIssue({
    code: 'custom',
    message,
    params: { code, hint },
    ...(path === undefined ? {} : { path: [...path] }),
  });
  return z.NEVER;
}

/** A Compose duration; milliseconds. Unit-less and negative ones are E04. */
export const duration = z
  .union([z.string(), z.number()], { error: 'must be a duration' })
  .transform((value, context) => {
    const ms = parseDuration(String(value));
    if (ms !== null) return ms;
    return refuse(context, {
      code: 'E04',
      message: `is no duration: ${JSON.stringify(value)}`,
      hint: 'write a duration with its unit, 0 or more: 30s, 1m30s, 250ms',
    });
  });

/** A share of 0 to 100 percent; E02 outside. */
export const weight = z.number({ error: 'must be a number of 0 to 100' }).transform((value, context) => {
  if (value >= 0 && value <= 100) return value;
  return refuse(context, {
    code: 'E02',
    message: `is ${value}, not a share of 0 to 100`,
    hint: 'use a number of 0 to 100',
  });
});

/** A TCP port. */
export const port = z.number({ error: 'must be a port number' }).int().min(1).max(65_535);

/** An absolute path of a URL. */
export const urlPath = z.string().regex(/^\/[^\s]*$/, { error: 'must be a path that begins with /' });

/** A host whose requests a route gets, as the proxies can tell it. */
export const routeHost = z
  .string()
  .refine(isRouteHost, { error: 'must be a host name such as shop.example or *.shop.example' });

/** A path whose requests, and those below it, a route gets. */
export const routePath = urlPath.refine((path) => isRoutePath(normalPath(path) ?? '/'), {
  error: 'must be a plain path: letters, digits and "._~-/"',
});

/** A number of things, 0 or more. */
export const count = z.number().int().min(0);

/** A check's name, a service's name and the like. */
export const name = z.string().min(1);

/** The name of a cookie. */
export const cookieName = z.string().refine(isCookieName, {
  error: 'must be the name of a cookie: letters, digits, ".", "_" and "-"',
});

/** What requests are told by; what no proxy could tell, or what would break out of its configuration, is refused. */
export const match = z
  .strictObject({
    headers: z.record(z.string(), z.string()).default({}).describe('headers by name, with their exact values'),
    cookies: z.record(z.string(), z.string()).default({}).describe('cookies by name, with their exact values'),
  })
  .superRefine((value, context) => {
    for (const { path, message } of matchFaults(value)) refuse(context, { code: 'E01', message, hint: MATCH, path });
  });

const MATCH = 'write {headers: {X-Preview: candidate}} or {cookies: {beta: "1"}}, in letters, digits, "-" and "."';

/** A command without a shell, or one line for the shell, kept apart as Compose does. */
export const command = z.union([z.string().min(1), z.array(z.string()).min(1)], {
  error: 'must be a command: a string or a list of strings',
});

/**
 * Parses a value with another schema inside a transform and passes its issues on.
 * @returns the parsed value, or undefined after the issues were reported
 */
export function nested<T>(
  schema: z.ZodType<T>,
  value: unknown,
  path: (string | number)[],
  sink: IssueSink,
): T | undefined {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const { code, hint } = codeOf(issue);
    sink.addIssue({
      code: 'custom',
      message: issue.message,
      params: { code, hint, ...(issue.code === 'unrecognized_keys' ? { keys: issue.keys } : {}) },
      path: [...path, ...issue.path.map(step)],
    });
  }
  return undefined;
}

const CODED = z.object({ code: z.string(), hint: z.string(), keys: z.array(z.string()).optional() });

/** The code, hint and unknown keys that an issue carries; E01 with a general hint for zod's own issues. */
export function codeOf(issue: z.core.$ZodIssue): { code: string; hint: string; keys: readonly string[] } {
  const coded = issue.code === 'custom' ? CODED.safeParse(issue.params) : null;
  if (coded?.success === true) return { code: coded.data.code, hint: coded.data.hint, keys: coded.data.keys ?? [] };
  return {
    code: 'E01',
    hint: 'see "Configuration" in the README',
    keys: issue.code === 'unrecognized_keys' ? issue.keys : [],
  };
}

/** A step of zod's path as a key; symbols cannot stand in YAML. */
export function step(key: PropertyKey): string | number {
  return typeof key === 'number' ? key : String(key);
}
