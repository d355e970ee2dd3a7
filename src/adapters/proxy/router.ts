import type { Clock, Router, RouterTarget } from '../../app/ports.ts';
import { CaddyRouter } from './caddy/router.ts';
import type { ProxyEngine } from './engine.ts';
import { ContainerNginx } from './nginx/in-container.ts';
import type { Nginx } from './nginx/nginx.ts';
import { HostNginx } from './nginx/on-host.ts';
import { NginxRouter } from './nginx/router.ts';
import { NoRouter } from './none.ts';
import { folderOf, placeOf } from './wiring.ts';

export interface RouterDeps {
  readonly engine: ProxyEngine;
  readonly clock: Clock;
  /** Where the kernel shows processes; only tests have it elsewhere. */
  readonly proc?: string | undefined;
}

/** The driver for the proxy of a project. */
export function createRouter(target: RouterTarget, deps: RouterDeps): Router {
  switch (target.spec.driver) {
    case 'caddy':
      return new CaddyRouter({ ...deps, place: placeOf(target) });
    case 'nginx':
      return new NginxRouter({ ...deps, folder: folderOf(target), nginx: nginxOf(target, deps) });
    case 'none':
      return new NoRouter(deps.proc);
  }
}

/** In the container of a service, or on this machine where none is named. */
function nginxOf(target: RouterTarget, { engine, proc }: RouterDeps): Nginx {
  return target.spec.service === null
    ? new HostNginx({ engine, project: target.project, proc })
    : new ContainerNginx(engine, placeOf(target));
}
