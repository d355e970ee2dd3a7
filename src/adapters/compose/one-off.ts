import type { FrozenRelease } from '../../app/ports.ts';
import { colorService, composeProject } from '../../core/color.ts';
import { argvOf, type CommandEnd, type CommandRequest, type OneOffPlace } from '../commands/command.ts';
import { runProcess } from '../commands/process.ts';
import { createResources, frozenCall, lacksResources, removeContainer } from './frozen.ts';
import type { ComposeOptions } from './options.ts';

/**
 * Runs a command in a fresh container of a service, made as `docker compose run` makes it: the entrypoint stays, the
 * command is the given one.
 */
export async function runCommand(
  options: ComposeOptions,
  frozen: FrozenRelease,
  place: OneOffPlace,
  request: CommandRequest,
  signal: AbortSignal,
): Promise<CommandEnd> {
  const container = containerName(frozen, place);
  const attempt = (): Promise<CommandEnd> => attemptRun(options, frozen, place.service, container, request, signal);
  await removeContainer(options, container);
  const first = await attempt();
  const again = lacksResources(wordsOf(first)) && (await createResources(options, frozen)).ok;
  const end = again ? await attempt() : first;
  // Only Compose itself removes what `--rm` promises, and it did not live to do it.
  if (end.kind === 'timed-out' || end.kind === 'stopped') await removeContainer(options, container);
  return refusal(end) ?? end;
}

async function attemptRun(
  options: ComposeOptions,
  frozen: FrozenRelease,
  service: string,
  container: string,
  request: CommandRequest,
  signal: AbortSignal,
): Promise<CommandEnd> {
  const variables = Object.entries(request.environment).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const flags = ['--rm', '-T', '--no-deps', '--pull', 'never', '--name', container, ...variables];
  const args = ['run', ...flags, colorService(service, frozen.color), ...argvOf(request.run)];
  const { command, cwd, env, args: all } = frozenCall(options, frozen, args);
  return runProcess(
    {
      argv: [...command, ...all],
      cwd,
      // Compose's own progress would stand among the lines of the command.
      env: { ...env, COMPOSE_PROGRESS: 'quiet' },
      timeoutMs: request.timeoutMs,
      // What is mended by another try is nobody's business.
      onLine: (line) => {
        if (!lacksResources(line)) request.onLine(line);
      },
    },
    signal,
  );
}

/** `shop-green-web-green-r1-pre_deploy`: the same for the same purpose, so that a killed one is found again. */
function containerName(frozen: FrozenRelease, { service, purpose }: OneOffPlace): string {
  const name = colorService(service, frozen.color);
  const parts = [composeProject(frozen.release.project, frozen.color), name, frozen.release.id, purpose];
  return parts.join('-').replaceAll(/[^\w.-]+/g, '_');
}

function wordsOf(end: CommandEnd): string {
  return end.kind === 'not-started' ? end.reason : end.tail.join('\n');
}

const NO_IMAGE = /No such image|pull access denied|manifest unknown|manifest for .* not found/i;
const NO_ENGINE = /Cannot connect to the Docker daemon|error during connect|failed to connect to the docker API/i;

/** Compose, not the command, had the last word: it exits with 1 then. */
function refusal(end: CommandEnd): CommandEnd | null {
  if (end.kind !== 'exited' || end.exitCode !== 1) return null;
  const last = end.tail.at(-1) ?? '';
  const noImage = NO_IMAGE.test(last);
  return noImage || NO_ENGINE.test(last) ? { kind: 'not-started', reason: last.trim(), noImage } : null;
}
