import { DeployError } from '../core/errors.ts';
import type { Hooks } from '../core/hooks.ts';
import { isOnHost, type ProxySpec } from '../core/project.ts';
import type { RolloutRecord } from '../core/record.ts';
import { nothingToDo, type Outcome, servesText, sideName } from './outcome.ts';
import type { Ports } from './ports.ts';

/** How long an agent that answers may take to begin. */
const TAKEN_WITHIN_MS = 10_000;
const LOOK_MS = 50;

/** What of a project decides where its rollouts can run; both a project and a release are one. */
interface Runnable {
  readonly proxy: ProxySpec;
  readonly hooks: Hooks;
  readonly services: Readonly<Record<string, { readonly name: string; readonly hooks: Hooks }>>;
}

/** What only a process on the host itself can do, in words; null if an agent in a container can run it as well. */
export function needsHost({ proxy, hooks, services }: Runnable): string | null {
  const all = [{ of: 'of the project', hooks }, ...Object.values(services).map((s) => ({ of: `of ${s.name}`, ...s }))];
  for (const { of, hooks: some } of all)
    for (const [moment, list] of Object.entries(some))
      if (list.some(({ kind }) => kind === 'host')) return `its hook ${moment} ${of} runs on the host`;
  return isOnHost(proxy) ? 'its proxy runs on the host' : null;
}

/**
 * Makes sure that somebody is there who will run a rollout.
 * @throws invalid-usage if only the host can run it, state-unreadable, agent-unreachable
 */
export async function requireAgent({ agent, store }: Ports, project: Runnable): Promise<void> {
  refuseHost(project, '--detach is not possible', 'leave out --detach; a lost terminal does not end a deploy');
  // An agent cannot read either what is unreadable here, and its words would hide why.
  await store.rollouts();
  await agent.ping();
}

/** @throws invalid-usage if only the host can run it */
export function refuseHost(project: Runnable, what: string, next: string): void {
  const reason = needsHost(project);
  if (reason !== null)
    throw new DeployError('invalid-usage', { what: `${what}: ${reason}, where the agent is not`, next });
}

/** How a deploy ends that leaves its rollout to the agent. */
export function accepted(record: RolloutRecord, message: string): Outcome {
  const { version, color } = record.candidate;
  return { ...nothingToDo(version, color, message), state: record.state, rollout: record.id };
}

/**
 * Waits until somebody runs a rollout that was accepted, and let go, here.
 * @returns false if nobody has begun in time
 * @throws superseded if another command took it back before anybody began
 */
export async function isTaken({ store, clock }: Ports, id: string, signal: AbortSignal): Promise<boolean> {
  const until = clock.now() + TAKEN_WITHIN_MS;
  for (;;) {
    const now = (await store.rollouts()).find((record) => record.id === id);
    if (now !== undefined && (now.aborted || now.state === 'superseded')) throw replaced(now);
    if (now !== undefined && now.state !== 'pending') return true;
    if (signal.aborted || clock.now() >= until) return false;
    await clock.wait(LOOK_MS, signal);
  }
}

function replaced(record: RolloutRecord): DeployError {
  return new DeployError('superseded', {
    what: `another command took the deploy of ${record.candidate.version ?? record.id} back before the agent began`,
    serves: servesText(record),
  });
}

/** `v2 (green) is on its way; v1 (blue) serves all traffic`. */
export function onItsWay(record: RolloutRecord): string {
  return `${sideName(record.candidate)} is on its way: ${servesText(record)} until the agent has moved it`;
}
