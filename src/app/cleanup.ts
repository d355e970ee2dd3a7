import { disagreements, type Evidence } from '../core/disagreements.ts';
import { EXIT } from '../core/errors.ts';
import { type Leftover, leftovers } from '../core/leftovers.ts';
import { liveRoutes } from '../core/live-routes.ts';
import { currentStep, type RolloutRecord } from '../core/record.ts';
import type { Ports } from './ports.ts';
import { isFinished, settle } from './recover.ts';
import { forget } from './releases.ts';
import { inSession, locate, observe, servicesOf, type Location, type Session } from './session.ts';
import { examine, refuseForeign } from './state.ts';

export interface CleanupItem {
  readonly kind: string;
  readonly name: string;
  readonly why: string;
}

export interface CleanupResult {
  readonly removed: readonly CleanupItem[];
  /** What stays and says something else now. */
  readonly corrected: readonly CleanupItem[];
  readonly exit: number;
}

/**
 * Finishes what a killed command left, makes proxy and files say what is so, then removes what is not live. Tells each
 * before it does it; with `dryRun` that is all. A rollout that waits for a person goes on to wait.
 */
export async function cleanup(
  ports: Ports,
  options: { readonly dryRun: boolean },
  signal: AbortSignal,
): Promise<CleanupResult> {
  const location = await locate(ports, 'cleanup');
  if (options.dryRun) return dryRun(ports, location);
  return inSession(ports, location, { verb: 'cleanup', files: null }, (session) =>
    cleanupIn(session, location, signal),
  );
}

async function dryRun(ports: Ports, location: Location): Promise<CleanupResult> {
  const router = ports.router({ spec: location.proxy, project: location.project });
  const evidence = await examine({ ports, project: location.project, router, replaced: location.replaced });
  refuseForeign(evidence.observed, evidence.store, false);
  const corrected = [...unfinished(evidence), ...wrong(evidence, location)];
  const removed = leftovers(evidence, servicesOf(location), location.history);
  return { corrected, removed: removed.map(itemOf), exit: EXIT.ok };
}

async function cleanupIn(session: Session, location: Location, signal: AbortSignal): Promise<CleanupResult> {
  const evidence = await examine(session);
  refuseForeign(evidence.observed, session.storeId, false);
  const rollout = announced(session, 'finishing', unfinished(evidence));
  if (rollout.length > 0) await settle(session, signal, { forwardTo: null, endHold: true });
  const corrected = await correct(session, location, await examine(session));
  const removed = leftovers(await examine(session), servicesOf(location), location.history);
  announced(session, 'removing', removed);
  await remove(session, removed);
  return { corrected: [...rollout, ...corrected], removed: removed.map(itemOf), exit: EXIT.ok };
}

/** Said before it is done. */
function announced<T extends CleanupItem>({ ports }: Session, doing: string, items: readonly T[]): readonly T[] {
  for (const { kind, name, why } of items) ports.emit({ kind: 'phase', text: `${doing} ${kind} ${name}: ${why}` });
  return items;
}

function itemOf({ kind, name, why }: Leftover): CleanupItem {
  return { kind, name, why };
}

/** The rollout that nobody runs and nobody is asked about. */
function unfinished({ records }: Evidence): readonly CleanupItem[] {
  const last = records.at(-1);
  if (last === undefined || isFinished(last) || last.state === 'paused' || last.state === 'rollback_paused') return [];
  return [{ kind: 'rollout', name: last.id, why: whyUnfinished(last) }];
}

function whyUnfinished(record: RolloutRecord): string {
  const [from, to] = [record.stable, record.candidate].map((side) => side?.version ?? 'what served before');
  if (record.state !== 'completed') return `its process left it unfinished, and ${from ?? ''} is to serve all traffic`;
  const held = currentStep(record)?.kind === 'hold';
  return held
    ? `${from ?? ''} is held for an instant way back`
    : `${to ?? ''} serves, and ${from ?? ''} is still there`;
}

/** What `cleanup` settles without removing anything. */
function wrong(evidence: Evidence, location: Pick<Location, 'replaced' | 'shared' | 'proxy'>): readonly CleanupItem[] {
  const proxy = location.proxy.service ?? location.proxy.driver;
  return disagreements(evidence, servicesOf(location), false).flatMap(({ what: why, part }) =>
    part === undefined ? [] : [{ kind: part, name: part === 'file' ? '.deployment-color' : proxy, why }],
  );
}

/** Makes proxy and files say what is so, where they only have to be told. Says each before it does it. */
export async function correct(
  session: Session,
  location: Pick<Location, 'replaced' | 'shared' | 'proxy'>,
  evidence: Evidence,
): Promise<readonly CleanupItem[]> {
  const { ports, router, lock } = session;
  const { observed, live, liveRelease } = evidence;
  const items = announced(session, 'correcting', wrong(evidence, location));
  const routes = liveRoutes(observed, live, liveRelease);
  await lock.check();
  if (routes !== null && items.some(({ kind }) => kind === 'proxy')) await router.apply(routes);
  if (items.some(({ kind }) => kind === 'file')) await ports.store.setColor(live.kind === 'color' ? live.color : null);
  return items;
}

/** Containers first: nothing else can go while they are there. */
async function remove(session: Session, items: readonly Leftover[]): Promise<void> {
  const { ports } = session;
  await Promise.all(items.flatMap((item) => (item.kind === 'container' ? [removeContainer(session, item.id)] : [])));
  for (const item of items) {
    if (item.kind === 'network') await ports.engine.removeNetworks(item.name);
    if (item.kind === 'release') await forget(ports, item.release);
    if (item.kind === 'image tag') await ports.engine.untag(item.name);
  }
}

/** Removes everything that is in a color, but what the proxy sends traffic to. */
export async function removeColors(session: Session): Promise<void> {
  const { ports, project, router } = session;
  const { containers, router: reading } = await observe(ports, project, router);
  const routes = reading.kind === 'routes' ? reading.routes : [];
  const routed = new Set(routes.flatMap(({ backends }) => backends.map(({ container }) => container)));
  const going = containers.filter((c) => c.color !== null && !routed.has(c.name));
  await Promise.all(going.map(({ id }) => removeContainer(session, id)));
  const after = await observe(ports, project, null);
  const empty = after.networks.filter(
    (name) => name !== project && !after.containers.some((c) => c.color !== null && name.endsWith(`-${c.color}`)),
  );
  for (const name of empty) await ports.engine.removeNetworks(name);
}

async function removeContainer(session: Session, id: string): Promise<void> {
  await session.lock.check();
  await session.ports.engine.stop(id, { graceMs: 10_000, preStop: [] });
  await session.ports.engine.remove(id);
}
