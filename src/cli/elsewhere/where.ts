import { networkInterfaces } from 'node:os';
import { contextName, type Endpoint } from '../endpoint.ts';
import type { DockerGlobals } from '../globals.ts';

/** Docker Desktop's engine is behind a socket of this machine, and its containers in a machine of their own. */
const OF_DESKTOP = /\/\.docker\/(desktop|run)\//;

/** Set for a command that was sent to the engine's machine: it is there. */
export const THERE = 'DEPLOY_BG_THERE';

/** True if the engine is the default one of a Linux machine, or behind another of its sockets: nobody need be asked. */
export function isPlainlyHere(
  docker: DockerGlobals,
  env: Readonly<Record<string, string | undefined>>,
  platform: string = process.platform,
): boolean {
  if (env[THERE] !== undefined) return true;
  if (contextName(docker, env) !== 'default') return false;
  return !mayBeElsewhere({ host: docker.host ?? (env['DOCKER_HOST'] || 'unix://') }, platform);
}

/** True if the engine's containers may be out of reach from here: only who is asked there can tell. */
export function mayBeElsewhere({ host }: Pick<Endpoint, 'host'>, platform: string = process.platform): boolean {
  return !host.startsWith('unix://') || OF_DESKTOP.test(host) || platform !== 'linux';
}

/** True if the engine listens on an address of this machine, so that its containers and files may be ours as well. */
export function isThisMachine({ host }: Pick<Endpoint, 'host'>): boolean {
  if (!URL.canParse(host)) return false;
  const { protocol, hostname } = new URL(host);
  if (protocol === 'unix:' || protocol === 'npipe:') return true;
  if (protocol === 'ssh:') return false;
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? []);
  return hostname === 'localhost' || own.includes(hostname.replace(/^\[|\]$/g, ''));
}
