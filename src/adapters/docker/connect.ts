import { readFileSync } from 'node:fs';
import Docker from 'dockerode';
import { DeployError } from '../../core/errors.ts';

/** How an engine is reached, as Docker's contexts and variables say it. */
export interface EngineEndpoint {
  readonly host: string;
  readonly tls: {
    readonly ca: string | null;
    readonly cert: string | null;
    readonly key: string | null;
    readonly verify: boolean;
  } | null;
}

/** Milliseconds in which the engine answers whatever takes it no time of its own: one that hangs takes connections, too. */
export const ANSWER_DEADLINE_MS = 120_000;

const TCP_PORT = 2375;
const TLS_PORT = 2376;

/** A client for the engine. @throws engine-unreachable for a way that this program cannot go by itself */
export function connect(endpoint: EngineEndpoint): Docker {
  const url = new URL(endpoint.host);
  if (url.protocol === 'unix:') return new Docker({ socketPath: url.pathname });
  if (url.protocol === 'tcp:' || url.protocol === 'http:' || url.protocol === 'https:')
    return new Docker(overTcp(url, endpoint));
  throw new DeployError('engine-unreachable', {
    what: `the engine is at ${endpoint.host}, on another machine`,
    next: 'run docker-deploy-bg on that machine, or start an agent there: docs/agent.md',
  });
}

function overTcp(url: URL, { tls }: EngineEndpoint): Docker.DockerOptions {
  const port = url.port === '' ? (tls === null ? TCP_PORT : TLS_PORT) : Number(url.port);
  if (tls === null) return { protocol: 'http', host: url.hostname, port };
  const files = { ...file('ca', tls.ca), ...file('cert', tls.cert), ...file('key', tls.key) };
  return {
    protocol: 'https',
    host: url.hostname,
    port,
    ...files,
    ...(tls.verify ? {} : { rejectUnauthorized: false }),
  };
}

function file(name: string, path: string | null): Record<string, Buffer> {
  return path === null ? {} : { [name]: readFileSync(path) };
}
