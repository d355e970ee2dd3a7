import * as z from 'zod';
import { deploy } from '../app/deploy.ts';
import { parseVersion } from '../cli/arguments.ts';
import { DeployError } from '../core/errors.ts';
import type { Outcome } from '../app/outcome.ts';
import { refuseHost } from '../app/hand-over.ts';
import type { Ports } from '../app/ports.ts';
import { rollback } from '../app/rollback.ts';
import { steer } from '../app/steer.ts';

/** What ends or begins a rollout runs hooks and tells the proxy. @throws invalid-usage if that is the host's alone */
async function requireOurs({ store }: Ports): Promise<void> {
  const newest = (await store.releases()).at(-1);
  if (newest !== undefined) refuseHost(newest, 'the agent cannot do this', 'use the command on the host');
}

/** What an agent can be told, as the command of that name, and ends as that one does. */
export interface Verb {
  /** What it does, in a line. */
  readonly summary: string;
  /** What can be asked for. */
  readonly body: z.ZodType;
  /** @param body JSON, or an empty object. @throws invalid-usage naming what is wrong with it, and what the command throws */
  readonly run: (ports: Ports, body: unknown, signal: AbortSignal) => Promise<Outcome>;
}

function verb<T>(
  summary: string,
  body: z.ZodType<T>,
  run: (ports: Ports, asked: T, signal: AbortSignal) => Promise<Outcome>,
): Verb {
  return { summary, body, run: async (ports, given, signal) => run(ports, read(body, given), signal) };
}

/** @throws invalid-usage naming what is wrong */
function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const what = parsed.error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; ');
  throw new DeployError('invalid-usage', { what, next: 'see /openapi.json, or docs/agent.md' });
}

const deployBody = z.strictObject({
  version: z.string().meta({ description: 'a valid image tag' }),
  services: z.array(z.string()).default([]).meta({ description: 'to replace; empty: all' }),
  force: z.boolean().default(false).meta({ description: 'replace what is asked for even if nothing changed' }),
});
const rollbackBody = z.strictObject({
  to: z.string().nullable().default(null).meta({ description: 'a release or a version; null: the one before' }),
});
const promoteBody = z.strictObject({
  full: z.boolean().default(false).meta({ description: 'pass all remaining gates' }),
});
const noBody = z.strictObject({});

const steered = (name: 'pause' | 'resume' | 'abort' | 'retry', summary: string): Verb =>
  verb(summary, noBody, async (ports, _, signal) => {
    await requireOurs(ports);
    return steer(ports, { verb: name, timeoutMs: null }, signal);
  });

/** As `deploy --detach`: returns when the rollout is accepted, and the agent runs it. */
const deployDetached = verb('deploy a version; answers when it is accepted', deployBody, (ports, asked, signal) => {
  const plainly = { pull: true, build: false, refresh: false, dryRun: false, takeOver: false, supersede: false };
  const alone = { attach: false, detach: true, waitMs: null, timeoutMs: null };
  return deploy(ports, { ...plainly, ...alone, ...asked, version: parseVersion(asked.version) }, signal);
});

/** By the last part of their path. */
export const VERBS: ReadonlyMap<string, Verb> = new Map([
  ['deploy', deployDetached],
  [
    'rollback',
    verb('go back to the version before; answers when it is over', rollbackBody, async (ports, { to }, signal) => {
      await requireOurs(ports);
      return rollback(ports, { to, timeoutMs: null }, signal);
    }),
  ],
  [
    'promote',
    verb('let a rollout that waits at a gate go on', promoteBody, async (ports, { full }, signal) => {
      await requireOurs(ports);
      return steer(ports, { verb: full ? 'promote-full' : 'promote', timeoutMs: null }, signal);
    }),
  ],
  ['pause', steered('pause', 'stop a rollout where it is; what serves goes on to serve')],
  ['resume', steered('resume', 'let a rollout that a person paused go on')],
  ['abort', steered('abort', 'take a rollout back')],
  ['retry', steered('retry', 'try again what failed')],
]);
