import { realpath } from 'node:fs/promises';
import type { ProxySpec } from '../../core/project.ts';
import type { RouterTarget } from '../../app/ports.ts';
import { DeployError } from '../../core/errors.ts';
import type { ProxyContainer, ProxyEngine } from './engine.ts';
import { checkedFolder } from './routes.ts';

/** Where a driver's files are; what `RouterTarget` says, with nothing left open. */
export interface Folder {
  readonly project: string;
  /** Folder of the generated files on the host. */
  readonly output: string;
  /** The same folder as the proxy sees it. */
  readonly mounted: string;
  readonly template: string | null;
}

/** The same for a proxy that is a service of the project. */
export interface Place extends Folder {
  readonly service: string;
}

/** @throws invalid-config if something that the driver needs is missing */
export function placeOf(target: RouterTarget): Place {
  const { service } = target.spec;
  if (service === null) throw incomplete(target.spec);
  return { ...folderOf(target), service };
}

/** @throws invalid-config if it is not known */
export function folderOf({ spec, project }: RouterTarget): Folder {
  const { output, mounted, template } = spec;
  if (output === null || mounted === null) throw incomplete(spec);
  return { project, output, mounted: checkedFolder(mounted), template };
}

function incomplete(spec: ProxySpec): DeployError {
  return new DeployError('invalid-config', {
    what: `the ${spec.driver} driver needs a proxy that is a service of the project, and ${missing(spec)}`,
    next: 'name the service in x-deploy-bg.proxy.service, or set driver: none and switch by hooks',
  });
}

function missing({ service, output }: ProxySpec): string {
  if (service === null) return 'none is named';
  return output === null ? 'no output folder is known' : 'its mounted folder is not known';
}

/** The running proxy with our folder in it. @throws proxy-unreachable, proxy-not-wired */
export async function runningProxy(engine: ProxyEngine, place: Place): Promise<ProxyContainer> {
  const proxy = await engine.proxyContainer(place.project, place.service);
  if (proxy?.running !== true) {
    throw new DeployError('proxy-unreachable', {
      what:
        proxy === null
          ? `no container of the proxy is there (service ${place.service})`
          : `the proxy ${proxy.name} is not running`,
      next: `start it: docker compose up -d --no-deps ${place.service}`,
    });
  }
  await checkMount(proxy, place);
  return proxy;
}

async function checkMount(proxy: ProxyContainer, place: Place): Promise<void> {
  // That the compose files mount the folder is sure: without it no deploy begins (E14).
  const next = `create it anew, as the compose files have it now, and deploy again: docker compose up -d --no-deps ${place.service}`;
  const mount = proxy.mounts.find(({ destination }) => covers(destination, place.mounted));
  if (mount === undefined)
    throw new DeployError('proxy-not-wired', {
      what: `the proxy ${proxy.name} was started before the folder ${place.mounted} was mounted into it`,
      next,
    });
  if (mount.destination !== place.mounted || (await samePath(mount.source, place.output))) return;
  throw new DeployError('proxy-not-wired', {
    what: `the proxy ${proxy.name} has ${mount.source} at ${place.mounted}, not ${place.output}`,
    next,
  });
}

/** A folder above ours may be the one that is mounted. */
function covers(destination: string, folder: string): boolean {
  return folder === destination || folder.startsWith(`${destination}/`);
}

async function samePath(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([a, b].map((path) => realpath(path).catch(() => null)));
  // What cannot be looked at from here (an agent in a container, a virtual machine) is not held against the user.
  return left === null || right === null || left === right;
}

/** The lines of a proxy's output that tell why, newest last. */
export function words(output: string): readonly string[] {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const telling = lines.filter((line) => /error|emerg/i.test(line) && !line.startsWith('{"level":"info"'));
  return (telling.length > 0 ? telling : lines).slice(-10);
}
