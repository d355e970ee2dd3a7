import type { Live } from './live.ts';
import type { Observed } from './observed.ts';
import type { RolloutRecord } from './record.ts';
import type { Release } from './release.ts';
import { shareOf } from './routing.ts';
import { isTerminal } from './state.ts';
import { longRunning, replicasOf, routed } from './strategies/bring-in.ts';
import { copiesBeside, releaseSide } from './live.ts';
import { replicasIn } from './sides.ts';

/** Record, labels, engine and proxy do not say the same. */
export interface Disagreement {
  readonly what: string;
  readonly remedy: string;
}

interface Evidence {
  readonly observed: Observed;
  readonly live: Live;
  readonly liveRelease: Release | null;
  readonly records: readonly RolloutRecord[];
}

/** The project's services by what deploys do to them. */
export interface Services {
  readonly replaced: readonly string[];
  readonly shared: readonly string[];
  /** Null if the proxy is no service of the project. */
  readonly proxy: string | null;
}

const CLEANUP = 'docker-deploy-bg cleanup';

/** Everything that does not fit together, with the command that settles it. Empty while a rollout moves under a holder. */
export function disagreements(evidence: Evidence, services: Services, moving: boolean): readonly Disagreement[] {
  if (moving) return [];
  return [
    ...unclear(evidence),
    ...unfinished(evidence),
    ...colorFile(evidence),
    ...missing(evidence),
    ...deadBackends(evidence),
    ...misrouted(evidence),
    ...sharedDown(evidence, services),
    ...proxySilent(evidence, services),
    ...copies(evidence, services),
  ];
}

function unclear({ live }: Evidence): Disagreement[] {
  return live.kind === 'unclear' ? [{ what: live.reason, remedy: 'stop the color that should not serve' }] : [];
}

function unfinished({ records }: Evidence): Disagreement[] {
  const last = records.at(-1);
  if (last === undefined || last.endedAt !== null || last.state === 'paused' || last.state === 'rollback_paused')
    return [];
  const version = last.candidate.version ?? '';
  return [
    {
      what: `the ${last.verb} of ${version} was left unfinished by its process`,
      remedy: `docker-deploy-bg deploy ${version} goes on, docker-deploy-bg rollback takes it back`,
    },
  ];
}

function colorFile({ observed, live }: Evidence): Disagreement[] {
  if (live.kind === 'unclear') return [];
  const color = live.kind === 'color' ? live.color : null;
  if (observed.color === color) return [];
  return [
    {
      what: `.deployment-color says ${observed.color ?? 'nothing'}, but ${color ?? 'no color'} serves`,
      remedy: CLEANUP,
    },
  ];
}

function missing({ observed, live, liveRelease }: Evidence): Disagreement[] {
  if (liveRelease === null || live.kind === 'none' || live.kind === 'unclear') return [];
  const side = releaseSide(liveRelease, live.kind === 'color' ? live.color : null);
  return longRunning(side).flatMap((name) => {
    const wanted = side.services[name]?.replicas ?? 0;
    const running = replicasIn(observed, side, name).filter((c) => c.state === 'running').length;
    if (running >= wanted) return [];
    return [
      {
        what: `${name}: ${String(running)} of ${String(wanted)} replicas run`,
        remedy: `docker-deploy-bg deploy ${liveRelease.version}`,
      },
    ];
  });
}

function deadBackends({ observed, liveRelease }: Evidence): Disagreement[] {
  if (observed.router.kind === 'unreadable') return [];
  const running = new Set(observed.containers.filter((c) => c.state === 'running').map((c) => c.name));
  const dead = observed.router.routes
    .flatMap((route) => route.backends.map((b) => b.container))
    .filter((name) => !running.has(name));
  return dead.map((name) => ({
    what: `the proxy sends traffic to ${name}, which does not run`,
    remedy: `docker-deploy-bg deploy ${liveRelease?.version ?? '<version>'}`,
  }));
}

/** Requests of a route that the live release does not get, though nothing is under way. */
function misrouted({ observed, live, liveRelease, records }: Evidence): Disagreement[] {
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
    const what = `the proxy sends ${String(share)} % of the requests of ${name} to ${liveRelease.version}`;
    return [{ what, remedy: `docker-deploy-bg deploy ${liveRelease.version} --force` }];
  });
}

/** A shared service that does not run; one that has done its work and exited with 0 is as it should be. */
function sharedDown({ observed, live }: Evidence, { shared }: Services): Disagreement[] {
  if (live.kind !== 'color') return [];
  const up = (name: string) =>
    observed.containers.some(
      (c) => c.color === null && c.service === name && !c.oneOff && (c.state === 'running' || c.exitCode === 0),
    );
  return shared
    .filter((name) => !up(name))
    .map((name) => ({ what: `the shared service ${name} does not run`, remedy: start(name) }));
}

/** A proxy that runs and yet cannot be asked; one that does not run is named as a shared service. */
function proxySilent({ observed, live }: Evidence, { proxy }: Services): Disagreement[] {
  if (live.kind !== 'color' || proxy === null || observed.router.kind === 'routes') return [];
  const running = observed.containers.some((c) => c.color === null && c.service === proxy && c.state === 'running');
  return running ? [{ what: observed.router.reason, remedy: `docker compose restart ${proxy}` }] : [];
}

function start(service: string): string {
  return `docker compose up -d --no-deps ${service}`;
}

function copies({ observed, live, records }: Evidence, { replaced }: Services): Disagreement[] {
  if (live.kind !== 'color') return [];
  return copiesBeside(observed, records, replaced).map((c) => ({
    what: `${c.name} runs beside the colors: other services find it as ${c.service}`,
    remedy: `docker rm -f ${c.name}`,
  }));
}
