import { randomUUID } from 'node:crypto';
import { execa } from 'execa';
import { DeployError, EXIT } from '../../core/errors.ts';
import type { Project } from '../../core/project.ts';
import { AGENT_LABEL } from '../install/agent-service.ts';
import { type Interrupts, watchInterrupts } from '../interrupts.ts';
import type { LocalProject } from '../local-project.ts';
import type { Io } from '../io.ts';
import type { SentFile } from './files.ts';
import { THERE } from './where.ts';

const AGENT = '/opt/deploy-bg/deploy-bg-agent.js';
/** The image's own variables are none of the project's. So that a signal can be handed on, the process keeps its id. */
const RUN = 'unset NODE_ENV NODE_VERSION YARN_VERSION; echo $$ > "$0"; exec docker-deploy-bg "$@"';
/** It may not have begun yet. */
const HAND_ON = 'for i in $(seq 50); do test -s "$0" && break; sleep 0.1; done; kill -s INT "$(cat "$0")"';
/** Longer than any answer takes that is not the command's own. */
const ANSWER_MS = 60_000;
const OURS: ReadonlySet<number> = new Set(Object.values(EXIT));

/** A command to be run there. */
export interface Call {
  readonly words: readonly string[];
  /** Names of variables that have the same value there. */
  readonly variables: readonly string[];
  readonly directory: string;
}

/** The container of a project's agent, by way of the docker command, which knows every way to an engine. */
export class AgentContainer {
  readonly #docker: (words: readonly string[]) => readonly [string, readonly string[]];
  readonly #id: string;
  readonly #io: Io;

  private constructor(id: string, { docker, endpoint }: LocalProject, io: Io) {
    this.#id = id;
    this.#io = io;
    this.#docker = (words) => [docker, [...endpoint.dockerArgs, ...words]];
  }

  /** The one that runs; null if none does. @throws engine-unreachable */
  static async of(project: Project['name'], local: LocalProject, io: Io): Promise<AgentContainer | null> {
    const labels = [AGENT_LABEL, `com.docker.compose.project=${project}`];
    const filters = ['status=running', ...labels.map((label) => `label=${label}`)];
    const words = ['ps', '--quiet', '--no-trunc', '--latest', ...filters.flatMap((filter) => ['--filter', filter])];
    const asked = await execa(local.docker, [...local.endpoint.dockerArgs, ...words], {
      stdin: 'ignore',
      reject: false,
    });
    if (asked.exitCode !== 0) throw new DeployError('engine-unreachable', { what: asked.stderr });
    return asked.stdout === '' ? null : new AgentContainer(asked.stdout.trim(), local, io);
  }

  /** Puts files where they are here. @throws not-possible */
  async receive(files: readonly SentFile[]): Promise<void> {
    const [docker, words] = this.#docker(['exec', '--interactive', this.#id, 'node', AGENT, 'receive']);
    const { exitCode, stderr } = await execa(docker, words, {
      input: JSON.stringify(files),
      reject: false,
      timeout: ANSWER_MS,
    });
    if (exitCode === 0) return;
    throw new DeployError('not-possible', {
      what: 'the project’s files could not be brought to the engine’s machine',
      next: 'the agent writes into the project’s folder, and those of its compose files: keep what they name there',
      details: stderr.split('\n').slice(-5),
    });
  }

  /** Runs a command there as if it were here; what it prints is printed here. @returns its exit code */
  async run({ words, variables, directory }: Call): Promise<number> {
    const { stdin, stdout, stderr, env } = this.#io;
    // Keys, Ctrl-C among them, and the size of the window are docker's to hand on.
    const isTerminal = stdin.isTTY === true && stdout.isTTY === true && stderr.isTTY === true;
    const file = `/tmp/deploy-bg-call-${randomUUID()}`;
    const flags = ['--workdir', directory, '--env', `${THERE}=1`, ...variables.flatMap((name) => ['--env', name])];
    const [docker, all] = this.#docker([
      ...['exec', ...(isTerminal ? ['--interactive', '--tty'] : []), ...flags],
      ...[this.#id, 'sh', '-c', RUN, file, ...words],
    ]);
    // docker would leave at the first signal, and the command would not hear of it.
    const stdio = isTerminal ? 'inherit' : (['ignore', 'inherit', 'inherit'] as const);
    const running = execa(docker, all, { stdio, reject: false, detached: !isTerminal });
    const interrupts = this.#handingOn(file, () => running.kill('SIGKILL'), isTerminal ? {} : env);
    try {
      const { exitCode } = await running;
      return await this.#ended(exitCode ?? null);
    } finally {
      interrupts.dispose();
      await this.#inside('rm -f "$0"', file);
    }
  }

  /** The command hears the first two as Ctrl-C; the third leaves it alone. */
  #handingOn(file: string, leave: () => void, env: Io['env']): Interrupts {
    let heard = 0;
    const handOn = (): void => {
      heard += 1;
      if (heard > 2) leave();
      else void this.#inside(HAND_ON, file);
    };
    return watchInterrupts({ onAbort: handOn, onStop: handOn }, env);
  }

  async #inside(script: string, file: string): Promise<void> {
    const [docker, words] = this.#docker(['exec', this.#id, 'sh', '-c', script, file]);
    await execa(docker, words, { stdin: 'ignore', reject: false, timeout: ANSWER_MS });
  }

  /** docker ends by itself with codes of its own, and with 1 like a command of ours. @throws agent-unreachable */
  async #ended(exitCode: number | null): Promise<number> {
    if (exitCode !== null && OURS.has(exitCode) && (exitCode !== EXIT.failed || (await this.#isRunning())))
      return exitCode;
    throw new DeployError('agent-unreachable', {
      what: 'the connection to the agent’s container was lost: what was begun there may go on',
      next: 'run docker-deploy-bg status; docker-deploy-bg agent logs says what the agent did',
    });
  }

  async #isRunning(): Promise<boolean> {
    const [docker, words] = this.#docker(['inspect', '--format', '{{.State.Running}}', this.#id]);
    const { stdout } = await execa(docker, words, { stdin: 'ignore', reject: false, timeout: ANSWER_MS });
    return stdout === 'true';
  }
}
