import type { HookContext, HookResult, HookRunner } from '../../app/hook-ports.ts';
import { formatDuration } from '../../core/duration.ts';
import { messageOf } from '../../core/errors.ts';
import type { HookSpec } from '../../core/hooks.ts';
import type { ObservedContainer } from '../../core/observed.ts';
import type { CommandEnd, CommandRequest } from '../commands/command.ts';
import type { Commands } from '../commands/commands.ts';

/** Runs hooks in the places where commands can run. */
export function createHookRunner(commands: Commands): HookRunner {
  return {
    async run(hook, context, signal): Promise<HookResult> {
      try {
        return resultOf(await start(commands, hook, context, signal), hook);
      } catch (error) {
        return resultOf({ kind: 'not-started', reason: messageOf(error), noImage: false }, hook);
      }
    },
  };
}

function start(commands: Commands, hook: HookSpec, context: HookContext, signal: AbortSignal): Promise<CommandEnd> {
  const { environment, onLine, directory, frozen, moment } = context;
  const request: CommandRequest = { run: hook.command, environment, timeoutMs: hook.timeoutMs, onLine };
  switch (hook.kind) {
    case 'host':
      return commands.host(request, directory, signal);
    case 'run':
      if (frozen === null) throw new Error(`there is no release to make a container of ${hook.service} from`);
      return commands.oneOff(frozen, { service: hook.service, purpose: moment }, request, signal);
    case 'exec':
      return inEach(commands, running(hook.service, context.containers), request, signal);
  }
}

/** A backup that nobody makes is no backup: that nothing runs is a failure. */
function running(service: string, containers: readonly ObservedContainer[]): readonly ObservedContainer[] {
  const found = containers.filter(({ state }) => state === 'running');
  if (found.length === 0) throw new Error(`no container of ${service} runs`);
  return found;
}

/** One container after the other, until it fails in one. */
async function inEach(
  commands: Commands,
  containers: readonly ObservedContainer[],
  request: CommandRequest,
  signal: AbortSignal,
): Promise<CommandEnd> {
  let end: CommandEnd = { kind: 'stopped', tail: [] };
  for (const container of containers) {
    end = await commands.exec(container.id, request, signal);
    if (end.kind !== 'exited' || end.exitCode !== 0) break;
  }
  return end;
}

function resultOf(end: CommandEnd, { timeoutMs }: HookSpec): HookResult {
  const failed = { ok: false, exitCode: null, timedOut: false };
  switch (end.kind) {
    case 'exited':
      return {
        ok: end.exitCode === 0,
        exitCode: end.exitCode,
        timedOut: false,
        text: `exit code ${end.exitCode}`,
        tail: end.tail,
      };
    case 'timed-out':
      return { ...failed, timedOut: true, text: `did not end within ${formatDuration(timeoutMs)}`, tail: end.tail };
    case 'stopped':
      return { ...failed, text: 'was stopped', tail: end.tail };
    case 'not-started':
      return { ...failed, text: `could not be started: ${end.reason}`, tail: [] };
  }
}
