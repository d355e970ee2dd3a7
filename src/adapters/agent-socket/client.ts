import { join } from 'node:path';
import * as z from 'zod';
import type { AboutAgent, Agent } from '../../app/ports.ts';
import { withDeadline } from '../../app/signals.ts';
import { DeployError, messageOf } from '../../core/errors.ts';
import { jsonOf } from '../http/json.ts';
import { SOCKET_NAME, socketPath } from './socket.ts';

/** An agent that is there answers at once; it may be looking at a busy engine. */
const ANSWER_MS = 10_000;
/** A rollout may wait for a person in between. */
const ORDER_MS = 3_600_000;

export interface AgentAnswer {
  readonly status: number;
  readonly text: string;
}

/** What an agent says of itself. */
export const aboutSchema = z.object({
  version: z.string(),
  since: z.string().meta({ description: 'when it began, ISO 8601' }),
  next: z.string().nullable().meta({ description: 'when its next update begins, ISO 8601; null if none does' }),
});

/** Of an error's answer, what a person needs. */
const reasonSchema = z.object({ message: z.string(), next: z.string().optional() });

/** The agent of a project, asked through the socket in its state folder. */
export class AgentClient implements Agent {
  readonly #socket: string;

  constructor(stateDirectory: string) {
    this.#socket = join(stateDirectory, SOCKET_NAME);
  }

  async ping(): Promise<void> {
    const { status, text } = await this.get('/readyz');
    if (status === 200) return;
    const { message, next } = reasonSchema.safeParse(jsonOf(text)).data ?? { message: text.trim() };
    throw new DeployError('agent-unreachable', { what: `the agent is not ready: ${message}`, next });
  }

  async about(): Promise<AboutAgent> {
    const { text } = await this.get('/healthz');
    const about = aboutSchema.safeParse(jsonOf(text));
    if (about.success) return about.data;
    throw new DeployError('agent-unreachable', { what: 'who listens in the agent’s place is no agent' });
  }

  /** The answer to a question. @throws agent-unreachable */
  get(path: string): Promise<AgentAnswer> {
    return this.#request({ path, method: 'GET', body: null }, ANSWER_MS);
  }

  /** The answer to an order, whose end is waited for. @throws agent-unreachable */
  post(path: string, body: unknown = {}): Promise<AgentAnswer> {
    return this.#request({ path, method: 'POST', body: JSON.stringify(body) }, ORDER_MS);
  }

  async #request(
    asked: { readonly path: string; readonly method: 'GET' | 'POST'; readonly body: string | null },
    timeoutMs: number,
  ): Promise<AgentAnswer> {
    const socket = await socketPath(this.#socket).catch(unreachable);
    const { default: undici } = await import('undici');
    const client = new undici.Client('http://agent', { socketPath: socket.path, headersTimeout: 0, bodyTimeout: 0 });
    try {
      return await withDeadline(timeoutMs, new AbortController().signal, async (signal) => {
        const { statusCode: status, body } = await client.request({ ...asked, signal });
        return { status, text: await body.text() };
      });
    } catch (error) {
      return unreachable(error);
    } finally {
      await client.destroy();
      await socket.close();
    }
  }
}

/** @throws agent-unreachable */
function unreachable(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  const nobody = code === 'ENOENT' || code === 'ECONNREFUSED';
  throw new DeployError('agent-unreachable', {
    what: nobody ? 'no agent runs in this project' : `the agent does not answer: ${messageOf(error)}`,
    cause: error,
  });
}
