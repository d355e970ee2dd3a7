import type { Clock, Router, RouterTarget } from '../../app/ports.ts';
import { CaddyRouter } from './caddy/router.ts';
import type { ProxyEngine } from './engine.ts';
import { NginxRouter } from './nginx/router.ts';
import { NoRouter } from './none.ts';
import { placeOf } from './wiring.ts';

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
      return new NginxRouter({ ...deps, place: placeOf(target) });
    case 'none':
      return new NoRouter(deps.proc);
  }
}
