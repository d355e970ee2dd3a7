import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DeployError, messageOf } from '../core/errors.ts';
import type { DockerGlobals } from './globals.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Certificates for an engine behind TLS; a file that is not there is null. */
export interface EndpointTls {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly verify: boolean;
}

/** The engine that everything is said to, by whatever way it was named. */
export interface Endpoint {
  /** `unix:///…`, `tcp://…`, `ssh://…`. */
  readonly host: string;
  readonly tls: EndpointTls | null;
  /** Flags that make any other docker command talk to the same engine. */
  readonly dockerArgs: readonly string[];
}

/** `docker context inspect NAME`: its output. Rejects with docker's words if there is no such context. */
export type InspectContext = (args: readonly string[]) => Promise<string>;

const DEFAULT_HOST = 'unix:///var/run/docker.sock';

/**
 * Docker's own order: --context, --host, DOCKER_HOST, DOCKER_CONTEXT, the context that `docker context use` chose.
 * Docker is only asked where a context is in use, because that costs a process.
 * @throws invalid-usage
 */
export async function resolveEndpoint(docker: DockerGlobals, env: Env, inspect: InspectContext): Promise<Endpoint> {
  if (docker.context !== null && docker.host !== null) {
    throw new DeployError('invalid-usage', { what: '--context and --host name two engines', next: 'give one of them' });
  }
  const context = contextName(docker, env);
  return context === 'default' ? hostEndpoint(docker, env) : contextEndpoint(context, docker, inspect);
}

/** Folder of docker's config.json. */
export function configFolder(docker: Pick<DockerGlobals, 'config'>, env: Env): string {
  return docker.config ?? (env['DOCKER_CONFIG'] || join(env['HOME'] || homedir(), '.docker'));
}

/** `default` where the engine is named by its address, or by nothing. */
export function contextName(docker: DockerGlobals, env: Env): string {
  if (docker.context !== null) return docker.context;
  if (docker.host !== null || env['DOCKER_HOST']) return 'default';
  return env['DOCKER_CONTEXT'] || currentContext(configFolder(docker, env));
}

/** Like docker itself, goes on with the default where config.json cannot be read. */
function currentContext(folder: string): string {
  try {
    const config: unknown = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
    const name = (config as { currentContext?: unknown }).currentContext;
    return typeof name === 'string' && name !== '' ? name : 'default';
  } catch {
    return 'default';
  }
}

function hostEndpoint(docker: DockerGlobals, env: Env): Endpoint {
  const host = docker.host ?? (env['DOCKER_HOST'] || DEFAULT_HOST);
  return { host, tls: hostTls(docker, env), dockerArgs: [...configArgs(docker), ...hostArgs(docker)] };
}

function hostTls(docker: DockerGlobals, env: Env): EndpointTls | null {
  const verify = docker.tlsVerify || Boolean(env['DOCKER_TLS_VERIFY']);
  if (!verify && !docker.tls && !env['DOCKER_TLS']) return null;
  const folder = env['DOCKER_CERT_PATH'] || configFolder(docker, env);
  return { ...certificates(folder, docker), verify };
}

function certificates(folder: string, given: Partial<DockerGlobals> = {}): Omit<EndpointTls, 'verify'> {
  const file = (name: string): string | null => {
    const path = join(folder, name);
    return existsSync(path) ? path : null;
  };
  return {
    ca: given.tlsCaCert ?? file('ca.pem'),
    cert: given.tlsCert ?? file('cert.pem'),
    key: given.tlsKey ?? file('key.pem'),
  };
}

function configArgs(docker: DockerGlobals): readonly string[] {
  return docker.config === null ? [] : ['--config', docker.config];
}

function hostArgs(docker: DockerGlobals): readonly string[] {
  const values = { '--host': docker.host, '--tlscacert': docker.tlsCaCert, '--tlscert': docker.tlsCert };
  const given = Object.entries({ ...values, '--tlskey': docker.tlsKey });
  return [
    ...given.flatMap(([flag, value]) => (value === null ? [] : [flag, value])),
    ...(docker.tls ? ['--tls'] : []),
    ...(docker.tlsVerify ? ['--tlsverify'] : []),
  ];
}

/** The part of `docker context inspect` that is of interest here. */
interface InspectedContext {
  readonly Endpoints?: { readonly docker?: { readonly Host?: string; readonly SkipTLSVerify?: boolean } };
  readonly TLSMaterial?: { readonly docker?: readonly string[] };
  readonly Storage?: { readonly TLSPath?: string };
}

async function contextEndpoint(name: string, docker: DockerGlobals, inspect: InspectContext): Promise<Endpoint> {
  const inspected = await inspectContext(name, docker, inspect);
  const endpoint = inspected.Endpoints?.docker;
  if (!endpoint?.Host) {
    throw new DeployError('invalid-usage', { what: `context ${JSON.stringify(name)} names no Docker engine` });
  }
  const folder = join(inspected.Storage?.TLSPath ?? '', 'docker');
  const tls = inspected.TLSMaterial?.docker === undefined ? null : certificates(folder);
  return {
    host: endpoint.Host,
    tls: tls === null ? null : { ...tls, verify: endpoint.SkipTLSVerify !== true },
    dockerArgs: [...configArgs(docker), '--context', name],
  };
}

async function inspectContext(name: string, docker: DockerGlobals, inspect: InspectContext): Promise<InspectedContext> {
  try {
    const output = await inspect([...configArgs(docker), 'context', 'inspect', name]);
    return (JSON.parse(output) as readonly InspectedContext[])[0] ?? {};
  } catch (error) {
    throw new DeployError('invalid-usage', {
      what: `context ${JSON.stringify(name)} cannot be used`,
      next: '`docker context ls` lists the contexts there are',
      details: [wordsOf(error)],
      cause: error,
    });
  }
}

/** What docker itself said, where there is that. */
function wordsOf(error: unknown): string {
  const { stderr } = error as { stderr?: unknown };
  return typeof stderr === 'string' && stderr.trim() !== '' ? stderr.trim() : messageOf(error);
}
