import { Command } from 'commander';
import { refuseHost } from '../../app/hand-over.ts';
import { DeployError } from '../../core/errors.ts';
import type { Project } from '../../core/project.ts';
import { dockerEndpoint } from '../compose-options.ts';
import { localProject, type LocalProject } from '../local-project.ts';
import { declareGlobalFlags } from '../global-flags.ts';
import type { GlobalOptions } from '../globals.ts';
import type { CommandName, Invocation } from '../invocation.ts';
import type { Io } from '../io.ts';
import { pluginCall } from '../plugin.ts';
import { AgentContainer } from './agent-container.ts';
import { projectFiles, type SentFile, variablesFor } from './files.ts';
import { isThisMachine, mayBeElsewhere } from './where.ts';

/** Commands that are about this machine, or about files alone; the others ask containers, or read and write state. */
const OF_HERE: ReadonlySet<CommandName> = new Set([
  'lint',
  'init',
  'systemd',
  'install',
  'completion',
  'shell-init',
  'version',
]);

/**
 * Runs a command where the engine is, in the agent's container, if the engine's containers may be out of reach from
 * here: state, lock and the proxy's files are there as well.
 * @returns the exit code; null if the command is to be run here
 * @throws agent-unreachable if the engine is on another machine without an agent, and what reading the project throws
 */
export async function runElsewhere(argv: readonly string[], invocation: Invocation, io: Io): Promise<number | null> {
  if (isOfHere(invocation)) return null;
  const { endpoint } = await dockerEndpoint(invocation.globals, io);
  if (!mayBeElsewhere(endpoint)) return null;
  const local = await localProject(invocation.globals, io);
  const project = await local.read(versionOf(invocation));
  const isHere = isThisMachine(local.endpoint);
  if (!isHere) refuseOfHost(project);
  const agent = await AgentContainer.of(project.name, local, io);
  if (agent === null) {
    if (isHere) return null;
    throw nobodyThere(local.endpoint.host);
  }
  refuseOfHost(project);
  refuseBuild(invocation);
  const files = await filesOf(local, project);
  await agent.receive(files);
  const flags = flagsThere(invocation.globals, local, files, project.name);
  return agent.run({
    words: [...flags, ...wordsOf(argv)],
    variables: variablesFor(files, io.env),
    directory: project.directory,
  });
}

function filesOf({ files, overlays, envFiles }: LocalProject, { directory, proxy }: Project) {
  const template = proxy.template === null ? [] : [proxy.template];
  return projectFiles([...files, ...overlays], directory, [...envFiles, ...template]);
}

function isOfHere({ command, options }: Invocation): boolean {
  return OF_HERE.has(command) || (command === 'agent' && options.action !== 'status');
}

function versionOf({ command, options }: Invocation): string {
  return command === 'deploy' || command === 'plan' ? options.version : 'latest';
}

/** No agent could do it. @throws invalid-usage */
function refuseOfHost(project: Project): void {
  refuseHost(project, 'this is not possible from another machine', 'run docker-deploy-bg where the engine is');
}

function nobodyThere(host: string): DeployError {
  return new DeployError('agent-unreachable', {
    what: `the engine is at ${host}, on another machine, and no agent runs there`,
    next: 'docker-deploy-bg agent init, then docker compose up -d deploy-bg-agent',
  });
}

/** What an image is built from is here. */
function refuseBuild({ command, options }: Invocation): void {
  if ((command !== 'deploy' && command !== 'plan') || !options.build) return;
  throw new DeployError('invalid-usage', {
    what: '--build is not possible on another machine',
    next: `VERSION=${options.version} docker compose build, then the same without --build`,
  });
}

/** The same project, by the places of its files. */
function flagsThere(
  { compose, progress, ansi, yes, debug }: GlobalOptions,
  local: LocalProject,
  sent: readonly SentFile[],
  name: string,
): readonly string[] {
  const envFiles = local.envFiles.filter((path) => sent.some((file) => file.path === path));
  return [
    ...local.files.flatMap((file) => ['--file', file]),
    ...['--project-directory', local.directory, '--project-name', name],
    // Without one, Compose would read an `.env` that is there, and not here.
    ...(envFiles.length > 0 ? envFiles : ['/dev/null']).flatMap((file) => ['--env-file', file]),
    ...compose.profiles.flatMap((profile) => ['--profile', profile]),
    ...['--progress', progress, '--ansi', ansi],
    ...(yes ? ['--yes'] : []),
    ...(debug ? ['--debug'] : []),
  ];
}

/** The command and its own words, without what every command understands. */
function wordsOf(argv: readonly string[]): readonly string[] {
  const program = new Command().allowUnknownOption();
  declareGlobalFlags(program);
  const { operands, unknown } = program.parseOptions([...pluginCall(argv).argv]);
  return [...operands, ...unknown];
}
