import { existsSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { readToday } from '../../app/session.ts';
import { DeployError, messageOf } from '../../core/errors.ts';
import type { Project } from '../../core/project.ts';
import type { Context } from '../context.ts';
import { configFolder } from '../endpoint.ts';
import {
  AGENT_LABEL,
  AGENT_SERVICE,
  agentService,
  type Listening,
  serviceText,
  withService,
} from '../install/agent-service.ts';
import type { CommandOptions } from '../invocation.ts';
import { print } from '../io.ts';
import { listenAddress, readToken } from '../listen.ts';
import type { Command, Session } from '../session.ts';
import { age } from '../views/text.ts';

type Options = CommandOptions['agent'];

/** `agent init [--print] [--listen ADDRESS] [--token-file FILE] | status [--json] | logs [--follow]`. */
export const run: Command<'agent'> = (options, session) => {
  switch (options.action) {
    case 'init':
      return init(options, session);
    case 'status':
      return status(options, session);
    case 'logs':
      return logs(options, session);
  }
};

/** Writes the agent's service into the first compose file, and builds its image if there is none. */
async function init(options: Options, session: Session): Promise<number> {
  const { io, context, version } = session;
  const listening = listeningOf(options, io.cwd);
  const world = await context();
  const project = await readToday(world.ports);
  const image = `${AGENT_SERVICE}:${version}`;
  const service = agentService({ image, ...placesOf(project, world, session), listening });
  if (options.print) {
    print(io.stdout, [`services:\n${serviceText(service)}`.trimEnd()]);
    return 0;
  }
  const file = world.files[0];
  if (file === undefined) throw new DeployError('invalid-usage', { what: 'no compose file was found here' });
  write(file, service);
  print(io.stdout, [`written: service ${AGENT_SERVICE} in ${relative(io.cwd, file)}`]);
  if ((await world.ports.engine.image(image)) === null) await build(image, world, session);
  print(io.stdout, ['to start it:', `  docker compose up -d ${AGENT_SERVICE}`]);
  return 0;
}

/** Refused here already is what the agent would refuse when it starts. @throws invalid-usage, invalid-config */
function listeningOf({ listen, tokenFile }: Options, cwd: string): Listening | null {
  const file = tokenFile === null ? null : resolve(cwd, tokenFile);
  if (listen === null) {
    if (file === null) return null;
    throw new DeployError('invalid-usage', {
      what: '--token-file is for those who ask at an address: give --listen, too',
    });
  }
  if (file !== null) readToken(file);
  listenAddress(listen, { name: '--listen', code: 'invalid-usage', hasToken: file !== null });
  return { address: listen, tokenFile: file };
}

/** @throws not-possible if the file cannot be read or written */
function write(file: string, service: object): void {
  try {
    writeFileSync(file, withService(readFileSync(file, 'utf8'), service));
  } catch (error) {
    if (error instanceof DeployError) throw error;
    throw new DeployError('not-possible', {
      what: `${file} cannot be changed: ${messageOf(error)}`,
      next: 'docker-deploy-bg agent init --print prints the service, to be put where you want it',
    });
  }
}

/** Variables that decide what a deploy does, and hold no secret. */
const MEANT_INSIDE =
  /^(DEPLOY_BG_STATE_DIR|HEALTH_CHECK_(TIMEOUT|INTERVAL)|DRAIN_TIMEOUT|COMPOSE_(PROJECT_NAME|PROFILES))$/;

function placesOf(project: Project, { endpoint, files, stateDirectory }: Context, { io, globals }: Session) {
  const { directory, proxy } = project;
  const { uid, gid } = statSync(directory);
  const socket = socketOf(endpoint.host);
  const config = configFolder(globals.docker, io.env);
  const envFiles = globals.compose.envFiles.map((file) => resolve(io.cwd, file));
  const read = [...files, ...envFiles, ...(proxy.template === null ? [] : [proxy.template])];
  const needed = [stateDirectory, proxy.output, ...read.map((file) => dirname(file))];
  const environment = Object.entries(io.env).filter(([name, value]) => MEANT_INSIDE.test(name) && value !== undefined);
  return {
    directory,
    folders: outside(
      directory,
      needed.filter((folder) => folder !== null),
    ),
    flags: [
      ...files.flatMap((file) => ['--file', file]),
      ...['--project-directory', directory, '--project-name', project.name],
      ...envFiles.flatMap((file) => ['--env-file', file]),
      ...globals.compose.profiles.flatMap((profile) => ['--profile', profile]),
    ],
    user: `${String(uid)}:${String(gid)}`,
    socket,
    socketGroup: String(statSync(socket, { throwIfNoEntry: false })?.gid ?? 0),
    dockerConfig: existsSync(join(config, 'config.json')) ? config : null,
    environment: {
      TZ: Intl.DateTimeFormat().resolvedOptions().timeZone,
      ...(Object.fromEntries(environment) as Record<string, string>),
    },
  };
}

/** Those that are not in the project's folder, each once. */
function outside(directory: string, folders: readonly string[]): readonly string[] {
  return [...new Set(folders)].filter((folder) => folder !== directory && relative(directory, folder).startsWith('..'));
}

/** An engine behind TCP or SSH has its socket there where Docker puts it. */
function socketOf(host: string): string {
  return host.startsWith('unix://') ? host.slice('unix://'.length) : '/var/run/docker.sock';
}

async function build(image: string, { docker, endpoint }: Context, { io }: Session): Promise<void> {
  const folder = join(dirname(realpathSync(io.executable)), 'agent');
  const { execa } = await import('execa');
  const built = await execa(docker, [...endpoint.dockerArgs, 'build', '--progress', 'plain', '-t', image, folder], {
    stdin: 'ignore',
    reject: false,
    all: true,
  });
  if (built.exitCode === 0) {
    print(io.stdout, [`built: ${image}`]);
    return;
  }
  throw new DeployError('image-missing', {
    what: `the agent's image ${image} could not be built`,
    next: `docker build -t ${image} ${folder}`,
    details: built.all.split('\n').slice(-10),
  });
}

/** What it says of itself. @throws agent-unreachable */
async function status({ json }: Options, { io, context }: Session): Promise<number> {
  const { ports } = await context();
  const about = await ports.agent.about();
  const { version, since, next } = about;
  const updates = next === null ? 'none is scheduled' : `next at ${next}`;
  const words = [`agent    ${version}, for ${age(io.now() - Date.parse(since))}`, `updates  ${updates}`];
  print(io.stdout, json ? [JSON.stringify(about, null, 2)] : words);
  return 0;
}

/** What its container says. */
async function logs({ follow }: Options, { context }: Session): Promise<number> {
  const { ports, docker, endpoint } = await context();
  const { execa } = await import('execa');
  const project = (await readToday(ports)).name;
  const filters = [`label=${AGENT_LABEL}`, `label=com.docker.compose.project=${project}`];
  const words = ['ps', '-aq', '--latest', ...filters.flatMap((filter) => ['--filter', filter])];
  const { stdout: id } = await execa(docker, [...endpoint.dockerArgs, ...words], { stdin: 'ignore' });
  if (id === '') throw new DeployError('agent-unreachable', { what: 'no agent runs in this project' });
  const shown = ['logs', ...(follow ? ['--follow'] : []), id];
  const { exitCode } = await execa(docker, [...endpoint.dockerArgs, ...shown], { stdio: 'inherit', reject: false });
  return exitCode ?? 1;
}
