import { existsSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { DeployError, messageOf } from '../../core/errors.ts';
import type { Project } from '../../core/project.ts';
import { otherVersion } from '../agent-version.ts';
import { mayBeElsewhere } from '../elsewhere/where.ts';
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
import { localProject, type LocalProject } from '../local-project.ts';
import { readSettings } from '../settings.ts';
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
  const { io, globals, version } = session;
  const listening = listeningOf(options, io.cwd);
  const local = await localProject(globals, io);
  const project = await local.read('latest');
  const image = `${AGENT_SERVICE}:${version}`;
  const service = agentService({ image, ...placesOf(project, local, session), listening });
  if (options.print) {
    print(io.stdout, [`services:\n${serviceText(service)}`.trimEnd()]);
    return 0;
  }
  const file = local.files[0];
  if (file === undefined) throw new DeployError('invalid-usage', { what: 'no compose file was found here' });
  write(file, service);
  print(io.stdout, [`written: service ${AGENT_SERVICE} in ${relative(io.cwd, file)}`]);
  await build(image, local, session);
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

function placesOf(project: Project, { endpoint, files }: LocalProject, { io, globals }: Session) {
  const { directory, proxy } = project;
  const stateDirectory = readSettings(io.env, io.cwd).stateDir ?? directory;
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
    ...(mayBeElsewhere(endpoint) ? ownerElsewhere : ownerHere(directory, endpoint.host, config)),
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

/** Who owns the project's folder owns what the agent writes. */
function ownerHere(directory: string, host: string, config: string) {
  const { uid, gid } = statSync(directory);
  const socket = host.slice('unix://'.length);
  return {
    user: `${String(uid)}:${String(gid)}`,
    socket,
    socketGroup: String(statSync(socket, { throwIfNoEntry: false })?.gid ?? 0),
    dockerConfig: existsSync(join(config, 'config.json')) ? config : null,
  };
}

/** On another machine the folder is made by its engine, and the socket is where Docker puts it. */
const ownerElsewhere = { user: '0:0', socket: '/var/run/docker.sock', socketGroup: '0', dockerConfig: null };

/** Unless it is there. */
async function build(image: string, { docker, endpoint }: LocalProject, { io }: Session): Promise<void> {
  const folder = join(dirname(realpathSync(io.executable)), 'agent');
  const { execa } = await import('execa');
  const words = [...endpoint.dockerArgs, 'image', 'inspect', '--format', '{{.Id}}', image];
  if ((await execa(docker, words, { stdin: 'ignore', reject: false })).exitCode === 0) return;
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
async function status({ json }: Options, { io, context, version: own }: Session): Promise<number> {
  const { ports } = await context();
  const about = await ports.agent.about();
  const { version, since, next } = about;
  const updates = next === null ? 'none is scheduled' : `next at ${next}`;
  const other = await otherVersion({ about: () => Promise.resolve(about) }, own);
  const words = [
    `agent    ${version}, for ${age(io.now() - Date.parse(since))}`,
    `updates  ${updates}`,
    ...(other === null ? [] : [`warning  ${other.message}: ${other.hint}`]),
  ];
  print(io.stdout, json ? [JSON.stringify(about, null, 2)] : words);
  return 0;
}

/** What its container says. */
async function logs({ follow }: Options, { io, globals }: Session): Promise<number> {
  const { docker, endpoint, read } = await localProject(globals, io);
  const { execa } = await import('execa');
  const project = (await read('latest')).name;
  const filters = [`label=${AGENT_LABEL}`, `label=com.docker.compose.project=${project}`];
  const words = ['ps', '-aq', '--latest', ...filters.flatMap((filter) => ['--filter', filter])];
  const { stdout: id } = await execa(docker, [...endpoint.dockerArgs, ...words], { stdin: 'ignore' });
  if (id === '') throw new DeployError('agent-unreachable', { what: 'no agent runs in this project' });
  const shown = ['logs', ...(follow ? ['--follow'] : []), id];
  const { exitCode } = await execa(docker, [...endpoint.dockerArgs, ...shown], { stdio: 'inherit', reject: false });
  return exitCode ?? 1;
}
