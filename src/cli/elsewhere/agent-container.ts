import { randomUUID } from 'node:crypto';
import { execa } from 'execa';
import { DeployError } from '../../core/errors.ts';
import type { Project } from '../../core/project.ts';
import { AGENT_LABEL } from '../install/agent-service.ts';
import type { LocalProject } from '../local-project.ts';
import type { Io } from '../io.ts';
import type { SentFile } from './files.ts';

const AGENT = '/opt/deploy-bg/deploy-bg-agent.js';
/** `docker exec` itself ends with these, and no command of ours does. */
const OF_DOCKER: ReadonlySet<number> = new Set([125, 126, 127]);
/** So that a signal can be handed on: the process keeps its id when it becomes the command. */
const REMEMBERED = 'echo $$ > "$0"; exec docker-deploy-bg "$@"';
const HANDED_ON = ['SIGINT', 'SIGTERM'] as const;

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
    const { exitCode, stderr } = await execa(docker, words, { input: JSON.stringify(files), reject: false });
    if (exitCode === 0) return;
    throw new DeployError('not-possible', {
      what: 'the project’s files could not be brought to the engine’s machine',
      next: 'docker-deploy-bg agent init writes the agent’s service anew; start it again, so that it has all folders',
      details: stderr.split('\n').slice(-5),
    });
  }

  /** Runs a command there as if it were here; what it prints is printed here. @returns its exit code */
  async run(call: Call): Promise<number> {
    const { stdin, stdout, stderr } = this.#io;
    const terminal = stdin.isTTY === true && stdout.isTTY === true && stderr.isTTY === true;
    return ended(terminal ? await this.#onTerminal(call) : await this.#signalled(call));
  }

  /** Keys, Ctrl-C among them, and the size of the window are docker's to hand on. */
  async #onTerminal({ words, ...call }: Call): Promise<number> {
    const [docker, all] = this.#docker([...this.#exec(call, ['--interactive', '--tty']), 'docker-deploy-bg', ...words]);
    const { exitCode } = await execa(docker, all, { stdio: 'inherit', reject: false });
    return exitCode ?? 1;
  }

  /** docker hands no signal on, and would leave at the first. */
  async #signalled({ words, ...call }: Call): Promise<number> {
    const file = `/tmp/deploy-bg-call-${randomUUID()}`;
    const [docker, all] = this.#docker([...this.#exec(call, []), 'sh', '-c', REMEMBERED, file, ...words]);
    const inside = (script: string) => {
      const [program, others] = this.#docker(['exec', this.#id, 'sh', '-c', script, file]);
      return execa(program, others, { stdin: 'ignore', reject: false });
    };
    const handOn = (signal: NodeJS.Signals): void => {
      void inside(`kill -s ${signal.slice('SIG'.length)} "$(cat "$0")"`);
    };
    for (const signal of HANDED_ON) process.on(signal, handOn);
    try {
      const output = { stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' } as const;
      const { exitCode } = await execa(docker, all, { ...output, reject: false, detached: true });
      return exitCode ?? 1;
    } finally {
      for (const signal of HANDED_ON) process.off(signal, handOn);
      await inside('rm -f "$0"');
    }
  }

  #exec({ variables, directory }: Omit<Call, 'words'>, flags: readonly string[]): readonly string[] {
    const env = variables.flatMap((name) => ['--env', name]);
    return ['exec', ...flags, '--workdir', directory, ...env, this.#id];
  }
}

/** @throws agent-unreachable if it was docker that ended */
function ended(exitCode: number): number {
  if (!OF_DOCKER.has(exitCode)) return exitCode;
  throw new DeployError('agent-unreachable', {
    what: 'the agent’s container could not run the command, or went away meanwhile',
    next: 'run docker-deploy-bg status; docker-deploy-bg agent logs says what it did',
  });
}
