import { hostname, userInfo } from 'node:os';
import { execa } from 'execa';
import type { Ports } from '../app/ports.ts';
import { requireDocker } from './docker-binary.ts';
import { resolveEndpoint, type Endpoint } from './endpoint.ts';
import type { GlobalOptions } from './globals.ts';
import type { Io } from './io.ts';
import type { Reporter } from './reporters/reporter.ts';
import { readSettings, type Settings } from './settings.ts';

/** Everything that a command needs of the world. */
export interface Context {
  readonly ports: Ports;
  readonly settings: Settings;
  readonly endpoint: Endpoint;
  /** The real docker, for every command that we run. */
  readonly docker: string;
}

/** The composition root of the CLI: the only place in it that builds adapters. */
export async function createContext(globals: GlobalOptions, reporter: Reporter, io: Io): Promise<Context> {
  const settings = readSettings(io.env, io.cwd);
  const docker = requireDocker(io.env);
  const endpoint = await resolveEndpoint(globals.docker, io.env, async (args) => {
    const { stdout } = await execa(docker, args, { stdin: 'ignore' });
    return stdout;
  });
  const ports = buildPorts({ globals, reporter, io, settings, endpoint, docker });
  return { ports, settings, endpoint, docker };
}

interface Parts extends Omit<Context, 'ports'> {
  readonly globals: GlobalOptions;
  readonly reporter: Reporter;
  readonly io: Io;
}

function buildPorts({ reporter, io, settings }: Parts): Ports {
  const missing = (name: string): never => {
    throw new Error(`${name} is not wired yet`);
  };
  return {
    clock: missing('clock'),
    ids: missing('ids'),
    engine: missing('engine'),
    compose: missing('compose'),
    router: missing('router'),
    prober: missing('prober'),
    store: missing('store'),
    emit: reporter.emit,
    pollMs: settings.pollMs,
    who: whoAmI(io),
  };
}

/** For the lock: `anna@build-1 (pid 4711)`. */
function whoAmI({ env }: Io): string {
  return `${env['USER'] ?? userName()}@${hostname()} (pid ${String(process.pid)})`;
}

/** A container may run under an id that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
