import { isMap, isScalar, parseDocument, stringify, type YAMLMap } from 'yaml';
import {
  columnOf,
  endOf,
  endOfLine,
  inNewlinesOf,
  startOf,
  startOfLine,
  withLines,
} from '../../config/compose-text.ts';
import { DeployError } from '../../core/errors.ts';

/** Name of the agent's service in the user's compose file. */
export const AGENT_SERVICE = 'deploy-bg-agent';
/** Of its containers. */
export const AGENT_LABEL = 'deploy-bg.agent';

/** What the agent's service is made of. */
export interface AgentParts {
  readonly image: string;
  /** The project's folder, absolute: bind mounts are the same ones from inside and from outside. */
  readonly directory: string;
  /** Folders beside it that deploys read or write. */
  readonly folders: readonly string[];
  /** Flags by which the compose files are found. */
  readonly flags: readonly string[];
  /** Owner of the project's folder: `1000:1000`. */
  readonly user: string;
  /** The engine's socket on the host, and its group. */
  readonly socket: string;
  readonly socketGroup: string;
  /** Folder of docker's config.json with logins to registries; null if there is none. */
  readonly dockerConfig: string | null;
  /** Variables that mean the same inside: state folder, times, time zone. */
  readonly environment: Readonly<Record<string, string>>;
  /** Null: at no address. */
  readonly listening: Listening | null;
}

/** Where the agent answers questions beside its unix socket. */
export interface Listening {
  /** `127.0.0.1:9180`. */
  readonly address: string;
  /** With the token of those who may ask, absolute; null: who is on this machine learns that it lives, and metrics. */
  readonly tokenFile: string | null;
}

const SOCKET_INSIDE = '/var/run/docker.sock';
const CONFIG_INSIDE = '/docker-config';

/** The service, as Compose reads it. A dollar sign is one. */
export function agentService(parts: AgentParts): Readonly<Record<string, unknown>> {
  const { image, directory, folders, flags, user, socket, socketGroup, dockerConfig, environment, listening } = parts;
  const tokenFile = listening?.tokenFile ?? null;
  const volumes = [
    mount(socket, SOCKET_INSIDE),
    ...[directory, ...folders].map((folder) => mount(folder, folder)),
    ...(dockerConfig === null ? [] : [{ ...mount(dockerConfig, CONFIG_INSIDE), read_only: true }]),
    ...(tokenFile === null ? [] : [{ ...mount(tokenFile, tokenFile), read_only: true }]),
  ];
  return escaped({
    image,
    pull_policy: 'never',
    command: flags,
    working_dir: directory,
    user,
    group_add: [socketGroup],
    network_mode: 'host',
    pid: 'host',
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    tmpfs: ['/tmp'],
    restart: 'unless-stopped',
    environment: {
      DOCKER_HOST: `unix://${SOCKET_INSIDE}`,
      HOME: '/tmp',
      ...(dockerConfig === null ? {} : { DOCKER_CONFIG: CONFIG_INSIDE }),
      ...environment,
      ...(listening === null ? {} : { DEPLOY_BG_LISTEN: listening.address }),
      ...(tokenFile === null ? {} : { DEPLOY_BG_TOKEN_FILE: tokenFile }),
    },
    volumes,
    labels: { [AGENT_LABEL]: 'true' },
  });
}

function mount(source: string, target: string): Readonly<Record<string, string>> {
  return { type: 'bind', source, target };
}

/** Compose interpolates every text. */
function escaped<T>(value: T): T {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$') as T;
  if (Array.isArray(value)) return value.map(escaped) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, escaped(item)])) as T;
}

const INDENT = 2;

/** The lines of the service, to be put under `services:`. */
export function serviceText(service: object, indent = INDENT): string {
  const comment = `# Keeps deploys of this project going: written by docker deploy-bg agent init.\n`;
  const text = comment + stringify({ [AGENT_SERVICE]: service }, { indent, lineWidth: 0 });
  return text.replace(/^(?=.)/gm, ' '.repeat(indent));
}

/**
 * A compose file with the service in it, in the place of the one that is there, else as the last one. All other bytes stay
 * as they are.
 * @throws not-possible where the file has no list of services that lines can be added to
 */
export function withService(text: string, service: object): string {
  const services = servicesOf(text);
  const there = services.items.find(({ key }) => keyOf(key) === AGENT_SERVICE);
  const indent = columnOf(text, startOf(services.items[0]?.key)) || INDENT;
  const lines = inNewlinesOf(text, serviceText(service, indent));
  if (there === undefined) {
    return withLines(text, services.range?.[1] ?? text.length, lines);
  }
  const [start, end] = [startOfLine(text, startOf(there.key)), endOfLine(text, endOf(there.value))];
  return withoutComment(text.slice(0, start)) + lines + text.slice(end);
}

function servicesOf(text: string): YAMLMap {
  const services = parseDocument(text, { merge: true }).get('services', true);
  if (isMap(services) && services.flow !== true && services.items.length > 0) return services;
  throw new DeployError('not-possible', {
    what: 'the service cannot be written into the compose file: it has no services: with a service a line',
    next: 'docker-deploy-bg agent init --print prints it, to be put where you want it',
  });
}

function keyOf(key: unknown): unknown {
  return isScalar(key) ? key.value : key;
}

/** Ours is written again with the service. */
function withoutComment(text: string): string {
  return text.replace(/[ \t]*# [^\n]*docker deploy-bg agent init\.\r?\n$/, '');
}
