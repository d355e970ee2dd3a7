import * as z from 'zod';
import { deploy } from '../app/deploy.ts';
import { parseVersion } from '../cli/arguments.ts';
import { DeployError, EXIT } from '../core/errors.ts';
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

/** What an agent can be told, as the command of that name; `body` is JSON, or nothing. Each ends as that command does. */
type Verb = (ports: Ports, body: unknown, signal: AbortSignal) => Promise<Outcome>;

const deployBody = z.strictObject({
  version: z.string(),
  services: z.array(z.string()).default([]),
  force: z.boolean().default(false),
});
const rollbackBody = z.strictObject({ to: z.string().nullable().default(null) });
const promoteBody = z.strictObject({ full: z.boolean().default(false) });
const noBody = z.strictObject({});

/** As `deploy --detach`: returns when the rollout is accepted, and the agent runs it. */
const deployDetached: Verb = (ports, body, signal) => {
  const asked = read(deployBody, body);
  const plainly = { pull: true, build: false, refresh: false, dryRun: false, takeOver: false, supersede: false };
  const alone = { attach: false, detach: true, waitMs: null, timeoutMs: null };
  return deploy(ports, { ...plainly, ...alone, ...asked, version: parseVersion(asked.version) }, signal);
};

const steered =
  (verb: 'pause' | 'resume' | 'abort' | 'retry'): Verb =>
  async (ports, body, signal) => {
    read(noBody, body);
    await requireOurs(ports);
    return steer(ports, { verb, timeoutMs: null }, signal);
  };

/** By the last part of their path. */
export const VERBS: ReadonlyMap<string, Verb> = new Map([
  ['deploy', deployDetached],
  [
    'rollback',
    async (ports, body, signal) => {
      const { to } = read(rollbackBody, body);
      await requireOurs(ports);
      return rollback(ports, { to, timeoutMs: null }, signal);
    },
  ],
  [
    'promote',
    async (ports, body, signal) => {
      const { full } = read(promoteBody, body);
      await requireOurs(ports);
      return steer(ports, { verb: full ? 'promote-full' : 'promote', timeoutMs: null }, signal);
    },
  ],
  ['pause', steered('pause')],
  ['resume', steered('resume')],
  ['abort', steered('abort')],
  ['retry', steered('retry')],
] satisfies readonly (readonly [string, Verb])[]);

/** @throws invalid-usage naming what is wrong */
function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const what = parsed.error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; ');
  throw new DeployError('invalid-usage', { what, next: 'docs/agent.md lists what can be asked' });
}

const STATUS: Readonly<Record<number, 400 | 409 | 503>> = {
  [EXIT.invalid]: 400,
  [EXIT.refused]: 409,
  [EXIT.superseded]: 409,
  [EXIT.unreachable]: 503,
};

/** How an error reads over HTTP: the three parts, the code and the exit code of the command. */
export function answerOf(error: unknown): { readonly status: 400 | 409 | 500 | 503; readonly body: object } {
  if (!(error instanceof DeployError)) return { status: 500, body: { code: 'internal', exit: EXIT.failed } };
  const { code, exit, message, serves, next, details } = error;
  return { status: STATUS[exit] ?? 500, body: { code, exit, message, serves, next, details } };
}
