import type { CheckContext } from '../../app/check-ports.ts';
import type { CheckSpec, Command, Raw } from '../../core/checks.ts';
import type { ObservedContainer } from '../../core/observed.ts';
import type { CommandEnd, CommandRequest } from '../commands/command.ts';
import type { Commands } from '../commands/commands.ts';

export interface CommandCheck {
  readonly run: Command;
  readonly in: 'candidate' | 'image';
}

/**
 * Runs a command in the candidate's running containers, or once in a container of the candidate's image. Without
 * bounds its exit code is the verdict, and every container has to pass: 0 passes. With bounds its last line is the
 * value, of the first container, and any other exit is an error.
 */
export async function measureCommand(
  commands: Commands,
  check: CommandCheck,
  spec: CheckSpec,
  context: CheckContext,
  signal: AbortSignal,
): Promise<Raw> {
  const request: CommandRequest = {
    run: check.run,
    environment: context.environment,
    timeoutMs: spec.timeoutMs,
    onLine: () => undefined,
  };
  if (check.in === 'candidate') return inCandidate(commands, request, spec, context, signal);
  const place = { service: context.service, purpose: `check-${spec.name}` };
  return rawOf(await commands.oneOff(context.frozen, place, request, signal), spec);
}

/** All at once, within one timeout; the first that does not pass speaks for all, in the order of the replicas. */
async function inCandidate(
  commands: Commands,
  request: CommandRequest,
  spec: CheckSpec,
  context: CheckContext,
  signal: AbortSignal,
): Promise<Raw> {
  const running = context.containers.filter(({ state }) => state === 'running');
  const asked = isVerdict(spec) ? running : running.slice(0, 1);
  const measured = await Promise.all(
    asked.map(async (container) =>
      of(container, asked.length, rawOf(await commands.exec(container.id, request, signal), spec)),
    ),
  );
  const bad = measured.find((raw) => raw.kind !== 'value' || raw.value === false);
  return bad ?? measured[0] ?? { kind: 'error', detail: `no candidate container of ${context.service} runs` };
}

/** With several replicas it is told which one speaks. */
function of({ name }: ObservedContainer, replicas: number, raw: Raw): Raw {
  if (replicas === 1) return raw;
  return { ...raw, detail: raw.detail === null ? `in ${name}` : `${raw.detail} (in ${name})` };
}

function rawOf(end: CommandEnd, spec: CheckSpec): Raw {
  switch (end.kind) {
    case 'exited':
      return exited(end.exitCode, end.tail, spec);
    case 'timed-out':
      return { kind: 'error', detail: `did not end within ${spec.timeoutMs} ms${after(end.tail)}` };
    case 'stopped':
      return { kind: 'error', detail: 'was stopped' };
    case 'not-started':
      return { kind: end.noImage ? 'cannot-run' : 'error', detail: end.reason };
  }
}

function isVerdict({ pass, fail }: CheckSpec): boolean {
  return pass === null && fail === null;
}

function exited(exitCode: number, tail: readonly string[], spec: CheckSpec): Raw {
  const detail = `exit code ${exitCode}${after(tail)}`;
  if (isVerdict(spec)) return { kind: 'value', value: exitCode === 0, detail };
  if (exitCode !== 0) return { kind: 'error', detail };
  const last = tail.at(-1)?.trim();
  return last === undefined
    ? { kind: 'no-data', detail: 'the command printed nothing' }
    : { kind: 'value', value: last, detail: null };
}

/** Lines of a command that stand in a message; its whole output is nobody's. */
const SHOWN_LINES = 3;

function after(tail: readonly string[]): string {
  const lines = tail.slice(-SHOWN_LINES).map((line) => line.trim());
  return lines.length === 0 ? '' : `: ${lines.join(' | ')}`;
}
