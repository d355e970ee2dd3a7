import type { Disagreement, Evidence } from './disagreements.ts';
import { releaseSide } from './live.ts';
import { shareOf } from './routing.ts';
import { isTogether, replicasIn } from './sides.ts';
import { isTerminal } from './state.ts';
import { replicasOf, routed } from './strategies/bring-in.ts';

/** Shares are told with one digit. */
const ROUNDING = 0.1;

/** Where the proxy does something else than engine and record say; `remedy` settles what only has to be said again. */
export function proxyDisagreements(evidence: Evidence, remedy: string): readonly Disagreement[] {
  const found = [...evidence.faults, ...deadBackends(evidence), ...misrouted(evidence)];
  return [...found.map((what) => ({ what, remedy })), ...otherWeight(evidence)];
}

function deadBackends({ observed }: Evidence): string[] {
  if (observed.router.kind === 'unreadable') return [];
  const running = new Set(observed.containers.filter((c) => c.state === 'running').map((c) => c.name));
  return observed.router.routes
    .flatMap((route) => route.backends.map((b) => b.container))
    .filter((name) => !running.has(name))
    .map((name) => `the proxy sends traffic to ${name}, which does not run`);
}

/** Requests of a route that the live release does not get, though nothing is under way. */
function misrouted({ observed, live, liveRelease, records }: Evidence): string[] {
  const { router } = observed;
  const last = records.at(-1);
  if (liveRelease === null || router.kind === 'unreadable' || live.kind === 'none' || live.kind === 'unclear')
    return [];
  if (last !== undefined && !isTerminal(last.state)) return [];
  const side = releaseSide(liveRelease, live.kind === 'color' ? live.color : null);
  return routed(side).flatMap((name) => {
    const route = router.routes.find(({ service }) => service === name);
    const share =
      route === undefined ? 0 : shareOf(route, new Set(replicasIn(observed, side, name).map((c) => c.name)));
    if (share === 100 || replicasOf(side, name) === 0) return [];
    return [`the proxy sends ${String(share)} % of the requests of ${name} to ${liveRelease.version}`];
  });
}

/** A rollout that waits has said what share its candidate gets. */
function otherWeight({ observed, records }: Evidence): Disagreement[] {
  const { router } = observed;
  const last = records.at(-1);
  if (last?.state !== 'paused' || last.weight === null || router.kind === 'unreadable') return [];
  const { candidate, weight } = last;
  const tolerance = router.parts === null ? ROUNDING : 100 / router.parts;
  return routed(candidate).flatMap((name) => {
    const route = router.routes.find(({ service }) => service === name);
    if (route === undefined || isTogether(last, name)) return [];
    const share = shareOf(route, new Set(replicasIn(observed, candidate, name).map((c) => c.name)));
    if (Math.abs(share - weight) <= tolerance) return [];
    return [
      {
        what: `the proxy sends ${String(share)} % of the requests of ${name} to ${candidate.version ?? 'the candidate'}, and the rollout ${String(weight)} %`,
        remedy: 'docker-deploy-bg promote goes on, docker-deploy-bg abort takes it back',
      },
    ];
  });
}
