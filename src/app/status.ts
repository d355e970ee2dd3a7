import { EXIT } from '../core/errors.ts';
import { leftovers } from '../core/leftovers.ts';
import type { Millis, Observed, ObservedContainer } from '../core/observed.ts';
import { stepText } from '../core/plan.ts';
import type { Placement } from '../core/project.ts';
import { currentStep, type RolloutRecord } from '../core/record.ts';
import { shareOf } from '../core/routing.ts';
import { heldUntil } from '../core/steps/gates.ts';
import { CLEANUP, disagreements, type Evidence } from '../core/disagreements.ts';
import type { Ports } from './ports.ts';
import { locate, servicesOf, type Location } from './session.ts';
import { examine, type Known } from './state.ts';
import type { LeftoverView, LiveView, RolloutView, ServiceView, SharedView, StatusView } from './status-view.ts';

/** Looks at everything and changes nothing; works in every state, also without today's compose files. */
export async function status(ports: Ports, options: { readonly version: string | null }): Promise<StatusView> {
  const location = await locate(ports, options.version ?? 'status');
  const router = ports.router({ spec: location.proxy, project: location.project });
  const [known, holder] = await Promise.all([
    examine({ ports, project: location.project, router, replaced: location.replaced }),
    ports.store.holder(),
  ]);
  const at = ports.clock.now();
  const { observed, records } = known;
  const last = records.at(-1);
  const left = leftoverViews(known, location, holder !== null);
  const differing = disagreements(known, servicesOf(location), holder !== null);
  return {
    project: location.project,
    at,
    live: liveView(known),
    services: serviceViews(known, location, at),
    shared: location.shared.map((name) => sharedView(observed, name, at)),
    router: routerView(observed, location),
    lastRollout: last === undefined ? null : rolloutView(last),
    inFlight: holder,
    leftovers: left,
    disagreements: differing.map(({ what, remedy }) => ({ what, remedy })),
    exit: exitOf(last, left.length + differing.length === 0),
  };
}

function liveView({ live, liveRelease, observed, records }: Known): LiveView | null {
  if (live.kind === 'none' || live.kind === 'unclear') return null;
  const color = live.kind === 'color' ? live.color : null;
  const since = records.findLast((r) => r.state === 'completed' && r.candidate.color === color)?.endedAt ?? null;
  const version =
    liveRelease?.version ?? observed.containers.find((c) => c.color === color && c.version !== null)?.version ?? null;
  return { color, version, release: liveRelease?.id ?? null, since };
}

function routerView(observed: Observed, location: Location): StatusView['router'] {
  const { router } = observed;
  return {
    driver: location.proxy.driver,
    readable: router.kind === 'routes',
    reason: router.kind === 'routes' ? null : router.reason,
  };
}

/** A row for each service in each color that it runs in, and for the live color also where it should and does not. */
function serviceViews(known: Known, location: Location, at: Millis): ServiceView[] {
  const { observed, live, liveRelease } = known;
  const liveColor = live.kind === 'color' ? live.color : null;
  return location.replaced.flatMap((name) => {
    const placement: Placement = liveRelease?.services[name]?.placement ?? 'colored';
    if (placement === 'one-shot') return [];
    const mine = observed.containers.filter((c) => c.service === name && !c.oneOff);
    const home = placement === 'in-place' ? null : liveColor;
    const colors = new Set(mine.map((c) => c.color));
    if (live.kind === 'color' || liveRelease !== null) colors.add(home);
    return [...colors].map((color) => {
      const replicas = mine.filter((c) => c.color === color);
      const isLive = live.kind !== 'none' && color === home;
      const wanted = isLive
        ? (liveRelease?.services[name]?.replicas ?? replicas.length)
        : wantedBeside(known.records, color, name);
      return {
        name,
        placement,
        color,
        wanted,
        ...counts(replicas, at),
        ...(isLive && liveRelease?.services[name] ? { image: liveRelease.services[name].image } : {}),
        version: replicas[0]?.version ?? (isLive && placement === 'in-place' ? (liveRelease?.version ?? null) : null),
        ...weightView(observed, name, replicas),
      };
    });
  });
}

/** What a moving rollout or a held release wants in a color that is not live. */
function wantedBeside(records: readonly RolloutRecord[], color: ServiceView['color'], name: string): number {
  const last = records.at(-1);
  if (last === undefined) return 0;
  const held = heldUntil(last) !== null ? last.stable : null;
  const side = last.endedAt === null ? last.candidate : held;
  return side?.color === color ? (side.services[name]?.replicas ?? 0) : 0;
}

function sharedView(observed: Observed, name: string, at: Millis): SharedView {
  const replicas = observed.containers.filter((c) => c.color === null && c.service === name && !c.oneOff);
  return { name, wanted: Math.max(1, replicas.length), ...counts(replicas, at) };
}

function counts(replicas: readonly ObservedContainer[], at: Millis) {
  const running = replicas.filter((c) => c.state === 'running');
  const ready = running.filter((c) => c.health === 'none' || c.health === 'healthy');
  const youngest = Math.max(...replicas.map((c) => c.startedAt ?? c.createdAt));
  return {
    running: running.length,
    ready: ready.length,
    image: shortImage(replicas[0]?.image ?? ''),
    ageMs: replicas.length === 0 ? null : at - youngest,
    notes: replicas.filter((c) => !ready.includes(c)).map((c) => `${c.name}: ${noteOf(c)}`),
  };
}

/** Our containers are made from image ids: the first twelve digits are what `docker images` shows. */
function shortImage(image: string): string {
  return image.replace(/^(sha256:)?([0-9a-f]{12})[0-9a-f]{52}$/, '$2');
}

function noteOf(container: ObservedContainer): string {
  if (container.state !== 'running')
    return container.exitCode === null ? container.state : `${container.state} with code ${String(container.exitCode)}`;
  return container.health;
}

function weightView(
  observed: Observed,
  service: string,
  replicas: readonly ObservedContainer[],
): Pick<ServiceView, 'weight' | 'weightSource'> {
  if (observed.router.kind === 'unreadable') return { weight: null, weightSource: null };
  const route = observed.router.routes.find((r) => r.service === service);
  if (route === undefined) return { weight: null, weightSource: null };
  return { weight: shareOf(route, new Set(replicas.map((c) => c.name))), weightSource: 'proxy' };
}

/** A rollout as `status` and `history --timeline` tell it. */
export function rolloutView(record: RolloutRecord): RolloutView {
  const step = currentStep(record);
  return {
    id: record.id,
    verb: record.verb,
    state: record.state,
    pauseReason: record.pauseReason,
    message: record.message,
    from: record.stable?.version ?? null,
    to: record.candidate.version,
    startedAt: record.acceptedAt,
    endedAt: record.endedAt,
    downMs: record.downMs,
    step: step === undefined ? null : { index: record.cursor + 1, total: record.steps.length, text: stepText(step) },
  };
}

/** While a command is at work it has tags and releases that nobody else knows what for. */
function leftoverViews(evidence: Evidence, location: Location, moving: boolean): LeftoverView[] {
  return leftovers(evidence, servicesOf(location), location.history)
    .filter(({ kind }) => !moving || kind === 'container' || kind === 'network')
    .map(({ kind, name, why }) => ({ kind, name, why, remedy: CLEANUP }));
}

/**
 * The exit table of DESIGN section 11, read as a state. 0 means here, too, that a version serves complete and alone:
 * not while the old one drains, and not if something has come apart since.
 */
function exitOf(last: RolloutRecord | undefined, sound: boolean): number {
  if (last?.state === 'completed' && currentStep(last) !== undefined && heldUntil(last) === null) return EXIT.refused;
  if (last === undefined || last.state === 'completed') return sound ? EXIT.ok : EXIT.failed;
  if (last.state === 'paused') return EXIT.paused;
  if (last.state === 'rollback_paused') return EXIT.wayBackPaused;
  if (last.state === 'rollback_completed') return EXIT.failed;
  if (last.state === 'superseded') return EXIT.superseded;
  return EXIT.refused;
}
