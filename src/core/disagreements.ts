import { othersInPlace } from './changes.ts';
import { type Live, copiesBeside, releaseSide } from './live.ts';
import { liveRoutes } from './live-routes.ts';
import { proxyDisagreements } from './proxy-disagreements.ts';
import type { Observed } from './observed.ts';
import type { RolloutRecord, Side } from './record.ts';
import type { Release } from './release.ts';
import { replicasIn } from './sides.ts';
import { isTerminal } from './state.ts';
import { longRunning, replicasOf } from './strategies/bring-in.ts';

/** Record, labels, engine and proxy do not say the same. */
export interface Disagreement {
  readonly what: string;
  readonly remedy: string;
  /** What of ours says something wrong, where `cleanup` writes it anew. */
  readonly part?: 'proxy' | 'file';
}

/** All that is known of a project, from wherever it is known. */
export interface Evidence {
  readonly observed: Observed;
  readonly live: Live;
  readonly liveRelease: Release | null;
  readonly records: readonly RolloutRecord[];
  /** Releases of the state folder, oldest first. */
  readonly releases: readonly Release[];
  /** This checkout, as the labels of its containers name it. */
  readonly store: string;
  /** Image tags of ours that the engine has. */
  readonly tags: readonly string[];
  /** Where the proxy and its files do not fit together, in the driver's words. */
  readonly faults: readonly string[];
}

/** The project's services by what deploys do to them. */
export interface Services {
  readonly replaced: readonly string[];
  readonly shared: readonly string[];
  /** Null if the proxy is no service of the project. */
  readonly proxy: string | null;
  /** It runs on the host. */
  readonly hostProxy: boolean;
}

/** What to do about a proxy on the host that does not answer. */
export const HOST_PROXY_REMEDY = 'nginx -t, then systemctl start nginx, or systemctl reload nginx if it runs';

/** What settles whatever has it for a remedy. */
export const CLEANUP = 'docker-deploy-bg cleanup';

/**
 * Everything that does not fit together, with the command that settles it. Empty while a rollout moves under a holder.
 * What serves nobody is no disagreement: leftovers.ts finds it.
 */
export function disagreements(evidence: Evidence, services: Services, moving: boolean): readonly Disagreement[] {
  if (moving) return [];
  return [
    ...unclear(evidence),
    ...foreign(evidence),
    ...unfinished(evidence),
    ...overtaken(evidence),
    ...colorFile(evidence),
    ...unknownRelease(evidence),
    ...missing(evidence),
    ...surplus(evidence),
    ...mixed(evidence),
    ...madeByOthers(evidence),
    ...untagged(evidence),
    ...proxyDisagreements(evidence, routesRemedy(evidence)).map(ofProxy),
    ...sharedDown(evidence, services),
    ...proxySilent(evidence, services),
    ...copies(evidence, services),
  ];
}

/** A proxy that only has to be told again is told by `cleanup`; where somebody has to serve first, a deploy sees to it. */
function routesRemedy({ observed, live, liveRelease, records }: Evidence): string {
  const told = isSettled(records) && liveRoutes(observed, live, liveRelease) !== null;
  return told ? CLEANUP : deployOf(liveRelease);
}

function ofProxy(found: Disagreement): Disagreement {
  return found.remedy === CLEANUP ? { ...found, part: 'proxy' } : found;
}

/** No rollout is on its way, or waits to go on. */
export function isSettled(records: readonly RolloutRecord[]): boolean {
  const last = records.at(-1);
  return last === undefined || isTerminal(last.state);
}

function deployOf(release: Release | null): string {
  return `docker-deploy-bg deploy ${release?.version ?? '<version>'}`;
}

function unclear({ live }: Evidence): Disagreement[] {
  return live.kind === 'unclear' ? [{ what: live.reason, remedy: 'stop the color that should not serve' }] : [];
}

/** Colors belong to the checkout that made them. */
export function foreignContainer({ observed, store }: Pick<Evidence, 'observed' | 'store'>) {
  return observed.containers.find((c) => c.color !== null && c.store !== null && c.store !== store);
}

function foreign(evidence: Evidence): Disagreement[] {
  const container = foreignContainer(evidence);
  if (container === undefined) return [];
  const what = `${container.name} was deployed from another checkout of this project`;
  return [{ what, remedy: 'deploy from the other checkout, or add --take-over to a deploy from this one' }];
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

/** Somebody has changed what serves without us. */
function overtaken({ live, records }: Evidence): Disagreement[] {
  const last = records.findLast((record) => record.state === 'completed');
  if (last === undefined || live.kind === 'none' || live.kind === 'unclear' || !isSettled(records)) return [];
  const color = live.kind === 'color' ? live.color : null;
  if (last.candidate.color === color) return [];
  const [version, left] = [last.candidate.version ?? '', last.candidate.color ?? 'plain containers'];
  return [
    {
      what: `the last rollout left ${version} on ${left}, but ${color ?? 'plain containers'} serve${color === null ? '' : 's'}`,
      remedy: `docker-deploy-bg deploy ${version} --force`,
    },
  ];
}

function colorFile({ observed, live }: Evidence): Disagreement[] {
  if (live.kind === 'unclear') return [];
  const color = live.kind === 'color' ? live.color : null;
  if (observed.color === color) return [];
  const what = `.deployment-color says ${observed.color ?? 'nothing'}, but ${color ?? 'no color'} serves`;
  return [{ what, remedy: CLEANUP, part: 'file' }];
}

/** What serves cannot be made again, nor gone back to. */
function unknownRelease({ observed, live, liveRelease }: Evidence): Disagreement[] {
  if (live.kind !== 'color' || liveRelease !== null) return [];
  const mine = observed.containers.filter((c) => c.color === live.color && !c.oneOff);
  const version = mine.find((c) => c.version !== null)?.version ?? '<version>';
  const what = `the release that serves on ${live.color} is not in the state folder`;
  return mine.length === 0 ? [] : [{ what, remedy: `docker-deploy-bg deploy ${version}` }];
}

/** The live release in its place; null if it is not known. */
function liveSide({ live, liveRelease }: Evidence): Side | null {
  if (liveRelease === null || live.kind === 'none' || live.kind === 'unclear') return null;
  return releaseSide(liveRelease, live.kind === 'color' ? live.color : null);
}

function missing(evidence: Evidence): Disagreement[] {
  return counted(evidence, (running, wanted) => running < wanted).map(({ name, running, wanted }) => ({
    what: `${name}: ${String(running)} of ${String(wanted)} replicas run`,
    remedy: deployOf(evidence.liveRelease),
  }));
}

/** Somebody has scaled a color, or a killed call made more than it should; while a rollout waits, that is its business. */
function surplus(evidence: Evidence): Disagreement[] {
  if (!isSettled(evidence.records)) return [];
  return counted(evidence, (running, wanted) => running > wanted).map(({ name, running, wanted }) => ({
    what: `${name}: ${String(running)} replicas run, and ${String(wanted)} are wanted`,
    remedy: deployOf(evidence.liveRelease),
  }));
}

function counted(evidence: Evidence, differs: (running: number, wanted: number) => boolean) {
  const side = liveSide(evidence);
  if (side === null) return [];
  return longRunning(side)
    .map((name) => {
      const running = replicasIn(evidence.observed, side, name).filter((c) => c.state === 'running').length;
      return { name, running, wanted: replicasOf(side, name) };
    })
    .filter(({ running, wanted }) => differs(running, wanted));
}

/** A container of another release among those of the live one: a service that both have alike may be of either. */
function mixed({ observed, live, liveRelease, releases, records }: Evidence): Disagreement[] {
  if (live.kind !== 'color' || liveRelease === null || !isSettled(records)) return [];
  const identity = (release: Release | undefined, service: string) => release?.services[service]?.identity;
  return observed.containers
    .filter((c) => c.color === live.color && !c.oneOff && c.release !== liveRelease.id)
    .filter(({ release, service }) => {
      const other = releases.find(({ id }) => id === release);
      return other === undefined || identity(other, service) !== identity(liveRelease, service);
    })
    .map(({ name, release }) => ({
      what: `${name} is of release ${release ?? '(none)'}, but ${live.color} serves ${liveRelease.id}`,
      remedy: `${deployOf(liveRelease)} --force`,
    }));
}

/** What a service in place is made of, people can change without us. */
function madeByOthers({ observed, liveRelease, records }: Evidence): Disagreement[] {
  if (liveRelease === null || !isSettled(records)) return [];
  return Object.values(liveRelease.services).flatMap(({ name, version }) =>
    othersInPlace(observed, liveRelease, name).map((container) => ({
      what: `${container.name} runs ${container.image}, which is not the image of ${version}`,
      remedy: `docker-deploy-bg deploy ${version}${version === liveRelease.version ? '' : ` --services ${name}`}`,
    })),
  );
}

/** Nothing else keeps the image of a release that does not run. */
function untagged({ releases, tags }: Evidence): Disagreement[] {
  return releases.flatMap(({ version, services }) =>
    Object.values(services)
      .filter(({ pinnedImage }) => !tags.includes(pinnedImage))
      .map(({ name, imageId, pinnedImage }) => ({
        what: `the image of ${name} in ${version} has lost its tag, and is the next to be pruned`,
        remedy: `docker tag ${imageId} ${pinnedImage}`,
      })),
  );
}

/** A shared service that does not run; one that may have done its work and exited with 0 is as it should be. */
function sharedDown({ observed, live }: Evidence, { shared, proxy }: Services): Disagreement[] {
  if (live.kind !== 'color') return [];
  const up = (name: string) =>
    observed.containers.some(
      (c) =>
        c.color === null &&
        c.service === name &&
        !c.oneOff &&
        (c.state === 'running' || (c.exitCode === 0 && name !== proxy)),
    );
  return shared
    .filter((name) => !up(name))
    .map((name) => ({ what: `the shared service ${name} does not run`, remedy: start(name) }));
}

/** A proxy that runs and yet cannot be asked; one that has not loaded its files is a fault of those, and a service that does not run is named as a shared one. */
function proxySilent({ observed, live }: Evidence, { proxy, hostProxy }: Services): Disagreement[] {
  if (live.kind !== 'color' || observed.router.kind === 'routes' || observed.router.isUnsettled === true) return [];
  if (hostProxy) return [{ what: observed.router.reason, remedy: HOST_PROXY_REMEDY }];
  if (proxy === null) return [];
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
    remedy: CLEANUP,
  }));
}
