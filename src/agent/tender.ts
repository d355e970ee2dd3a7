import type { Tender } from '../app/tend.ts';
import type { RouteState } from '../core/observed.ts';
import type { AgentLog } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Updates } from './updates.ts';

/** When it was last seen to do anything. */
export interface Signs {
  at: number;
}

/** What tending tells. */
export interface Told {
  readonly log: AgentLog;
  readonly metrics: Metrics;
  readonly updates: Updates;
  readonly signs: Signs;
}

/** Puts into the log, and counts, what tending does beside the rollouts that it runs. */
export function tenderOf({ log, metrics, updates, signs }: Told): Tender {
  return {
    looked: () => {
      signs.at = Date.now();
      log.about(null);
    },
    took: ({ id, verb, candidate }) => {
      log.about(id);
      log.logger.info({ verb, version: candidate.version }, 'goes on here');
    },
    left: ({ id }, reason) => {
      log.logger.warn({ rollout: id }, `left to the next command: ${reason}`);
    },
    followed: (routes) => {
      metrics.routed(true);
      log.logger.info({ routes: routes.map(backendsText) }, 'the proxy follows its replicas');
    },
    restarted: (container) => {
      log.logger.warn({ container }, 'was unhealthy and is started again');
    },
    rests: () => void log.during(null, () => updates.read()).catch(log.failed),
    failed: log.failed,
  };
}

function backendsText({ service, backends }: RouteState): string {
  return `${service}: ${backends.map(({ container }) => container).join(', ')}`;
}
